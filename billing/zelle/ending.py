"""Ends memberships whose renewal wasn't paid by Zelle within the days of grace."""

from __future__ import annotations

import logging
from datetime import datetime, timedelta

from django.db.models import Q, QuerySet, Sum
from django.utils import timezone

from billing.core.bank_statuses import AllocationState, ExpectedState
from billing.core.statuses import InvoiceStatus
from billing.facts import zelle
from billing.models import ExpectedTransfer, Invoice
from billing.stripe import gateway
from billing.sync import refresh
from common.one_by_one import OneByOne

logger = logging.getLogger(__name__)

# Money that's said to be on its way may take three business days, and a weekend.
ON_ITS_WAY = timedelta(days=5)
JUST_NOW = timedelta(days=2)


def end_unpaid() -> None:
    """End each membership whose invoice is past its due date, and take the invoice back.

    The member is told by the change at Stripe, as for any membership that ends.

    Raises:
        gateway.StripeError: Stripe didn't answer.
        SomeFailed: the others were ended.
    """
    run, now = OneByOne(ended_by=gateway.ENDS_ALL), timezone.now()
    for invoice in overdue(now):
        with run.each(f"Invoice {invoice.pk}"):
            if is_given_up(invoice, now):
                _end(invoice)
    run.finish()


def overdue(now: datetime) -> QuerySet[Invoice]:
    """Return the open invoices past their due date, of memberships that run or ended just now."""
    rows = Invoice.objects.filter(status=InvoiceStatus.OPEN, due_at__lt=now, amount_remaining__gt=0)
    runs = Q(subscription__ended_at=None) | Q(subscription__ended_at__gt=now - JUST_NOW)
    rows = rows.filter(runs, subscription__is_membership=True)
    return rows.select_related("subscription", "customer__user").order_by("pk")


def is_given_up(invoice: Invoice, now: datetime) -> bool:
    """Whether an overdue invoice's money isn't here, and isn't on its way either."""
    if not zelle.is_of_zelle_member(invoice):
        return False
    row = ExpectedTransfer.objects.filter(invoice=invoice).order_by("-pk").first()
    if row is None:
        return True
    told = row.allocations.exclude(state=AllocationState.UNDONE)
    came = int(told.aggregate(sum=Sum("amount", default=0))["sum"])
    if came >= row.amount or row.state == ExpectedState.CONFIRMED:
        return False
    # Who says it again and again, or sends a part, gains some days at most: the due date decides.
    soonest = now - ON_ITS_WAY
    is_coming = came > 0 or (row.said_sent_at is not None and row.said_sent_at > soonest)
    is_coming = is_coming or zelle.is_named_by_money(row)
    return not is_coming or (invoice.due_at is not None and invoice.due_at <= soonest)


def _end(invoice: Invoice) -> None:
    """End the membership, then take back the invoice. If that fails, the next run does it."""
    subscription = invoice.subscription
    if subscription is None:
        return
    logger.info("Membership %s ends: invoice %s wasn't paid.", subscription.pk, invoice.pk)
    if subscription.is_live:
        gateway.end_now(subscription.stripe_id)
        refresh.sync_subscription(subscription.stripe_id)
    gateway.void_invoice(invoice.stripe_id)
    refresh.sync_invoice(invoice.stripe_id)
