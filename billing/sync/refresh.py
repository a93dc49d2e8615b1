"""Step 3: read an object from Stripe again, write it, and announce what changed.

Every function here reads first, outside of any transaction, and then writes in one transaction
under the lock on its member. A row has the time when its read began; a write from an older read
gives way. A change's messages are put into the outbox in the same transaction.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence
from datetime import datetime
from typing import Any

from django.db import transaction

from billing.core import texts
from billing.core.statuses import (
    FIRST_INVOICE,
    CheckoutState,
    CreditNoteStatus,
    InvoiceStatus,
    PaymentStatus,
    Purpose,
    RequestState,
    checkout_state,
    collection_of,
)
from billing.facts import guests, trials
from billing.models import (
    Checkout,
    CreditNote,
    Customer,
    Dispute,
    Invoice,
    Payment,
    PaymentMethod,
    PaymentRequest,
    Subscription,
    TaxRate,
)
from billing.models.locks import locked_customer
from billing.notices.transitions import (
    CreditNoteIssued,
    DebitComing,
    SinglePaymentFailed,
    SinglePaymentReceived,
    Transition,
)
from billing.stripe import gateway, snapshots
from billing.sync import assignment, catalog, changes, decisions, expected, writing
from billing.sync.columns import (
    NO_DETAILS,
    Catalog,
    billing_details_columns,
    credit_note_columns,
    dispute_columns,
    invoice_columns,
    outside_columns,
    outside_id,
    payment_columns,
    subscription_columns,
    will_renew,
)
from billing.sync.writing import NotOurs, UnknownCustomer
from common.one_by_one import OneByOne

logger = logging.getLogger(__name__)
# Payments whose tax is read again in an hour: each takes a few requests.
AT_ONCE = 100


def sync_customer(customer_id: str) -> Customer:
    """Read a customer and write it. If it belongs to nobody, list it for staff.

    Raises:
        UnknownCustomer: neither its metadata nor a verified email address leads to a user.
    """
    read_at = writing.database_now()
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
        values |= {"created_at": snapshot.created_at}
        if not (known and known.closed_at):
            # Nothing about people who left is written again while Stripe still has it.
            values |= {"email": snapshot.email, "name": snapshot.name}
            values |= billing_details_columns(snapshot)
    else:
        values |= NO_DETAILS
        values |= {"created_at": read_at} if known is None else {}
    with transaction.atomic():
        # Whose it is by now: while Stripe answered, staff may have moved it to another member.
        rows = Customer.objects.select_for_update().select_related("user")
        if there := rows.filter(stripe_id=customer_id).first():
            values["user"] = there.user
        written = writing.write(Customer, customer_id, read_at, values)[1]
        if snapshot.deleted:
            PaymentMethod.objects.filter(customer=written).delete()
        assignment.adopted(written)
    return written


def sync_subscription(subscription_id: str) -> Subscription:
    """Read a subscription and write it."""
    read_at = writing.database_now()
    snapshot = gateway.read_subscription(subscription_id)
    _known_customer(snapshot.customer_id)
    catalog.know_products({one.product_id for one in snapshot.items})
    schedule_id = snapshot.schedule_id if snapshot.phases else ""
    goes_on = will_renew(snapshot)
    coming = gateway.next_charge(subscription_id, schedule_id) if goes_on else None
    with transaction.atomic():
        customer = locked_customer(stripe_id=snapshot.customer_id)
        values = subscription_columns(snapshot, Catalog.now()) | {"customer": customer}
        values |= {
            "next_charge": coming.amount if coming else None,
            "next_credit": coming.credit if coming else 0,
            "taxation": coming.taxation if coming else "",
        }
        old, new = writing.write(Subscription, subscription_id, read_at, values)
        trials.note(new, is_first_seen=old is None)
        expected.membership_read(new)
        accepted = decisions.settle(new, read_at)
        changes.announce([*changes.of_subscription(old, new), *accepted])
    return new


def read_unknown_items() -> None:
    """Reread the running subscriptions whose items aren't stored yet.

    Raises:
        gateway.StripeError: Stripe didn't answer.
        SomeFailed: the others were read.
    """
    run = OneByOne(ended_by=gateway.ENDS_ALL)
    rows = Subscription.objects.live().filter(items=[])
    for subscription_id in rows.values_list("stripe_id", flat=True):
        with run.each(f"subscription {subscription_id}"):
            gateway.patiently(lambda one=subscription_id: sync_subscription(one))  # type: ignore[misc]
    run.finish()


def read_unknown_taxes() -> None:
    """Reread the one-time payments whose tax was stored before its rates were kept.

    Raises:
        gateway.StripeError: Stripe didn't answer.
        SomeFailed: the others were read.
    """
    run = OneByOne(ended_by=gateway.ENDS_ALL)
    rows = Payment.objects.filter(invoice=None, tax__gt=0, taxes=[]).order_by("read_at")
    for payment_id in rows.values_list("stripe_id", flat=True)[:AT_ONCE]:
        with run.each(f"payment {payment_id}"):
            gateway.patiently(lambda one=payment_id: sync_payment(one))  # type: ignore[misc]
    run.finish()


def sync_invoice(invoice_id: str) -> Invoice:
    """Read an invoice with its payments and credit notes, and write them together."""
    read_at = writing.database_now()
    snapshot = gateway.read_invoice(invoice_id)
    if snapshot.subscription_id:
        catalog.know_products({line["product"] for line in snapshot.lines if line["product"]})
    notes = _credit_notes_of(snapshot)
    payments = [gateway.read_payment(payment) for payment in snapshot.payment_intent_ids]
    if not snapshot.customer_id:
        raise NotOurs("The invoice has no customer.")
    _know_tax_rates(snapshot.taxes)
    _known_customer(snapshot.customer_id)
    subscription = _known_subscription(snapshot.subscription_id)
    if subscription and _depends_on_subscription(snapshot):
        # The message depends on whether the failure ended the membership or kept it from starting.
        subscription = sync_subscription(subscription.stripe_id)
    statuses = [payment.status for payment in payments]
    values = invoice_columns(snapshot) | {"subscription": subscription}
    values["collection"] = collection_of(snapshot.status, snapshot.attempt_count, statuses)
    with transaction.atomic():
        customer = locked_customer(stripe_id=snapshot.customer_id)
        old, new = writing.write(Invoice, invoice_id, read_at, values | {"customer": customer})
        tried = [payment for payment in payments if _is_kept(payment)]
        rows = [_write_payment(payment, customer, read_at, new)[1] for payment in tried]
        outside = _write_outside(snapshot, new, read_at, _returned_directly(notes))
        expected.invoice_read(new)
        changes.announce(changes.of_invoice(old, new, [*rows, *outside], tried, read_at))
        for note in notes:
            changes.announce(_write_credit_note(note, new, read_at))
    return new


def _know_tax_rates(taxes: Sequence[dict[str, Any]]) -> None:
    """Read the names of taxes that haven't been read before."""
    wanted = {one["rate"] for one in taxes if one["rate"]}
    known = TaxRate.objects.filter(stripe_id__in=wanted).values_list("stripe_id", flat=True)
    for missing in sorted(wanted - set(known) if wanted else ()):
        catalog.sync_tax_rate(missing)


def sync_credit_note(credit_note_id: str) -> CreditNote:
    """Read a credit note with its invoice, whose amounts it changes."""
    known = CreditNote.objects.filter(stripe_id=credit_note_id).select_related("invoice").first()
    if known:
        sync_invoice(known.invoice.stripe_id)
        return CreditNote.objects.get(pk=known.pk)
    read_at = writing.database_now()
    snapshot = gateway.read_credit_note(credit_note_id)
    invoice = sync_invoice(snapshot.invoice_id)
    with transaction.atomic():
        locked_customer(stripe_id=snapshot.customer_id)
        changes.announce(_write_credit_note(snapshot, invoice, read_at))
    return CreditNote.objects.get(stripe_id=credit_note_id)


def _credit_notes_of(invoice: snapshots.InvoiceSnapshot) -> list[snapshots.CreditNoteSnapshot]:
    """Ask for an invoice's credit notes if it has any, oldest first.

    A void one no longer shows in the invoice's amounts, so existing rows are checked too.
    """
    amounts = (invoice.pre_payment_credit_notes_amount, invoice.post_payment_credit_notes_amount)
    if not any(amounts) and not CreditNote.objects.filter(invoice__stripe_id=invoice.id).exists():
        return []
    return list(gateway.list_credit_notes(invoice_id=invoice.id))[::-1]


def _write_credit_note(
    snapshot: snapshots.CreditNoteSnapshot, invoice: Invoice, read_at: datetime
) -> list[Transition]:
    """Write a credit note, under the lock on its customer, and announce changes."""
    links = {"customer": invoice.customer, "invoice": invoice}
    values = credit_note_columns(snapshot) | links
    old, new = writing.write(CreditNote, snapshot.id, read_at, values)
    # What we make one for, a refund or an undone payment, has its own message.
    if old is None and new.status == CreditNoteStatus.ISSUED and not snapshot.key:
        return [CreditNoteIssued(new)]
    return []


def sync_payment(payment_intent_id: str) -> Payment:
    """Read a payment and write it; an invoice's payment is written with its invoice.

    Raises:
        NotOurs: nobody has tried to pay the invoice with it.
    """
    known = Payment.objects.filter(stripe_id=payment_intent_id).select_related("invoice").first()
    if known and known.invoice:
        invoice_id = known.invoice.stripe_id
    else:
        invoice_id = gateway.invoice_of_payment(payment_intent_id)
    if invoice_id:
        sync_invoice(invoice_id)
        written = Payment.objects.filter(stripe_id=payment_intent_id).first()
        if written is None:
            raise NotOurs("Nobody has tried to pay with it yet.")
        return written
    return _sync_single_payment(payment_intent_id)


def sync_dispute(dispute_id: str) -> Dispute:
    """Read a dispute and write it, after its payment, whose money it may have moved."""
    read_at = writing.database_now()
    snapshot = gateway.read_dispute(dispute_id)
    if not snapshot.payment_intent_id:
        raise NotOurs("The dispute is of a charge without a payment intent.")
    payment = sync_payment(snapshot.payment_intent_id)
    values = dispute_columns(snapshot) | {"payment": payment}
    with transaction.atomic():
        customer = locked_customer(pk=payment.customer_id)
        old, new = writing.write(Dispute, dispute_id, read_at, values | {"customer": customer})
        changes.announce(changes.of_dispute(old, new))
    return new


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


def _sync_single_payment(payment_intent_id: str) -> Payment:
    """Read and write a standalone payment, and settle what it was for."""
    read_at = writing.database_now()
    snapshot = gateway.read_payment(payment_intent_id)
    customer_id = snapshot.customer_id or guests.customer_of(snapshot.checkout_pk)
    if not customer_id:
        raise NotOurs("The payment has no customer.")
    _known_customer(customer_id)
    tax, taxes = _tax_of(snapshot)
    _know_tax_rates(taxes)
    with transaction.atomic():
        customer = locked_customer(stripe_id=customer_id)
        old, payment = _write_payment(snapshot, customer, read_at, None, tax, taxes)
        if snapshot.checkout_pk:
            _settle(payment, snapshot.checkout_pk)
        was_paid = old is not None and old.status == PaymentStatus.SUCCEEDED
        if payment.status == PaymentStatus.SUCCEEDED and not was_paid:
            changes.announce([SinglePaymentReceived(payment)])
        if payment.status == PaymentStatus.PROCESSING and payment.card_brand in texts.DELAYED:
            changes.announce([DebitComing(payment, payment.created_at)])
        if _bank_refused(payment):
            told_at = changes.refusal_told_at(payment.stripe_id) or snapshot.attempted_at
            changes.announce([SinglePaymentFailed(payment, told_at or read_at)])
    return payment


def _tax_of(snapshot: snapshots.PaymentSnapshot) -> tuple[int, list[dict[str, Any]]]:
    """Return the tax in a single payment, also by rate: only its Checkout session knows it."""
    rows = Checkout.objects.filter(pk=snapshot.checkout_pk or 0, is_taxed=True)
    session = rows.exclude(session_id="").values_list("session_id", flat=True).first()
    if not session:
        return 0, []
    read = gateway.read_checkout(session)
    if read.tax and not read.taxes:
        # Stripe names no rate, which is an answer, too.
        unnamed = {"rate": "", "amount": read.tax, "is_included": False, "reason": ""}
        return read.tax, [unnamed]
    return read.tax, read.taxes


def _bank_refused(payment: Payment) -> bool:
    """Whether a delayed payment failed, which the member isn't there to see.

    A card is declined while the member watches, on a page that stays open for another try.
    """
    has_failed = payment.status == PaymentStatus.REQUIRES_PAYMENT_METHOD
    return has_failed and bool(payment.failure_code) and payment.card_brand in texts.DELAYED


def _settle(payment: Payment, checkout_pk: int) -> None:
    """Link a payment to its checkout, if the customer is the same.

    Once it has succeeded, the checkout is complete and its request is paid, even if staff just
    canceled it: the money has arrived.
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
            expected.request_paid(row.request_id)
    row.save(update_fields=["payment", "state"])


def _write_payment(
    snapshot: snapshots.PaymentSnapshot,
    customer: Customer,
    read_at: datetime,
    invoice: Invoice | None,
    tax: int = 0,
    taxes: Sequence[dict[str, Any]] = (),
) -> tuple[Payment | None, Payment]:
    """Write a payment. Return the row before and after. `tax`, by rate: if no invoice has it."""
    values = payment_columns(snapshot) | {"customer": customer}
    values |= {"invoice": invoice} if invoice else {"tax": tax, "taxes": list(taxes)}
    return writing.write(Payment, snapshot.id, read_at, values)


def _is_kept(payment: snapshots.PaymentSnapshot) -> bool:
    """Whether a payment gets a row: someone tried it, or it already has one."""
    return payment.is_tried or Payment.objects.filter(stripe_id=payment.id).exists()


def _write_outside(
    snapshot: snapshots.InvoiceSnapshot, invoice: Invoice, read_at: datetime, returned: int
) -> list[Payment]:
    """Write money paid outside of Stripe as a payment; if it's gone, it counts as zero.

    `returned` is what credit notes say was given back in the same way.
    """
    stripe_id = outside_id(snapshot.id)
    is_known = Payment.objects.filter(stripe_id=stripe_id).exists()
    if not snapshot.amount_paid_outside and not is_known:
        return []
    values = outside_columns(snapshot) | {"customer": invoice.customer, "invoice": invoice}
    values["amount_refunded"] = min(returned, snapshot.amount_paid_outside)
    return [writing.write(Payment, stripe_id, read_at, values)[1]]


def _returned_directly(notes: list[snapshots.CreditNoteSnapshot]) -> int:
    """Return what an invoice's credit notes say was given back outside of Stripe."""
    return sum(note.out_of_band for note in notes if note.status == CreditNoteStatus.ISSUED)


def _known_customer(customer_id: str) -> None:
    """Make sure that the customer has a row."""
    if not Customer.objects.filter(stripe_id=customer_id).exists():
        sync_customer(customer_id)


def _known_subscription(subscription_id: str) -> Subscription | None:
    """Return the subscription's row; read it first if its invoice arrived before it."""
    if not subscription_id:
        return None
    subscription = Subscription.objects.filter(stripe_id=subscription_id).first()
    return subscription or sync_subscription(subscription_id)


def _depends_on_subscription(snapshot: snapshots.InvoiceSnapshot) -> bool:
    """Whether this was Stripe's first or last attempt to collect it."""
    is_unpaid = snapshot.status == InvoiceStatus.OPEN and snapshot.attempt_count > 0
    is_first = snapshot.billing_reason == FIRST_INVOICE
    return is_unpaid and (is_first or snapshot.next_payment_attempt_at is None)
