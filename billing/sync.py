"""Step 3: read an object from Stripe again, write what it says, tell what changed.

Every function here reads first, outside any transaction, and then writes in one transaction under
a lock on the customer's row. A row carries the time at which its read began; a write from an older
read yields. The messages that a change causes are put into the outbox in the same transaction.
"""

from __future__ import annotations

from copy import copy
from dataclasses import asdict
from datetime import datetime
from typing import TYPE_CHECKING, Any, TypeVar

from django.db import connection, transaction
from django.db.models import Q

from billing import assignment, gateway, notices, plans, snapshots
from billing.models import (
    Checkout,
    Customer,
    Invoice,
    MembershipDecision,
    Payment,
    PaymentRequest,
    Plan,
    Subscription,
)
from billing.models.copy import StripeCopy
from billing.states import (
    CHARGED_SUBSCRIPTION,
    ENDED_SUBSCRIPTION,
    CheckoutState,
    Collection,
    DecisionState,
    InvoiceStatus,
    MembershipAction,
    PaymentStatus,
    Purpose,
    RequestState,
    SubscriptionStatus,
    checkout_state,
    collection_of,
)
from billing.transitions import (
    ConfirmationNeeded,
    EndScheduled,
    EndTakenBack,
    InvoicePaid,
    InvoicePaymentFailed,
    PriceSwitched,
    SinglePaymentReceived,
    SubscriptionEnded,
    SubscriptionStarted,
    Transition,
)

if TYPE_CHECKING:
    from _typeshed import DataclassInstance

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
    """Read the prices on sale again: they or their product may have changed."""
    for price_id in plans.price_ids():
        sync_plan(price_id)


def sync_customer(customer_id: str) -> Customer:
    """Read a customer and write it. One that belongs to nobody is listed for staff.

    Raises:
        UnknownCustomer: it is no user's, neither by its metadata nor by a verified e-mail address.
    """
    read_at = database_now()
    snapshot = gateway.read_customer(customer_id)
    known = Customer.objects.filter(stripe_id=customer_id).first()
    owner = known.user if known else assignment.owner_of(snapshot)
    if owner is None:
        assignment.record(snapshot, read_at)
        raise UnknownCustomer(f"Customer {customer_id} is no member of ours (yet).")
    values: dict[str, Any] = {"user": owner, "deleted_at_stripe": snapshot.deleted}
    if known is None:
        values |= assignment.told(owner)
    if not snapshot.deleted:
        values |= {"email": snapshot.email, "name": snapshot.name}
        values |= {"created_at": snapshot.created_at}
    elif known is None:
        values |= {"created_at": read_at}
    with transaction.atomic():
        written = _write(Customer, customer_id, read_at, values)[1]
        assignment.adopted(written)
    return written


def sync_subscription(subscription_id: str) -> Subscription:
    """Read a subscription and write it."""
    read_at = database_now()
    snapshot = gateway.read_subscription(subscription_id)
    _known_customer(snapshot.customer_id)
    charge = gateway.next_charge(subscription_id) if will_renew(snapshot) else None
    with transaction.atomic():
        customer = _locked_customer(snapshot.customer_id)
        values = subscription_columns(snapshot) | {"customer": customer, "next_charge": charge}
        old, new = _write(Subscription, subscription_id, read_at, values)
        _confirm_decisions(new, read_at)
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
    if subscription and _is_given_up(snapshot):
        # Whether the last failure has ended the membership decides what the member is told.
        subscription = sync_subscription(subscription.stripe_id)
    statuses = [found.status for found in payments]
    values = invoice_columns(snapshot) | {"subscription": subscription}
    values["collection"] = collection_of(snapshot.status, snapshot.attempt_count, statuses)
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
    values = payment_columns(snapshot) | {"customer": customer}
    if invoice:
        values["invoice"] = invoice
    return _write(Payment, snapshot.id, read_at, values)


def will_renew(snapshot: snapshots.SubscriptionSnapshot) -> bool:
    """Whether a next charge is to come, as far as the subscription says."""
    is_ending = snapshot.cancel_at_period_end or snapshot.cancel_at is not None
    return snapshot.status in CHARGED_SUBSCRIPTION and not is_ending


def subscription_columns(snapshot: snapshots.SubscriptionSnapshot) -> dict[str, Any]:
    """Return the row's columns as Stripe says they are, without those that lead to other rows."""
    return _columns(snapshot, "id", "item_id", "customer_id", "card") | _card_columns(
        asdict(snapshot.card), with_expiry=True
    )


def invoice_columns(snapshot: snapshots.InvoiceSnapshot) -> dict[str, Any]:
    """Return the row's columns as Stripe says they are, without those that lead to other rows."""
    return _columns(snapshot, "id", "customer_id", "subscription_id", "payment_intent_ids")


def payment_columns(snapshot: snapshots.PaymentSnapshot) -> dict[str, Any]:
    """Return the row's columns as Stripe says they are, without those that lead to other rows."""
    left_out = ("id", "customer_id", "attempted_at", "checkout_pk", "card")
    return _columns(snapshot, *left_out) | _card_columns(asdict(snapshot.card), with_expiry=False)


def _columns(snapshot: DataclassInstance, *left_out: str) -> dict[str, Any]:
    return {name: value for name, value in asdict(snapshot).items() if name not in left_out}


def _card_columns(card: dict[str, str], *, with_expiry: bool) -> dict[str, str]:
    columns = {"card_brand": card["brand"], "card_last4": card["last4"]}
    return columns | ({"card_expires": card["expires"]} if with_expiry else {})


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


def _is_given_up(snapshot: snapshots.InvoiceSnapshot) -> bool:
    """Whether Stripe has tried to collect it, and will not try again."""
    is_open = snapshot.status == InvoiceStatus.OPEN
    return is_open and snapshot.attempt_count > 0 and snapshot.next_payment_attempt_at is None


def _locked_customer(customer_id: str) -> Customer:
    return Customer.objects.select_for_update().get(stripe_id=customer_id)


def _confirm_decisions(row: Subscription, read_at: datetime) -> None:
    """Settle the decisions that Stripe's subscription shows now."""
    shown: list[MembershipAction] = []
    if row.is_live:
        shown = [MembershipAction.CANCEL if row.ends_at else MembershipAction.RESUME]
    elif row.status == SubscriptionStatus.CANCELED:
        shown = [MembershipAction.CANCEL, MembershipAction.CANCEL_NOW]
    switched = Q(action=MembershipAction.SWITCH, price_id=row.price_id)
    pending = MembershipDecision.objects.filter(subscription=row, state=DecisionState.PENDING)
    pending.filter(Q(action__in=shown) | switched).update(
        state=DecisionState.CONFIRMED, confirmed_at=read_at
    )


def _subscription_transitions(old: Subscription | None, new: Subscription) -> list[Transition]:
    """Tell what changed. One that is seen for the first time may be ending, or over, already."""
    was_live = old is not None and old.is_live
    found: list[Transition] = []
    if new.is_live and not was_live:
        found.append(SubscriptionStarted(new))
    if new.is_live and new.ends_at and (old is None or old.ends_at != new.ends_at):
        found.append(EndScheduled(new, new.canceled_at or new.read_at))
    if new.is_live and old is not None and was_live and old.ends_at and not new.ends_at:
        found.append(EndTakenBack(new, old, new.read_at))
    if new.is_live and old is not None and was_live and old.price_id != new.price_id:
        found.append(PriceSwitched(new, new.read_at))
    if new.status == SubscriptionStatus.CANCELED and (old is None or was_live):
        found.append(SubscriptionEnded(new, new.ended_at or new.read_at))
    return found


def _invoice_transitions(
    old: Invoice | None,
    new: Invoice,
    rows: list[Payment],
    payments: list[snapshots.PaymentSnapshot],
    read_at: datetime,
) -> list[Transition]:
    """Tell what changed, one thing at a time: what an invoice has come to, not how it got there."""
    was_paid = old is not None and old.status == InvoiceStatus.PAID
    if new.status == InvoiceStatus.PAID and not was_paid:
        return [InvoicePaid(new, rows, _has_recovered(old, new))]
    # A first payment is made in front of the member's eyes; an end is told with its reason.
    if new.billing_reason == "subscription_create" or _has_ended(new.subscription):
        return []
    times = [found.attempted_at for found in payments if found.attempted_at]
    last, at = rows[-1] if rows else None, max(times, default=read_at)
    is_new_attempt = new.attempt_count > (old.attempt_count if old else 0)
    was_processing = old is not None and old.collection == Collection.PROCESSING
    if new.collection == Collection.REQUIRES_ACTION and is_new_attempt:
        return [ConfirmationNeeded(new, last, at)]
    if new.collection == Collection.FAILED and (is_new_attempt or was_processing):
        return [InvoicePaymentFailed(new, last, at)]
    return []


def _has_recovered(old: Invoice | None, new: Invoice) -> bool:
    """Whether an attempt had failed before the one that went through."""
    had_failed = old is not None and old.collection in (
        Collection.FAILED,
        Collection.REQUIRES_ACTION,
    )
    return new.billing_reason != "subscription_create" and (had_failed or new.attempt_count > 1)


def _has_ended(subscription: Subscription | None) -> bool:
    return subscription is not None and subscription.status in ENDED_SUBSCRIPTION


def _announce(transitions: list[Transition]) -> None:
    for transition in transitions:
        notices.announce(transition)
