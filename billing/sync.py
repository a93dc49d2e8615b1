"""Step 3: read an object from Stripe again, write what it says, tell what changed.

Every function here reads first, outside any transaction, and then writes in one transaction under
a lock on the customer's row. A row carries the time at which its read began; a write from an older
read yields. The messages that a change causes are put into the outbox in the same transaction.
"""

from __future__ import annotations

from copy import copy
from dataclasses import asdict
from datetime import datetime
from typing import Any, TypeVar

from django.conf import settings
from django.contrib.auth.models import User
from django.db import connection, transaction

from billing import gateway, notices, snapshots
from billing.models import (
    Checkout,
    Customer,
    Invoice,
    Payment,
    PaymentRequest,
    Plan,
    Subscription,
)
from billing.models.copy import StripeCopy
from billing.states import (
    LIVE_SUBSCRIPTION,
    CheckoutState,
    InvoiceStatus,
    PaymentStatus,
    Purpose,
    RequestState,
    checkout_state,
)
from billing.transitions import (
    InvoicePaid,
    InvoicePaymentFailed,
    SinglePaymentReceived,
    SubscriptionStarted,
    Transition,
)

Copy = TypeVar("Copy", bound=StripeCopy)


class UnknownCustomer(Exception):
    """The object belongs to a Stripe customer that is no member of ours (yet)."""


class NotOurs(Exception):
    """The object has no customer: nothing of it belongs to a member."""


def database_now() -> datetime:
    """Return the database's clock, which all our processes share."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT clock_timestamp()")
        now: datetime = cursor.fetchone()[0]
    return now


def sync_plan(price_id: str) -> Plan:
    """Read a price and its product, and write them as the plan."""
    read_at = database_now()
    snapshot = gateway.read_plan(price_id)
    values = asdict(snapshot)
    stripe_id = values.pop("price_id")
    with transaction.atomic():
        return _write(Plan, stripe_id, read_at, values)[1]


def sync_current_plan(_changed_id: str = "") -> None:
    """Read the plan that is on sale again: its price or its product may have changed."""
    if settings.STRIPE_PRICE_ID:
        sync_plan(settings.STRIPE_PRICE_ID)


def sync_customer(customer_id: str) -> Customer:
    """Read a customer and write it, matching its user by our metadata.

    Raises:
        UnknownCustomer: no user of ours is named in its metadata.
    """
    read_at = database_now()
    snapshot = gateway.read_customer(customer_id)
    with transaction.atomic():
        known = Customer.objects.filter(stripe_id=customer_id).first()
        user_id = known.user_id if known else _user_id(snapshot)
        values: dict[str, Any] = {"user_id": user_id, "deleted_at_stripe": snapshot.deleted}
        if not snapshot.deleted:
            values |= {"email": snapshot.email, "name": snapshot.name}
            values |= {"created_at": snapshot.created_at}
        elif known is None:
            values |= {"created_at": read_at}
        return _write(Customer, customer_id, read_at, values)[1]


def sync_subscription(subscription_id: str) -> Subscription:
    """Read a subscription and write it."""
    read_at = database_now()
    snapshot = gateway.read_subscription(subscription_id)
    values = asdict(snapshot)
    values |= _card_columns(values.pop("card"), with_expiry=True)
    stripe_id, customer_id = values.pop("id"), values.pop("customer_id")
    _known_customer(customer_id)
    with transaction.atomic():
        values["customer"] = _locked_customer(customer_id)
        old, new = _write(Subscription, stripe_id, read_at, values)
        _announce(_subscription_transitions(old, new))
    return new


def sync_invoice(invoice_id: str) -> Invoice:
    """Read an invoice with its payments, and write them together."""
    read_at = database_now()
    snapshot = gateway.read_invoice(invoice_id)
    payments = [gateway.read_payment(found) for found in snapshot.payment_intent_ids]
    if not snapshot.customer_id:
        raise NotOurs("The invoice has no customer.")
    _known_customer(snapshot.customer_id)
    subscription = _known_subscription(snapshot.subscription_id)
    values = asdict(snapshot) | {"subscription": subscription}
    for column in ("id", "customer_id", "subscription_id", "payment_intent_ids"):
        del values[column]
    with transaction.atomic():
        customer = _locked_customer(snapshot.customer_id)
        old, new = _write(Invoice, invoice_id, read_at, values | {"customer": customer})
        rows = [_write_payment(found, customer, read_at, new)[1] for found in payments]
        _announce(_invoice_transitions(old, new, rows, payments, read_at))
    return new


def sync_payment(payment_intent_id: str) -> Payment:
    """Read a payment and write it; one that pays an invoice is written with its invoice."""
    known = Payment.objects.filter(stripe_id=payment_intent_id).select_related("invoice").first()
    if known and known.invoice:
        invoice_id = known.invoice.stripe_id
    else:
        invoice_id = gateway.invoice_of_payment(payment_intent_id)
    if invoice_id:
        sync_invoice(invoice_id)
        written = Payment.objects.filter(stripe_id=payment_intent_id).first()
        if written:
            return written
    return _sync_single_payment(payment_intent_id, pays_invoice=bool(invoice_id))


def sync_checkout(session_id: str) -> None:
    """Record that a Checkout session was completed or expired, and what it made."""
    snapshot = gateway.read_checkout(session_id)
    if snapshot.subscription_id:
        sync_subscription(snapshot.subscription_id)
    if Checkout.objects.filter(session_id=session_id, purpose=Purpose.MEMBERSHIP).exists():
        done = snapshot.status in (CheckoutState.COMPLETE, CheckoutState.EXPIRED)
        state = CheckoutState(snapshot.status) if done else None
    else:
        intent_id = snapshot.payment_intent_id
        payment_status = sync_payment(intent_id).status if intent_id else ""
        state = checkout_state(snapshot.status, snapshot.payment_status, payment_status)
    if state:
        rows = Checkout.objects.filter(session_id=session_id).exclude(state=CheckoutState.COMPLETE)
        rows.update(state=state)


def _sync_single_payment(payment_intent_id: str, *, pays_invoice: bool) -> Payment:
    """Read and write a payment on its own, and settle what it was made for."""
    read_at = database_now()
    snapshot = gateway.read_payment(payment_intent_id)
    if not snapshot.customer_id:
        raise NotOurs("The payment has no customer.")
    _known_customer(snapshot.customer_id)
    with transaction.atomic():
        customer = _locked_customer(snapshot.customer_id)
        old, payment = _write_payment(snapshot, customer, read_at, None)
        if snapshot.checkout_pk:
            _settle(payment, snapshot.checkout_pk)
        was_paid = old is not None and old.status == PaymentStatus.SUCCEEDED
        if payment.status == PaymentStatus.SUCCEEDED and not was_paid and not pays_invoice:
            _announce([SinglePaymentReceived(payment)])
    return payment


def _settle(payment: Payment, checkout_pk: int) -> None:
    """Link a payment to the checkout of the same customer that it was made for.

    Once it has succeeded, the checkout is complete and its request is paid, even if staff canceled
    that a moment before: the money has arrived.
    """
    row = Checkout.objects.filter(pk=checkout_pk, customer_id=payment.customer_id).first()
    if row is None or row.payment_id not in (None, payment.pk):
        return
    row.payment = payment
    if payment.status == PaymentStatus.SUCCEEDED:
        row.state = CheckoutState.COMPLETE
        if row.request_id:
            PaymentRequest.objects.filter(pk=row.request_id).update(
                state=RequestState.PAID, paid_at=payment.paid_at
            )
    row.save(update_fields=["payment", "state"])


def _write(
    model: type[Copy], stripe_id: str, read_at: datetime, values: dict[str, Any]
) -> tuple[Copy | None, Copy]:
    """Write a row unless it shows a later read already. Return the row before and after."""
    values = values | {"read_at": read_at}
    rows = model._default_manager.select_for_update()
    old, made = rows.get_or_create(stripe_id=stripe_id, defaults=values)
    if made:
        return None, old
    if old.read_at > read_at:
        return old, old
    new = copy(old)
    for column, value in values.items():
        setattr(new, column, value)
    new.save()
    return old, new


def _write_payment(
    snapshot: snapshots.PaymentSnapshot,
    customer: Customer,
    read_at: datetime,
    invoice: Invoice | None,
) -> tuple[Payment | None, Payment]:
    """Write a payment. Return the row before and after."""
    values = asdict(snapshot)
    values |= _card_columns(values.pop("card"), with_expiry=False)
    for column in ("id", "customer_id", "attempted_at", "checkout_pk"):
        del values[column]
    values["customer"] = customer
    if invoice:
        values["invoice"] = invoice
    return _write(Payment, snapshot.id, read_at, values)


def _card_columns(card: dict[str, str], *, with_expiry: bool) -> dict[str, str]:
    columns = {"card_brand": card["brand"], "card_last4": card["last4"]}
    return columns | ({"card_expires": card["expires"]} if with_expiry else {})


def _user_id(snapshot: snapshots.CustomerSnapshot) -> int:
    """Return the user named in the customer's metadata, if that user has no other customer."""
    user_id = snapshot.user_id
    if user_id is None or not User.objects.filter(pk=user_id, customer=None).exists():
        raise UnknownCustomer(f"Customer {snapshot.id} is no member of ours.")
    return user_id


def _known_customer(customer_id: str) -> None:
    """Make sure that the customer has a row."""
    if not Customer.objects.filter(stripe_id=customer_id).exists():
        sync_customer(customer_id)


def _known_subscription(subscription_id: str) -> Subscription | None:
    """Return the subscription's row; read it first where an invoice arrives before it."""
    if not subscription_id:
        return None
    found = Subscription.objects.filter(stripe_id=subscription_id).first()
    return found or sync_subscription(subscription_id)


def _locked_customer(customer_id: str) -> Customer:
    return Customer.objects.select_for_update().get(stripe_id=customer_id)


def _subscription_transitions(old: Subscription | None, new: Subscription) -> list[Transition]:
    was_live = old is not None and old.status in LIVE_SUBSCRIPTION
    return [SubscriptionStarted(new)] if new.is_live and not was_live else []


def _invoice_transitions(
    old: Invoice | None,
    new: Invoice,
    rows: list[Payment],
    payments: list[snapshots.PaymentSnapshot],
    read_at: datetime,
) -> list[Transition]:
    was_paid = old is not None and old.status == InvoiceStatus.PAID
    if new.status == InvoiceStatus.PAID and not was_paid:
        return [InvoicePaid(new, rows)]
    attempts_before = old.attempt_count if old else 0
    if new.status == InvoiceStatus.OPEN and new.attempt_count > attempts_before:
        times = [found.attempted_at for found in payments if found.attempted_at]
        last = rows[-1] if rows else None
        return [InvoicePaymentFailed(new, last, max(times, default=read_at))]
    return []


def _announce(transitions: list[Transition]) -> None:
    for transition in transitions:
        notices.announce(transition)
