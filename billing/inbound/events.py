"""Step 2: take only IDs from an event, read its object again, record the outcome."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db import transaction
from django.db.models import F
from django.utils import timezone
from procrastinate.contrib.django import app
from procrastinate.exceptions import AlreadyEnqueued

from billing import forgetting
from billing.core.jobs import JobName
from billing.core.statuses import EventState
from billing.inbound import attempts
from billing.models import (
    CreditNote,
    Customer,
    Dispute,
    FraudWarning,
    Invoice,
    Payment,
    Payout,
    StripeEvent,
    Subscription,
    TaxRate,
)
from billing.models.copy import StripeCopy
from billing.notices import reminders
from billing.refunds import sync as refund_sync
from billing.stripe import gateway
from billing.stripe.snapshots import object_id
from billing.sync import (
    balance,
    catalog,
    drafts,
    fraud_warnings,
    methods,
    refresh,
    taxing,
    writing,
)
from common.one_by_one import OneByOne

logger = logging.getLogger(__name__)

Json = Mapping[str, Any]


@dataclass(frozen=True)
class Target:
    """What an event is about: the function that reads it again, and where its row is.

    The row's `read_column` says when it was last read. `remind` then checks whether a date is near,
    as of the event's own time, since Stripe's test clock may be ahead of ours. `read_since` says
    whether everything was read after a time, if there's more to it than the row.
    """

    read: Callable[[str], object]
    model: type[StripeCopy] | None
    id_in: Callable[[Json], str]
    remind: Callable[[str, datetime], None] | None = None
    read_column: str = "read_at"
    read_since: Callable[[str, datetime], bool] | None = None


def _own_id(data: Json) -> str:
    return object_id(data.get("id"))


def _at(key: str) -> Callable[[Json], str]:
    return lambda data: object_id(data.get(key))


def _read_card(customer_id: str) -> None:
    """Read a customer, its payment methods, and the subscriptions paid by one of them."""
    refresh.sync_customer(customer_id)
    methods.sync_methods(customer_id)
    run = OneByOne(ended_by=gateway.ENDS_ALL)
    for subscription_id in gateway.subscription_ids(customer_id):
        with run.each(subscription_id), suppress(gateway.StripeMissing):
            refresh.sync_subscription(subscription_id)
    run.finish()
    # Their address may be what was missing to calculate tax.
    taxing.turn_on_again(customer_id)


def card_read_since(customer_id: str, moment: datetime) -> bool:
    """Whether a customer, its methods, and all its known subscriptions were read after a time."""
    since = {"read_at__gt": moment, "methods_read_at__gt": moment}
    rows = Customer.objects.filter(stripe_id=customer_id, **since)
    older = Subscription.objects.filter(customer__stripe_id=customer_id, read_at__lte=moment)
    return rows.exists() and not older.exists()


def _subscription_of_invoice(data: Json) -> str:
    """Return an upcoming invoice's subscription; it has no ID, and its place varies by version."""
    details = (data.get("parent") or {}).get("subscription_details") or {}
    return object_id(details.get("subscription")) or object_id(data.get("subscription"))


def _subscription_of_schedule(data: Json) -> str:
    """Return a schedule's subscription, also after it has let go of it."""
    return object_id(data.get("subscription")) or object_id(data.get("released_subscription"))


SUBSCRIPTION = Target(refresh.sync_subscription, Subscription, _own_id, reminders.invoices_due)
TRIAL = Target(refresh.sync_subscription, Subscription, _own_id, reminders.trial_ending)
RENEWAL = Target(
    refresh.sync_subscription, Subscription, _subscription_of_invoice, reminders.renewal_coming
)
INVOICE = Target(refresh.sync_invoice, Invoice, _own_id)
INVOICE_DUE = Target(refresh.sync_invoice, Invoice, _own_id, reminders.invoice_due)
INVOICE_DELETED = Target(drafts.sync_deleted, None, _own_id)
INVOICE_NAMED = Target(refresh.sync_invoice, Invoice, _at("invoice"))
CREDIT_NOTE = Target(refresh.sync_credit_note, CreditNote, _own_id)
PAYMENT = Target(refresh.sync_payment, Payment, _own_id)
PAYMENT_NAMED = Target(refresh.sync_payment, Payment, _at("payment_intent"))
DISPUTE = Target(refresh.sync_dispute, Dispute, _own_id)
FRAUD_WARNING = Target(fraud_warnings.sync_fraud_warning, FraudWarning, _own_id)
REFUNDS = Target(
    refund_sync.sync_refunds, Payment, _at("payment_intent"), read_column="refunds_read_at"
)
CUSTOMER = Target(_read_card, None, _own_id, read_since=card_read_since)
CARD = Target(_read_card, None, _at("customer"), read_since=card_read_since)
CHECKOUT = Target(refresh.sync_checkout, None, _own_id)
SCHEDULE = Target(refresh.sync_subscription, Subscription, _subscription_of_schedule)
DISCOUNT = Target(refresh.sync_subscription, Subscription, _at("subscription"))
PLAN = Target(catalog.sync_current_plan, None, _own_id)
TAX_ID = Target(refresh.sync_customer, Customer, _at("customer"))
PAYOUT = Target(balance.sync_payout, Payout, _own_id)
TAX_RATE = Target(catalog.sync_tax_rate, TaxRate, _own_id)

# Every type we act on.
TARGETS: dict[str, Target] = {
    "checkout.session.completed": CHECKOUT,
    "checkout.session.async_payment_succeeded": CHECKOUT,
    "checkout.session.async_payment_failed": CHECKOUT,
    "checkout.session.expired": CHECKOUT,
    "customer.subscription.created": SUBSCRIPTION,
    "customer.subscription.updated": SUBSCRIPTION,
    "customer.subscription.deleted": SUBSCRIPTION,
    "customer.subscription.paused": SUBSCRIPTION,
    "customer.subscription.resumed": SUBSCRIPTION,
    "customer.subscription.trial_will_end": TRIAL,
    "customer.discount.created": DISCOUNT,
    "customer.discount.updated": DISCOUNT,
    "customer.discount.deleted": DISCOUNT,
    "subscription_schedule.created": SCHEDULE,
    "subscription_schedule.updated": SCHEDULE,
    "subscription_schedule.released": SCHEDULE,
    "subscription_schedule.canceled": SCHEDULE,
    "subscription_schedule.completed": SCHEDULE,
    "subscription_schedule.aborted": SCHEDULE,
    "customer.updated": CUSTOMER,
    "customer.tax_id.created": TAX_ID,
    "customer.tax_id.updated": TAX_ID,
    "customer.tax_id.deleted": TAX_ID,
    "customer.deleted": CUSTOMER,
    "payment_method.attached": CARD,
    "payment_method.detached": CARD,
    "payment_method.updated": CARD,
    "payment_method.automatically_updated": CARD,
    "invoice.created": INVOICE,
    "invoice.deleted": INVOICE_DELETED,
    "invoice.finalized": INVOICE,
    "invoice.finalization_failed": INVOICE,
    "invoice.updated": INVOICE,
    "invoice.paid": INVOICE,
    "invoice.payment_failed": INVOICE,
    "invoice.payment_action_required": INVOICE,
    "invoice.voided": INVOICE,
    "invoice.marked_uncollectible": INVOICE,
    "invoice.will_be_due": INVOICE_DUE,
    "invoice.overdue": INVOICE_DUE,
    "invoice.upcoming": RENEWAL,
    "invoice_payment.paid": INVOICE_NAMED,
    "payment_intent.succeeded": PAYMENT,
    "payment_intent.payment_failed": PAYMENT,
    "payment_intent.processing": PAYMENT,
    "payment_intent.canceled": PAYMENT,
    "charge.succeeded": PAYMENT_NAMED,
    "charge.updated": PAYMENT_NAMED,
    "charge.refunded": REFUNDS,
    "charge.dispute.created": DISPUTE,
    "charge.dispute.updated": DISPUTE,
    "charge.dispute.closed": DISPUTE,
    "charge.dispute.funds_withdrawn": DISPUTE,
    "charge.dispute.funds_reinstated": DISPUTE,
    "radar.early_fraud_warning.created": FRAUD_WARNING,
    "radar.early_fraud_warning.updated": FRAUD_WARNING,
    # The name of refund.updated in API versions before 2024-10-28.
    "charge.refund.updated": REFUNDS,
    "refund.created": REFUNDS,
    "refund.updated": REFUNDS,
    "refund.failed": REFUNDS,
    "credit_note.created": CREDIT_NOTE,
    "credit_note.updated": CREDIT_NOTE,
    "credit_note.voided": CREDIT_NOTE,
    "payout.created": PAYOUT,
    "payout.updated": PAYOUT,
    "payout.paid": PAYOUT,
    "payout.failed": PAYOUT,
    "payout.canceled": PAYOUT,
    "payout.reconciliation_completed": PAYOUT,
    "price.created": PLAN,
    "price.updated": PLAN,
    "price.deleted": PLAN,
    "product.updated": PLAN,
    "tax_rate.updated": TAX_RATE,
}

# Types after which the balance has another transaction, whoever's it is.
MOVES_MONEY = frozenset(
    {
        *("charge.succeeded", "charge.updated", "charge.refunded", "charge.refund.updated"),
        *("charge.dispute.funds_withdrawn", "charge.dispute.funds_reinstated"),
        *("refund.created", "refund.updated", "refund.failed"),
        *("payout.created", "payout.failed", "payout.canceled"),
    }
)

# Types that tell us nothing new, each with its reason. A type in neither table is unknown: it's
# stored and ignored too.
IGNORED: dict[str, str] = {
    "balance.available": "Balance transactions say themselves when they're available.",
    "customer.created": "A customer matters here once it has a subscription or a payment.",
    "payment_intent.created": "Nobody has tried to pay yet.",
    "invoice.payment_succeeded": "invoice.paid says it.",
    "subscription_schedule.expiring": "The price that it ends with goes on.",
    "invoice.sent": "invoice.finalized says that there is something to pay.",
    "payment_intent.requires_action": "invoice.payment_action_required says it.",
    "charge.failed": "payment_intent.payment_failed says it.",
    "charge.pending": "payment_intent.processing says it.",
    "tax_rate.created": "A rate matters here once an invoice has it.",
}


def as_table() -> str:
    """Return every type with what's read again for it, as the table in docs/flows.md."""
    rows = {name: f"read again: `{_reader(target)}`" for name, target in TARGETS.items()}
    rows |= {name: f"ignored on purpose: {reason}" for name, reason in IGNORED.items()}
    lines = [f"| `{name}` | {rows[name]} |" for name in sorted(rows)]
    return "\n".join(["| event | what we do |", "|---|---|", *lines])


def _reader(target: Target) -> str:
    return f"{target.read.__module__}.{target.read.__name__}"


def process(event_pk: int, *, is_last_attempt: bool, again: bool = False) -> None:
    """Process one stored event; safe to run any number of times.

    `again` (a replay by staff) reads the object even if the event was processed before.

    Raises:
        Whatever kept it from being processed, after recording it on the row; the queue then tries
        again.
    """
    event = StripeEvent.objects.get(pk=event_pk)
    if event.state in (EventState.PROCESSED, EventState.IGNORED) and not again:
        return
    StripeEvent.objects.filter(pk=event_pk).update(attempts=F("attempts") + 1)
    forgetting.reduce_if_left(event)
    with attempts.noted(event_pk, is_replay=again) as attempt:
        try:
            state, note = read_again(event, again=again)
        except Exception as error:
            failed = EventState.FAILED if is_last_attempt else EventState.RETRYING
            _record(event, attempt, failed, f"{type(error).__name__}: {error}")
            raise
        _record(event, attempt, state, note)
    if event.type in MOVES_MONEY:
        _read_balance_soon()


def _read_balance_soon() -> None:
    """Enqueue a reading of the balance; one that waits already covers this, too."""
    with suppress(AlreadyEnqueued), transaction.atomic():
        app.configure_task(JobName.READ_BALANCE, queueing_lock=JobName.READ_BALANCE).defer()


def read_again(event: StripeEvent, *, again: bool) -> tuple[EventState, str]:
    """Read the event's object and write it; return the event's new state, and why."""
    target = TARGETS.get(event.type)
    if target is None:
        return EventState.IGNORED, IGNORED.get(event.type, "This type of event is new to us.")
    identifier = target.id_in(_subject(event.payload))
    if not identifier:
        return EventState.IGNORED, "The event names no object that we keep."
    note = ""
    try:
        if not again and _was_read_since(event, target, identifier):
            note = "Read already, after this event had arrived."
        else:
            target.read(identifier)
    except gateway.StripeMissing:
        return EventState.IGNORED, "The object is no longer at Stripe."
    except (writing.NotOurs, writing.UnknownCustomer) as reason:
        return EventState.IGNORED, str(reason)
    if target.remind:
        target.remind(identifier, max(event.created_at, timezone.now()))
    return EventState.PROCESSED, note


def _subject(payload: Json) -> Json:
    """Return the event's object; if it just lost its customer, it still names it."""
    data = payload["data"]
    subject: Json = data["object"]
    before = data.get("previous_attributes") or {}
    lost = before.get("customer") if subject.get("customer") is None else None
    return {**subject, "customer": lost} if lost else subject


def _was_read_since(event: StripeEvent, target: Target, identifier: str) -> bool:
    """Whether the object was read after the event arrived, so its row shows the change."""
    if target.read_since:
        return target.read_since(identifier, event.received_at)
    if target.model is None:
        return False
    since = {f"{target.read_column}__gt": event.received_at}
    return target.model._default_manager.filter(stripe_id=identifier, **since).exists()


def _record(event: StripeEvent, attempt: attempts.Attempt, state: EventState, note: str) -> None:
    attempt.end(state, note)
    StripeEvent.objects.filter(pk=event.pk).update(
        state=state, error=note[:2000], processed_at=timezone.now()
    )
    if state in (EventState.RETRYING, EventState.FAILED):
        logger.warning("Event %s (%s): %s %s", event.stripe_id, event.type, state.value, note)


def lock_of(payload: Json) -> str:
    """Return the key that an event queues under: its customer, or else its object.

    It's also the event's column `customer_id`; jobs of one customer run in the order they came. A
    dispute or a fraud warning names no customer: its events wait only for each other, and may run
    alongside its customer's. That's safe, since every write holds the lock on the member.
    """
    data = _subject(payload)
    if data.get("object") == "customer":
        return _own_id(data)
    return object_id(data.get("customer"))
