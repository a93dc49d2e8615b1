"""Reminders ahead of time: a trial or a discount ends, a yearly plan renews, a payment is due.

Rows don't change when such a day comes near. So a Stripe event, or the daily job, asks here, and
the row under lock decides: an event that comes late or twice makes nothing new.
"""

from __future__ import annotations

from datetime import datetime, timedelta

from django.db import transaction
from django.db.models import QuerySet
from django.utils import timezone

from billing.core.statuses import (
    LIVE_SUBSCRIPTION,
    UNPAID_SUBSCRIPTION,
    CollectionMethod,
    InvoiceStatus,
    SubscriptionStatus,
)
from billing.facts import discounts, memberships
from billing.models import Invoice, PaymentRequest, Subscription
from billing.models.locks import lock_member
from billing.notices import announcing, higher
from billing.notices.transitions import (
    CardExpiring,
    DiscountEnding,
    InvoiceDueSoon,
    InvoiceOverdue,
    RenewalComing,
    RequestExpiring,
    TrialEnding,
)
from common.one_by_one import OneByOne

# Stripe documentation, "Subscription trials": trial_will_end comes three days before.
TRIAL_NOTICE = timedelta(days=3)
# How far `remind_all` looks ahead. Stripe's invoice.upcoming may come earlier (a setting there).
RENEWAL_NOTICE = timedelta(days=7)
EARLIEST_RENEWAL_NOTICE = timedelta(days=46)
# A monthly renewal is no surprise; a yearly one is.
LONG_INTERVAL = timedelta(days=180)
# From the first day of the month printed on it.
CARD_NOTICE = timedelta(days=31)
# Before a sent invoice is due, and after that, while a reminder still makes sense.
DUE_NOTICE = timedelta(days=3)
OVERDUE_NOTICE = timedelta(days=7)
# Before a payment request expires.
REQUEST_NOTICE = timedelta(days=3)


def trial_ending(subscription_id: str, now: datetime) -> None:
    """Announce that a trial ends within three days, unless the membership ends then anyway.

    A trial that short isn't announced: the welcome mentioned it.
    """
    with transaction.atomic():
        row = _locked(subscription_id)
        end = row.trial_end if row else None
        if (
            row
            and end
            and row.status == SubscriptionStatus.TRIALING
            and row.is_renewal_charged
            and now < end <= now + TRIAL_NOTICE
            and end - row.started_at > TRIAL_NOTICE
        ):
            announcing.announce(TrialEnding(row, end, now))


def renewal_coming(subscription_id: str, now: datetime) -> None:
    """Announce that a long period, such as a year, is about to be charged again.

    A shorter one is, too, if it costs more than the last one did and nothing has said so.
    """
    with transaction.atomic():
        row = _locked(subscription_id)
        if row is None or row.status != SubscriptionStatus.ACTIVE or not row.is_renewal_charged:
            return
        is_long = row.current_period_end - row.current_period_start > LONG_INTERVAL
        notice = EARLIEST_RENEWAL_NOTICE if is_long else RENEWAL_NOTICE
        if not now < row.current_period_end <= now + notice:
            return
        is_higher = higher.is_planned(row)
        if is_higher and higher.is_plan_told(row):
            return
        if is_long or is_higher or higher.is_without_discount(row):
            announcing.announce(RenewalComing(row, now, is_higher))


def discount_ending(subscription_id: str, now: datetime) -> None:
    """Announce that a discount ends before the next payment, in the week before either.

    If several do, all are announced in the first one's week. The renewal of a long period, or at a
    higher price that's planned, has its own announcement, which says so; unless the email about the
    plan stands in for that one.
    """
    with transaction.atomic():
        row = _locked(subscription_id)
        if row is None or row.status != SubscriptionStatus.ACTIVE or not row.is_renewal_charged:
            return
        is_long = row.current_period_end - row.current_period_start > LONG_INTERVAL
        is_higher = higher.is_planned(row)
        if (is_long or is_higher) and not (is_higher and higher.is_plan_told(row)):
            return
        endings = discounts.ending_before_renewal(row)
        if endings and endings[0].ends_at <= now + RENEWAL_NOTICE:
            announcing.announce(DiscountEnding(row, endings, now))


def request_expiring(request_pk: int, now: datetime) -> None:
    """Announce that a payment request expires within three days.

    If it never had longer, it isn't announced: it said so. A payment by Zelle that the member
    chose for it has its own reminder.
    """
    with transaction.atomic():
        request = PaymentRequest.objects.select_related("user").filter(pk=request_pk).first()
        if request is None:
            return
        lock_member(request.user_id)
        row = PaymentRequest.objects.asked(now).select_related("user").filter(pk=request_pk).first()
        if row is None or row.sent_at is None or row.expires_at is None:
            return
        is_near = row.expires_at <= now + REQUEST_NOTICE
        had_longer = row.expires_at - row.sent_at > REQUEST_NOTICE
        if is_near and had_longer and not row.expected_transfers.open().exists():
            announcing.announce(RequestExpiring(row, row.expires_at, now))


def card_expiring(subscription_id: str, now: datetime) -> None:
    """Announce that the card on file expires soon."""
    with transaction.atomic():
        row = _locked(subscription_id)
        is_charged = row is not None and row.is_renewal_charged and not row.is_sent
        is_near = row is not None and row.is_live and card_expires_soon(row, now)
        if row and is_charged and is_near and not _is_told_with_membership(row):
            announcing.announce(CardExpiring(row, now))


def invoice_due(invoice_id: str, now: datetime) -> None:
    """Announce that a sent invoice is due within three days, or overdue.

    If it never had longer, it isn't announced: its arrival was.
    """
    with transaction.atomic():
        row = _locked_invoice(invoice_id)
        is_waiting = row is not None and row.is_payable and not row.is_being_paid
        if row is None or not is_waiting or not row.is_sent or row.due_at is None:
            return
        if row.due_at <= now < row.due_at + OVERDUE_NOTICE:
            announcing.announce(InvoiceOverdue(row, now))
        had_longer = row.due_at - (row.finalized_at or row.created_at) > DUE_NOTICE
        if now < row.due_at <= now + DUE_NOTICE and had_longer:
            announcing.announce(InvoiceDueSoon(row, now))


def invoices_due(subscription_id: str, now: datetime) -> None:
    """Check whether a past-due membership is waiting for a sent invoice."""
    rows = Invoice.objects.filter(
        subscription__stripe_id=subscription_id,
        subscription__status__in=UNPAID_SUBSCRIPTION,
    )
    for invoice_id in _sent(rows).values_list("stripe_id", flat=True):
        invoice_due(invoice_id, now)


def _sent(rows: QuerySet[Invoice]) -> QuerySet[Invoice]:
    """Keep the sent invoices that are waiting to be paid."""
    return rows.filter(status=InvoiceStatus.OPEN, collection_method=CollectionMethod.SEND)


def card_expires_soon(row: Subscription, now: datetime) -> bool:
    """Whether the card can still be charged, but not for long."""
    end = row.card_ends_at
    return end is not None and now < end <= now + CARD_NOTICE


def _is_told_with_membership(row: Subscription) -> bool:
    """Whether the card also pays for the membership: one message covers both."""
    card = {"card_brand": row.card_brand, "card_last4": row.card_last4}
    same = memberships.current(row.customer.user) if not row.is_membership else None
    return same is not None and all(getattr(same, name) == value for name, value in card.items())


def remind_all() -> None:
    """Remind everyone who has such a day coming up, once.

    Raises:
        SomeFailed: all others were reminded.
    """
    run = OneByOne()
    now = timezone.now()
    live = Subscription.objects.filter(status__in=LIVE_SUBSCRIPTION)
    for subscription_id in live.filter(trial_end__range=(now, now + TRIAL_NOTICE)).values_list(
        "stripe_id", flat=True
    ):
        with run.each(subscription_id):
            trial_ending(subscription_id, now)
    near = live.filter(current_period_end__range=(now, now + RENEWAL_NOTICE))
    for subscription_id in near.values_list("stripe_id", flat=True):
        with run.each(subscription_id):
            renewal_coming(subscription_id, now)
    for subscription_id in live.exclude(discounts=[]).values_list("stripe_id", flat=True):
        with run.each(subscription_id):
            discount_ending(subscription_id, now)
    asked = PaymentRequest.objects.asked(now).filter(expires_at__lte=now + REQUEST_NOTICE)
    for request_pk in asked.values_list("pk", flat=True):
        with run.each(f"Payment request {request_pk}"):
            request_expiring(request_pk, now)
    months = {f"{at:%Y-%m}" for at in (now, now + CARD_NOTICE)}
    expiring = live.filter(card_expires__in=months)
    for subscription_id in expiring.values_list("stripe_id", flat=True):
        with run.each(subscription_id):
            card_expiring(subscription_id, now)
    due = _sent(Invoice.objects.filter(due_at__range=(now - OVERDUE_NOTICE, now + DUE_NOTICE)))
    for invoice_id in due.values_list("stripe_id", flat=True):
        with run.each(invoice_id):
            invoice_due(invoice_id, now)
    run.finish()


def _locked_invoice(invoice_id: str) -> Invoice | None:
    """Lock the member, as above, and read one of their invoices."""
    rows = Invoice.objects.select_related("customer__user", "subscription")
    invoice = rows.filter(stripe_id=invoice_id).first()
    if invoice is None:
        return None
    lock_member(invoice.customer.user_id)
    return rows.get(pk=invoice.pk)


def _locked(subscription_id: str) -> Subscription | None:
    """Lock the member, as every write to their money does, and read the row."""
    rows = Subscription.objects.select_related("customer__user")
    subscription = rows.filter(stripe_id=subscription_id).first()
    if subscription is None:
        return None
    lock_member(subscription.customer.user_id)
    return rows.get(pk=subscription.pk)
