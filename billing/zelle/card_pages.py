"""Closes the pages where what a transfer has paid could still be paid by card.

A page at Stripe that was opened before the money came stays open for a day in some tab.
"""

from __future__ import annotations

import logging

from billing.core.bank_statuses import ZellePurpose
from billing.core.statuses import UNFINISHED_CHECKOUT, Purpose
from billing.facts import memberships
from billing.membership import checkout
from billing.models import Checkout, ExpectedTransfer
from billing.models.copy import MemberRecordQuerySet
from billing.sync import refresh

logger = logging.getLogger(__name__)
PAID_TWICE = "The member has paid this by card, too. Refund one of the two."


class _JustPaidError(Exception):
    """A page can't be closed: it was paid."""


def close(row: ExpectedTransfer) -> str:
    """Close these pages; return what staff must know if one was paid by card meanwhile.

    Raises:
        gateway.StripeError: Stripe couldn't be asked. Some may be closed.
    """
    problem = ""
    for page in _pages_of(row):
        try:
            checkout.close(page, _JustPaidError())
        except _JustPaidError:
            logger.error("Zelle payment %s was paid by card, too.", row.pk)  # noqa: TRY400
            refresh.sync_checkout(page.session_id)
            problem = PAID_TWICE
    return PAID_TWICE if is_member_by_card(row) else problem


def is_member_by_card(row: ExpectedTransfer) -> bool:
    """Whether a membership that a transfer paid has begun by card: it must not begin twice."""
    if row.purpose != ZellePurpose.MEMBERSHIP:
        return False
    return any(not one.is_sent for one in memberships.live(row.user))


def _pages_of(row: ExpectedTransfer) -> MemberRecordQuerySet[Checkout]:
    pages = Checkout.objects.filter(user=row.user_id, state__in=UNFINISHED_CHECKOUT)
    match row.purpose:
        case ZellePurpose.REQUEST:
            return pages.filter(request=row.request_id)
        case ZellePurpose.MEMBERSHIP:
            return pages.filter(purpose=Purpose.MEMBERSHIP)
    return pages.none()
