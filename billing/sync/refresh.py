"""Step 3: read an object from Stripe again, write it, and announce what changed.

Every function here reads first, outside of any transaction, and then writes in one transaction
under the lock on its member. A row has the time when its read began; a write from an older read
gives way. A change's messages are put into the outbox in the same transaction.
"""

from __future__ import annotations

import logging
from copy import copy
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any, TypeVar

from django.conf import settings
from django.db import connection, transaction
from django.db.models import Max

from billing.core import subscription_items, texts
from billing.core.statuses import (
    CHARGED_SUBSCRIPTION,
    ENDED_SUBSCRIPTION,
    OUTSIDE,
    CheckoutState,
    Collection,
    CreditNoteStatus,
    DisputeStatus,
    InvoiceStatus,
    PauseBehavior,
    PaymentStatus,
    Purpose,
    RequestState,
    SubscriptionStatus,
    checkout_state,
    collection_of,
)
from billing.facts import memberships, plans, trials
from billing.models import (
    Checkout,
    CreditNote,
    Customer,
    Dispute,
    Invoice,
    Payment,
    PaymentRequest,
    Plan,
    Product,
    StripeEvent,
    Subscription,
    TaxAccount,
    TaxRate,
)
from billing.models.copy import StripeCopy
from billing.models.locks import locked_customer
from billing.notices import to_members
from billing.notices.transitions import (
    CardChanged,
    CollectionPaused,
    CollectionResumed,
    ConfirmationNeeded,
    CreditNoteIssued,
    DisputeLost,
    DisputeOpened,
    DisputeUpdated,
    DisputeWon,
    EndScheduled,
    EndTakenBack,
    InvoicePaid,
    InvoicePaymentFailed,
    InvoiceSent,
    PriceSwitched,
    SinglePaymentFailed,
    SinglePaymentReceived,
    SubscriptionEnded,
    SubscriptionStarted,
    Transition,
)
from billing.stripe import gateway, snapshots
from billing.sync import assignment, decisions
from common.one_by_one import OneByOne

logger = logging.getLogger(__name__)

if TYPE_CHECKING:
    from _typeshed import DataclassInstance

Copy = TypeVar("Copy", bound=StripeCopy)
TAX_SETTINGS = "tax.settings"  # Stripe's name for them; an account has only one
FIRST_INVOICE = "subscription_create"
# The ID prefix of payments that represent money paid on an invoice outside of Stripe.
OUTSIDE_MARK = ":outside"
# Events whose time is the time of a refusal.
REFUSALS = ("invoice.payment_failed", "payment_intent.payment_failed")


class UnknownCustomer(Exception):
    """The object belongs to a Stripe customer that isn't our member (yet)."""


class NotOurs(Exception):
    """The object has no customer, so it doesn't belong to a member."""


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
        plan = _write(Plan, stripe_id, read_at, values)[1]
        _write(Product, snapshot.product_id, read_at, {"name": snapshot.name})
    memberships.tell_anew()
    return plan


def sync_product(product_id: str) -> Product:
    """Read a product, and update its name everywhere it's used."""
    read_at = database_now()
    snapshot = gateway.read_product(product_id)
    with transaction.atomic():
        product = _write(Product, product_id, read_at, {"name": snapshot.name})[1]
    memberships.tell_anew()
    return product


def sync_current_plan(changed_id: str = "") -> None:
    """Reread the prices on sale and the changed product, and update names.

    Raises:
        gateway.StripeError: Stripe didn't answer.
        SomeFailed: the others were read.
    """
    if settings.STRIPE_TAX:
        sync_tax_account()
    if Product.objects.filter(stripe_id=changed_id).exists():
        sync_product(changed_id)
    run = OneByOne(ended_by=gateway.ENDS_ALL)
    for price_id in plans.price_ids():
        with run.each(price_id):
            _sync_plan_on_sale(price_id)
    run.finish()


def _sync_plan_on_sale(price_id: str) -> None:
    try:
        sync_plan(price_id)
    except gateway.StripeMissing:
        logger.exception("The price %s is set, and not at Stripe: it is not on sale.", price_id)
        Plan.objects.filter(stripe_id=price_id).update(active=False)


def sync_customer(customer_id: str) -> Customer:
    """Read a customer and write it. If it belongs to nobody, list it for staff.

    Raises:
        UnknownCustomer: neither its metadata nor a verified email address leads to a user.
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
        values |= {"created_at": snapshot.created_at}
        if not (known and known.closed_at):
            # Nothing about people who left is written again while Stripe still has it.
            values |= {"email": snapshot.email, "name": snapshot.name}
            values |= {"business_name": snapshot.business_name, "tax_ids": snapshot.tax_ids}
    else:
        values |= {"business_name": "", "tax_ids": []}
        values |= {"created_at": read_at} if known is None else {}
    with transaction.atomic():
        written = _write(Customer, customer_id, read_at, values)[1]
        assignment.adopted(written)
    return written


def sync_subscription(subscription_id: str) -> Subscription:
    """Read a subscription and write it."""
    read_at = database_now()
    snapshot = gateway.read_subscription(subscription_id)
    _known_customer(snapshot.customer_id)
    _know_products({one.product_id for one in snapshot.items})
    coming = gateway.next_charge(subscription_id) if will_renew(snapshot) else None
    with transaction.atomic():
        customer = locked_customer(stripe_id=snapshot.customer_id)
        values = subscription_columns(snapshot, Catalog.now()) | {"customer": customer}
        values |= {
            "next_charge": coming.amount if coming else None,
            "next_credit": coming.credit if coming else 0,
            "taxation": coming.taxation if coming else "",
        }
        old, new = _write(Subscription, subscription_id, read_at, values)
        trials.note(new, is_first_seen=old is None)
        accepted = decisions.settle(new, read_at)
        _announce([*_subscription_transitions(old, new), *accepted])
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


def sync_invoice(invoice_id: str) -> Invoice:
    """Read an invoice with its payments and credit notes, and write them together."""
    read_at = database_now()
    snapshot = gateway.read_invoice(invoice_id)
    if snapshot.subscription_id:
        _know_products({line["product"] for line in snapshot.lines if line["product"]})
    notes = _credit_notes_of(snapshot)
    payments = [gateway.read_payment(found) for found in snapshot.payment_intent_ids]
    if not snapshot.customer_id:
        raise NotOurs("The invoice has no customer.")
    _read_tax_rates(snapshot)
    _known_customer(snapshot.customer_id)
    subscription = _known_subscription(snapshot.subscription_id)
    if subscription and _depends_on_subscription(snapshot):
        # The message depends on whether the failure ended the membership or kept it from starting.
        subscription = sync_subscription(subscription.stripe_id)
    statuses = [found.status for found in payments]
    values = invoice_columns(snapshot) | {"subscription": subscription}
    values["collection"] = collection_of(snapshot.status, snapshot.attempt_count, statuses)
    with transaction.atomic():
        customer = locked_customer(stripe_id=snapshot.customer_id)
        old, new = _write(Invoice, invoice_id, read_at, values | {"customer": customer})
        tried = [found for found in payments if _is_kept(found)]
        rows = [_write_payment(found, customer, read_at, new)[1] for found in tried]
        outside = _write_outside(snapshot, new, read_at)
        _announce(_invoice_transitions(old, new, [*rows, *outside], tried, read_at))
        for note in notes:
            _announce(_write_credit_note(note, new, read_at))
    return new


def _read_tax_rates(invoice: snapshots.InvoiceSnapshot) -> None:
    """Read the names of an invoice's taxes that haven't been read before."""
    wanted = {one["rate"] for one in invoice.taxes if one["rate"]}
    known = TaxRate.objects.filter(stripe_id__in=wanted).values_list("stripe_id", flat=True)
    for missing in sorted(wanted - set(known) if wanted else ()):
        sync_tax_rate(missing)


def sync_tax_rate(tax_rate_id: str) -> TaxRate:
    """Read a tax rate and write it."""
    read_at = database_now()
    snapshot = gateway.read_tax_rate(tax_rate_id)
    with transaction.atomic():
        return _write(TaxRate, tax_rate_id, read_at, _columns(snapshot, "id"))[1]


def sync_tax_account() -> TaxAccount:
    """Read the settings of Stripe Tax and write them."""
    read_at = database_now()
    values = asdict(gateway.read_tax_account())
    with transaction.atomic():
        return _write(TaxAccount, TAX_SETTINGS, read_at, values)[1]


def sync_credit_note(credit_note_id: str) -> CreditNote:
    """Read a credit note with its invoice, whose amounts it changes."""
    known = CreditNote.objects.filter(stripe_id=credit_note_id).select_related("invoice").first()
    if known:
        sync_invoice(known.invoice.stripe_id)
        return CreditNote.objects.get(pk=known.pk)
    read_at = database_now()
    snapshot = gateway.read_credit_note(credit_note_id)
    invoice = sync_invoice(snapshot.invoice_id)
    with transaction.atomic():
        locked_customer(stripe_id=snapshot.customer_id)
        _announce(_write_credit_note(snapshot, invoice, read_at))
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
    old, new = _write(CreditNote, snapshot.id, read_at, values)
    if old is None and new.status == CreditNoteStatus.ISSUED:
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
    read_at = database_now()
    snapshot = gateway.read_dispute(dispute_id)
    if not snapshot.payment_intent_id:
        raise NotOurs("The dispute is of a charge without a payment intent.")
    payment = sync_payment(snapshot.payment_intent_id)
    values = dispute_columns(snapshot) | {"payment": payment}
    with transaction.atomic():
        customer = locked_customer(pk=payment.customer_id)
        old, new = _write(Dispute, dispute_id, read_at, values | {"customer": customer})
        _announce(_dispute_transitions(old, new))
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
    read_at = database_now()
    snapshot = gateway.read_payment(payment_intent_id)
    if not snapshot.customer_id:
        raise NotOurs("The payment has no customer.")
    _known_customer(snapshot.customer_id)
    tax = _tax_of(snapshot)
    with transaction.atomic():
        customer = locked_customer(stripe_id=snapshot.customer_id)
        old, payment = _write_payment(snapshot, customer, read_at, None, tax=tax)
        if snapshot.checkout_pk:
            _settle(payment, snapshot.checkout_pk)
        was_paid = old is not None and old.status == PaymentStatus.SUCCEEDED
        if payment.status == PaymentStatus.SUCCEEDED and not was_paid:
            _announce([SinglePaymentReceived(payment)])
        if _bank_refused(payment):
            told_at = _refusal_told_at(payment.stripe_id) or snapshot.attempted_at
            _announce([SinglePaymentFailed(payment, told_at or read_at)])
    return payment


def _tax_of(snapshot: snapshots.PaymentSnapshot) -> int:
    """Return the tax in a single payment, which only its Checkout session knows."""
    rows = Checkout.objects.filter(pk=snapshot.checkout_pk or 0, is_taxed=True)
    session = rows.exclude(session_id="").values_list("session_id", flat=True).first()
    return gateway.read_checkout(session).tax if session else 0


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
    row.save(update_fields=["payment", "state"])


def _write(
    model: type[Copy], stripe_id: str, read_at: datetime, values: dict[str, Any]
) -> tuple[Copy | None, Copy]:
    """Write a row unless it already shows a later read. Return the row before and after."""
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
    *,
    tax: int = 0,
) -> tuple[Payment | None, Payment]:
    """Write a payment. Return the row before and after. `tax`: if no invoice has it."""
    values = payment_columns(snapshot) | {"customer": customer}
    values |= {"invoice": invoice} if invoice else {"tax": tax}
    return _write(Payment, snapshot.id, read_at, values)


def _is_kept(found: snapshots.PaymentSnapshot) -> bool:
    """Whether a payment gets a row: someone tried it, or it already has one."""
    return found.is_tried or Payment.objects.filter(stripe_id=found.id).exists()


def outside_columns(snapshot: snapshots.InvoiceSnapshot) -> dict[str, Any]:
    """Return the columns of the payment for money paid on an invoice outside of Stripe."""
    amount = snapshot.amount_paid_outside
    paid_at = snapshot.paid_outside_at or snapshot.created_at
    return {
        "status": PaymentStatus.SUCCEEDED if amount else PaymentStatus.CANCELED,
        "amount": amount,
        "amount_received": amount,
        "currency": snapshot.currency,
        "card_brand": OUTSIDE,
        "created_at": paid_at,
        "paid_at": paid_at if amount else None,
    }


def outside_id(invoice_id: str) -> str:
    """Return the ID of that payment: Stripe has none for it."""
    return f"{invoice_id}{OUTSIDE_MARK}"


def invoice_of_outside(payment_id: str) -> str:
    """Return the invoice ID of such a payment; nothing for one of Stripe's own."""
    is_outside = payment_id.endswith(OUTSIDE_MARK)
    return payment_id.removesuffix(OUTSIDE_MARK) if is_outside else ""


def _write_outside(
    snapshot: snapshots.InvoiceSnapshot, invoice: Invoice, read_at: datetime
) -> list[Payment]:
    """Write money paid outside of Stripe as a payment; if it's gone, it counts as zero."""
    stripe_id = outside_id(snapshot.id)
    is_known = Payment.objects.filter(stripe_id=stripe_id).exists()
    if not snapshot.amount_paid_outside and not is_known:
        return []
    values = outside_columns(snapshot) | {"customer": invoice.customer, "invoice": invoice}
    return [_write(Payment, stripe_id, read_at, values)[1]]


def will_renew(snapshot: snapshots.SubscriptionSnapshot) -> bool:
    """Whether another charge will come, as far as the subscription says."""
    is_ending = snapshot.cancel_at_period_end or snapshot.cancel_at is not None
    end, resumes_at = snapshot.current_period_end, snapshot.resumes_at
    is_paused = bool(snapshot.pause_behavior) and (resumes_at is None or resumes_at > end)
    return snapshot.status in CHARGED_SUBSCRIPTION and not is_ending and not is_paused


@dataclass(frozen=True)
class Catalog:
    """What identifies the membership among subscriptions, and the names of products."""

    plan: frozenset[str]
    names: dict[str, str]

    @classmethod
    def now(cls) -> Catalog:
        """Return it from our rows."""
        return cls(plans.product_ids(), plans.product_names())


def subscription_columns(
    snapshot: snapshots.SubscriptionSnapshot, catalog: Catalog
) -> dict[str, Any]:
    """Return the row's columns as Stripe says they are, without those that lead to other rows."""
    columns = _columns(snapshot, "id", "items", "customer_id", "card")
    columns |= _card_columns(asdict(snapshot.card), with_expiry=True)
    return columns | subscription_items.columns(snapshot.items, catalog.plan, catalog.names)


def invoice_columns(snapshot: snapshots.InvoiceSnapshot) -> dict[str, Any]:
    """Return the row's columns as Stripe says they are, without those that lead to other rows."""
    left_out = ("id", "customer_id", "subscription_id", "payment_intent_ids", "paid_outside_at")
    return _columns(snapshot, *left_out)


def credit_note_columns(snapshot: snapshots.CreditNoteSnapshot) -> dict[str, Any]:
    """Return the row's columns as Stripe says they are, without those that lead to other rows."""
    return _columns(snapshot, "id", "customer_id", "invoice_id")


def payment_columns(snapshot: snapshots.PaymentSnapshot) -> dict[str, Any]:
    """Return the row's columns as Stripe says they are, without those that lead to other rows."""
    left_out = ("id", "customer_id", "attempted_at", "checkout_pk", "card")
    return _columns(snapshot, *left_out) | _card_columns(asdict(snapshot.card), with_expiry=False)


def dispute_columns(snapshot: snapshots.DisputeSnapshot) -> dict[str, Any]:
    """Return the row's columns as Stripe says they are, without those that lead to other rows."""
    return _columns(snapshot, "id", "customer_id", "payment_intent_id")


def _columns(snapshot: DataclassInstance, *left_out: str) -> dict[str, Any]:
    return {name: value for name, value in asdict(snapshot).items() if name not in left_out}


def _card_columns(card: dict[str, str], *, with_expiry: bool) -> dict[str, str]:
    columns = {"card_brand": card["brand"], "card_last4": card["last4"]}
    return columns | ({"card_expires": card["expires"]} if with_expiry else {})


def _known_customer(customer_id: str) -> None:
    """Make sure that the customer has a row."""
    if not Customer.objects.filter(stripe_id=customer_id).exists():
        sync_customer(customer_id)


def _know_products(product_ids: set[str]) -> None:
    """Make sure that we know the plan and the products' names.

    A product that's no longer at Stripe stays unnamed.
    """
    for price_id in plans.unread_price_ids():
        try:
            sync_plan(price_id)
        except gateway.StripeMissing:
            logger.exception("The price %s is set, and not at Stripe.", price_id)
    known = Product.objects.filter(stripe_id__in=product_ids).values_list("stripe_id", flat=True)
    for product_id in sorted(product_ids - set(known)):
        try:
            sync_product(product_id)
        except gateway.StripeMissing as error:
            logger.warning("Product %s has no name: %s", product_id, error)


def _known_subscription(subscription_id: str) -> Subscription | None:
    """Return the subscription's row; read it first if its invoice arrived before it."""
    if not subscription_id:
        return None
    found = Subscription.objects.filter(stripe_id=subscription_id).first()
    return found or sync_subscription(subscription_id)


def _depends_on_subscription(snapshot: snapshots.InvoiceSnapshot) -> bool:
    """Whether this was Stripe's first or last attempt to collect it."""
    is_unpaid = snapshot.status == InvoiceStatus.OPEN and snapshot.attempt_count > 0
    is_first = snapshot.billing_reason == FIRST_INVOICE
    return is_unpaid and (is_first or snapshot.next_payment_attempt_at is None)


def _subscription_transitions(old: Subscription | None, new: Subscription) -> list[Transition]:
    """Return a membership's changes. A new row may already be ending, or over.

    Other subscriptions change silently, except for their payments and payment method.
    """
    was_live = old is not None and old.is_live and _was_membership(old, new)
    if not new.is_membership:
        return _other_transitions(old, new) if old is not None else []
    found: list[Transition] = []
    if new.is_live and not was_live:
        found.append(SubscriptionStarted(new))
    if new.is_live and new.ends_at and (old is None or old.ends_at != new.ends_at):
        found.append(EndScheduled(new, new.canceled_at or new.read_at))
    if new.is_live and old is not None and was_live and old.ends_at and not new.ends_at:
        found.append(EndTakenBack(new, old, new.read_at))
    if new.is_live and old is not None and was_live and _is_switched(old, new):
        found.append(PriceSwitched(new, new.read_at))
    if new.is_live and old is not None and was_live and _pays_otherwise(old, new):
        found.append(CardChanged(new, old, new.read_at))
    if new.is_live:
        found += _pause_transitions(old, new)
    if new.status == SubscriptionStatus.CANCELED and (old is None or was_live):
        found.append(SubscriptionEnded(new, new.ended_at or new.read_at))
    return found


def _pays_otherwise(old: Subscription, new: Subscription) -> bool:
    """Whether another card pays: a new number, not just a new expiry date from the bank."""
    before, now = (old.card_brand, old.card_last4), (new.card_brand, new.card_last4)
    return all(before) and all(now) and before != now


def _pause_transitions(old: Subscription | None, new: Subscription) -> list[Transition]:
    """Return whether a pause began, changed, or ended; Stripe doesn't say when."""
    if old is not None and old.pause_behavior is None:
        return []
    before = _pause_of(old) if old else None
    if new.is_paused and _pause_of(new) != before:
        return [CollectionPaused(new, new.read_at if old else new.started_at)]
    if before and not new.is_paused:
        return [CollectionResumed(new, new.read_at)]
    return []


def _pause_of(row: Subscription) -> tuple[datetime | None, bool] | None:
    """Return what members are told about a pause: its end, and whether invoices may follow."""
    is_kept = row.pause_behavior == PauseBehavior.KEEP_AS_DRAFT
    return (row.resumes_at, is_kept) if row.is_paused else None


def _other_transitions(old: Subscription, new: Subscription) -> list[Transition]:
    """Return the changes of a subscription that isn't (or is no longer) a membership."""
    if old.is_live and _was_membership(old, new):
        # Its item was removed; the rest of the subscription continues.
        return [SubscriptionEnded(old, new.read_at)]
    mine = Subscription.objects.memberships().live().filter(customer=new.customer)
    if old.is_live and new.is_live and _pays_otherwise(old, new) and not mine.exists():
        return [CardChanged(new, old, new.read_at)]
    return []


def _was_membership(old: Subscription, new: Subscription) -> bool:
    """Whether a row was a membership; without stored items, assume what it is now."""
    return old.is_membership if old.items else new.is_membership


def _is_switched(old: Subscription, new: Subscription) -> bool:
    """Whether the membership has a new price, not just another item that counts as it."""
    before = {one.price_id for one in old.parts} or {old.price_id}
    return old.price_id != new.price_id and new.price_id not in before


def _invoice_transitions(
    old: Invoice | None,
    new: Invoice,
    rows: list[Payment],
    payments: list[snapshots.PaymentSnapshot],
    read_at: datetime,
) -> list[Transition]:
    """Return an invoice's change, one at a time: its outcome, not the steps in between."""
    was_paid = old is not None and old.status == InvoiceStatus.PAID
    if new.status == InvoiceStatus.PAID and not was_paid:
        recovered = _has_recovered(old, new) and not new.amount_paid_outside
        return [InvoicePaid(new, rows, recovered)]
    was_open = old is not None and old.status != InvoiceStatus.DRAFT
    if new.is_sent and new.is_payable and not was_open:
        return [InvoiceSent(new, new.finalized_at or new.created_at)]
    if _is_told_otherwise(new):
        return []
    times = [found.attempted_at for found in payments if found.attempted_at]
    tries = [row for row in rows if not row.is_outside]
    return _failed_try(old, new, tries, max(times, default=read_at))


def _failed_try(
    old: Invoice | None, new: Invoice, tries: list[Payment], at: datetime
) -> list[Transition]:
    """Return a failed attempt to collect an open invoice, or one waiting for the member."""
    last = tries[-1] if tries else None
    is_delayed = last is not None and last.card_brand in texts.DELAYED
    is_new_attempt = new.attempt_count > (old.attempt_count if old else 0)
    was_processing = old is not None and old.collection == Collection.PROCESSING
    if new.collection == Collection.FAILED and is_delayed:
        # Even if the row was read before Stripe's event: the attempt's message is made only once.
        told_at = _refusal_told_at(new.stripe_id, *(row.stripe_id for row in tries))
        return [InvoicePaymentFailed(new, last, max(at, told_at or at))]
    if new.is_sent:
        # Members who pay a sent invoice see the result: it isn't charged automatically.
        return []
    if new.collection == Collection.REQUIRES_ACTION and is_new_attempt:
        return [ConfirmationNeeded(new, last, at)]
    if new.collection == Collection.FAILED and (is_new_attempt or was_processing):
        return [InvoicePaymentFailed(new, last, at)]
    return []


def _is_told_otherwise(invoice: Invoice) -> bool:
    """Whether the member learns of a failure another way.

    If a membership hasn't begun, the member sees the failure; if it began while a bank was
    processing, they don't. An end is announced with its reason.
    """
    if _has_ended(invoice.subscription):
        return True
    subscription = invoice.subscription
    has_begun = subscription is not None and subscription.is_live
    return invoice.billing_reason == FIRST_INVOICE and not has_begun


def _refusal_told_at(*stripe_ids: str) -> datetime | None:
    """Return when Stripe reported a bank's refusal: the charge has only its start time."""
    told = StripeEvent.objects.filter(object_id__in=stripe_ids, type__in=REFUSALS)
    newest: datetime | None = told.aggregate(at=Max("created_at"))["at"]
    return newest


def _has_recovered(old: Invoice | None, new: Invoice) -> bool:
    """Whether an attempt had failed before the one that went through."""
    before = old.collection if old else Collection.NONE
    # A first payment that needs confirmation is confirmed while the member watches.
    had_to_confirm = before == Collection.REQUIRES_ACTION and new.billing_reason != FIRST_INVOICE
    return before == Collection.FAILED or had_to_confirm or new.attempt_count > 1


def _has_ended(subscription: Subscription | None) -> bool:
    return subscription is not None and subscription.status in ENDED_SUBSCRIPTION


def _dispute_transitions(old: Dispute | None, new: Dispute) -> list[Transition]:
    """Return a dispute's change. If it's over when first seen, that's its outcome."""
    if old is not None and old.status == new.status:
        return []
    if old is None and new.is_open:
        return [DisputeOpened(new, new.created_at)]
    at = _changed_at(old, new)
    if new.status == DisputeStatus.WON:
        return [DisputeWon(new, at)]
    if new.status == DisputeStatus.LOST:
        return [DisputeLost(new, at)]
    return [DisputeUpdated(new, old.status if old else "", at)]


def _changed_at(old: Dispute | None, new: Dispute) -> datetime:
    """Return when a dispute changed. Stripe doesn't say, but its last event does.

    Without an event (an import, a repair), a known dispute has changed now, and an unknown one may
    have been over for years.
    """
    events = StripeEvent.objects.filter(object_id=new.stripe_id).order_by("-created_at")
    told: datetime | None = events.values_list("created_at", flat=True).first()
    return told or (new.read_at if old else new.created_at)


def _announce(transitions: list[Transition]) -> None:
    for transition in transitions:
        to_members.announce(transition)
