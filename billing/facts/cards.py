"""Which card paid last, and whether it's charged next."""

from __future__ import annotations

from collections.abc import Sequence

from django.db.models import F, QuerySet

from billing.core.statuses import PaymentStatus
from billing.models import Payment, Subscription


def other_card(row: Subscription) -> Payment | None:
    """Return the last payment of a membership if another card made it than the next one's."""
    return made_by_other(row, paid_of([row]).first())


def paid_of(subscriptions: Sequence[Subscription] | QuerySet[Subscription]) -> QuerySet[Payment]:
    """Return the payments that went through for subscriptions, the last one first."""
    rows = Payment.objects.filter(
        invoice__subscription__in=subscriptions, status=PaymentStatus.SUCCEEDED
    )
    return rows.exclude(paid_at=None).order_by(F("paid_at").desc(), "-pk")


def made_by_other(row: Subscription, last: Payment | None) -> Payment | None:
    """Return the last payment of a membership if another card made it than the next one's.

    None if the card was changed since: then the member has decided.
    """
    is_charged = row.is_renewal_charged and not row.is_sent
    if last is None or not (last.method_id and last.card_last4) or not is_charged:
        return None
    # A card replaced by its bank has a new number but is the same payment method.
    is_same = last.method_id == row.method_id or (last.card_brand, last.card_last4) == (
        row.card_brand,
        row.card_last4,
    )
    changed_since = row.card_added_at and last.paid_at and row.card_added_at > last.paid_at
    return None if is_same or changed_since else last
