"""Finds out what happened by comparing a row before and after a read."""

from __future__ import annotations

from datetime import datetime

from django.db.models import Max

from billing.core import texts
from billing.core.statuses import (
    ENDED_SUBSCRIPTION,
    FIRST_INVOICE,
    Collection,
    DisputeStatus,
    InvoiceStatus,
    PauseBehavior,
    PaymentStatus,
    SubscriptionStatus,
)
from billing.models import (
    Dispute,
    FraudWarning,
    Invoice,
    Payment,
    StripeEvent,
    Subscription,
)
from billing.notices import announcing
from billing.notices.transitions import (
    CardChanged,
    CollectionPaused,
    CollectionResumed,
    ConfirmationNeeded,
    DebitComing,
    DisputeLost,
    DisputeOpened,
    DisputeUpdated,
    DisputeWon,
    EndScheduled,
    EndTakenBack,
    FraudReported,
    FreeTimeGiven,
    InvoicePaid,
    InvoicePaymentFailed,
    InvoiceSent,
    PlanDropped,
    PricePlanned,
    PriceSwitched,
    SubscriptionEnded,
    SubscriptionStarted,
    Transition,
)
from billing.stripe import snapshots

# Events whose time is the time of a refusal.
REFUSALS = ("invoice.payment_failed", "payment_intent.payment_failed")


def of_subscription(old: Subscription | None, new: Subscription) -> list[Transition]:
    """Return a membership's changes. A new row may already be ending, or have ended.

    We announce only the payments and the payment method of other subscriptions.
    """
    was_live = old is not None and old.is_live and _was_membership(old, new)
    if not new.is_membership:
        return _other_transitions(old, new) if old is not None else []
    transitions: list[Transition] = []
    if new.is_live and not was_live:
        transitions.append(SubscriptionStarted(new))
    if new.is_live and new.ends_at and (old is None or old.ends_at != new.ends_at):
        transitions.append(EndScheduled(new, new.canceled_at or _dated(old, new)))
    if new.is_live and old is not None and was_live and old.ends_at and not new.ends_at:
        transitions.append(EndTakenBack(new, old, new.read_at))
    if new.is_live and old is not None and was_live and _is_switched(old, new):
        was_planned = old.planned_price_id == new.price_id
        transitions.append(PriceSwitched(new, new.read_at, was_planned))
    if new.is_live and old is not None and was_live and _pays_otherwise(old, new):
        transitions.append(CardChanged(new, old, new.read_at))
    if new.is_in_free_time and old is not None and new.trial_end and _is_later(old, new):
        transitions.append(FreeTimeGiven(new, new.trial_end, new.read_at))
    if new.is_live:
        transitions += [*_plan_transitions(old, new), *_pause_transitions(old, new)]
    if new.status == SubscriptionStatus.CANCELED and (old is None or was_live):
        transitions.append(SubscriptionEnded(new, new.ended_at or new.read_at))
    return transitions


def _dated(old: Subscription | None, new: Subscription) -> datetime:
    """Return when a change happened that Stripe doesn't date: now, as we see it.

    What a row has when it's first read, as in an import, counts from its start: that's no news of
    an older one, and the same if the row is read anew.
    """
    return new.read_at if old else new.started_at


def _is_later(old: Subscription, new: Subscription) -> bool:
    """Whether free time began, or ends at another time."""
    return not old.has_free_time or old.trial_end != new.trial_end


def _pays_otherwise(old: Subscription, new: Subscription) -> bool:
    """Whether the card has a new number, not just a new expiration date from the bank."""
    before, now = (old.card_brand, old.card_last4), (new.card_brand, new.card_last4)
    return all(before) and all(now) and before != now


def _plan_transitions(old: Subscription | None, new: Subscription) -> list[Transition]:
    """Return the price that was planned, or dropped. A switch, and an end, speak for themselves.

    It isn't dropped if it began as another item's.
    """
    if new.ends_with_period:
        return []
    if new.planned_price_id:
        is_known = old is not None and _plan_of(old) == _plan_of(new)
        return [] if is_known else [PricePlanned(new, _dated(old, new))]
    if old is None or not old.planned_price_id or old.price_id != new.price_id:
        return []
    has_begun = old.planned_price_id in {one.price_id for one in new.parts}
    return [] if has_begun else [PlanDropped(new, old, new.read_at)]


def _plan_of(row: Subscription) -> tuple[str, datetime | None]:
    """Return what we tell members about a planned price: which one, and when it begins."""
    return row.planned_price_id, row.planned_at


def _pause_transitions(old: Subscription | None, new: Subscription) -> list[Transition]:
    """Return the pause that began, changed, or ended. Stripe doesn't say when it did."""
    if old is not None and old.pause_behavior is None:
        return []
    before = _pause_of(old) if old else None
    if new.is_paused and _pause_of(new) != before:
        return [CollectionPaused(new, _dated(old, new))]
    if before and not new.is_paused:
        return [CollectionResumed(new, new.read_at)]
    return []


def _pause_of(row: Subscription) -> tuple[datetime | None, bool] | None:
    """Return what we tell members about a pause: its end, and whether invoices may follow."""
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
    """Whether a row was a membership. Without stored items, assume what it is now."""
    return old.is_membership if old.items else new.is_membership


def _is_switched(old: Subscription, new: Subscription) -> bool:
    """Whether the membership has a new price, not just another item as its main one."""
    before = {one.price_id for one in old.parts} or {old.price_id}
    return old.price_id != new.price_id and new.price_id not in before


def of_invoice(
    old: Invoice | None,
    new: Invoice,
    rows: list[Payment],
    payments: list[snapshots.PaymentSnapshot],
    read_at: datetime,
) -> list[Transition]:
    """Return an invoice's latest change: the outcome, not the steps in between."""
    was_paid = old is not None and old.status == InvoiceStatus.PAID
    if new.status == InvoiceStatus.PAID and not was_paid:
        recovered = _has_recovered(old, new) and not new.amount_paid_outside
        return [InvoicePaid(new, rows, recovered)]
    was_open = old is not None and old.status != InvoiceStatus.DRAFT
    if new.is_sent and new.is_payable and not was_open:
        return [InvoiceSent(new, new.finalized_at or new.created_at)]
    if _is_told_otherwise(new):
        return []
    if new.collection == Collection.PROCESSING and new.billing_reason != FIRST_INVOICE:
        # Who joins by bank reads it in the welcome, and on the page.
        return [
            DebitComing(row, row.created_at)
            for row in rows
            if row.status == PaymentStatus.PROCESSING and row.card_brand in texts.DELAYED
        ]
    times = [payment.attempted_at for payment in payments if payment.attempted_at]
    tries = [row for row in rows if not row.is_outside]
    # A try without a charge has no time of its own; an invoice that's first read may be an old one.
    undated = read_at if old else new.finalized_at or new.created_at
    return _failed_try(old, new, tries, max(times, default=undated))


def _failed_try(
    old: Invoice | None, new: Invoice, tries: list[Payment], at: datetime
) -> list[Transition]:
    """Return a failed attempt to collect an open invoice, or one waiting for the member."""
    last = tries[-1] if tries else None
    is_delayed = last is not None and last.card_brand in texts.DELAYED
    is_new_attempt = new.attempt_count > (old.attempt_count if old else 0)
    was_processing = old is not None and old.collection == Collection.PROCESSING
    if new.collection == Collection.FAILED and is_delayed:
        # The row may have been read before Stripe's event: each attempt is announced only once.
        told_at = refusal_told_at(new.stripe_id, *(row.stripe_id for row in tries))
        return [InvoicePaymentFailed(new, last, max(at, told_at or at))]
    if new.is_sent:
        # It isn't charged automatically: members who pay it see the result themselves.
        return []
    if new.collection == Collection.REQUIRES_ACTION and is_new_attempt:
        return [ConfirmationNeeded(new, last, at)]
    if new.collection == Collection.FAILED and (is_new_attempt or was_processing):
        return [InvoicePaymentFailed(new, last, at)]
    return []


def _is_told_otherwise(invoice: Invoice) -> bool:
    """Whether the member learns of a failure in another way.

    Until a membership has begun, the member is there to see its payment fail. It may also begin
    while the bank is still processing; then they aren't. An end is announced with its reason.
    """
    if has_ended(invoice.subscription):
        return True
    subscription = invoice.subscription
    has_begun = subscription is not None and subscription.is_live
    return invoice.billing_reason == FIRST_INVOICE and not has_begun


def refusal_told_at(*stripe_ids: str) -> datetime | None:
    """Return when Stripe reported a bank's refusal. The charge itself says only when it began."""
    told = StripeEvent.objects.filter(object_id__in=stripe_ids, type__in=REFUSALS)
    newest: datetime | None = told.aggregate(at=Max("created_at"))["at"]
    return newest


def _has_recovered(old: Invoice | None, new: Invoice) -> bool:
    """Whether an earlier attempt failed before this one went through."""
    before = old.collection if old else Collection.NONE
    # A first payment that needs confirmation is confirmed while the member watches.
    had_to_confirm = before == Collection.REQUIRES_ACTION and new.billing_reason != FIRST_INVOICE
    return before == Collection.FAILED or had_to_confirm or new.attempt_count > 1


def has_ended(subscription: Subscription | None) -> bool:
    """Whether there is a subscription that has ended."""
    return subscription is not None and subscription.status in ENDED_SUBSCRIPTION


def of_dispute(old: Dispute | None, new: Dispute) -> list[Transition]:
    """Return a dispute's change. If we first see it closed, that's its outcome."""
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


def of_fraud_warning(old: FraudWarning | None, new: FraudWarning) -> list[Transition]:
    """Return a warning's change. One that asks for nothing is no news: nor is that it's over."""
    was_open = old is not None and old.is_actionable
    return [FraudReported(new, new.created_at)] if new.is_open and not was_open else []


def _changed_at(old: Dispute | None, new: Dispute) -> datetime:
    """Return when a dispute changed. The dispute doesn't say, but its last event does.

    Without an event (an import, a repair), a known dispute counts as changed now. A new one may
    have closed years ago.
    """
    events = StripeEvent.objects.filter(object_id=new.stripe_id).order_by("-created_at")
    told: datetime | None = events.values_list("created_at", flat=True).first()
    return told or (new.read_at if old else new.created_at)


def announce(transitions: list[Transition]) -> None:
    """Put the messages about these changes into the outbox."""
    for transition in transitions:
        announcing.announce(transition)
