"""Which card paid last, and whether it is the one that pays next."""

from __future__ import annotations

from django.db.models import F

from billing.core.statuses import PaymentStatus
from billing.models import Payment, Subscription


def other_card(row: Subscription) -> Payment | None:
    """Return the last payment of a membership if another card made it than the next one's.

    None where the card was changed since: the member has decided then.
    """
    last = (
        Payment.objects.filter(invoice__subscription=row, status=PaymentStatus.SUCCEEDED)
        .exclude(paid_at=None)
        .order_by(F("paid_at").desc(), "-pk")
        .first()
    )
    is_charged = row.is_renewal_charged and not row.is_sent
    if last is None or not (last.method_id and last.card_last4) or not is_charged:
        return None
    # A card that its bank replaced has another number, and is the same payment method.
    is_same = last.method_id == row.method_id or (last.card_brand, last.card_last4) == (
        row.card_brand,
        row.card_last4,
    )
    changed_since = row.card_added_at and last.paid_at and row.card_added_at > last.paid_at
    return None if is_same or changed_since else last
