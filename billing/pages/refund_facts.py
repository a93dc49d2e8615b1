"""What a refund's page must know. `refund_tracker` says it in words."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from django.contrib.auth.models import User

from billing.core.statuses import RefundState
from billing.facts import descriptions
from billing.facts.descriptions import ProductNames
from billing.models import Refund, RefundEntry
from billing.refunds import membership_end, queries
from billing.refunds.membership_end import Ending
from common.reads import Param, Part, Reading

ME, KEY = Param("user", "bigint"), Param("key", "bigint")
CAME_TO_NOTHING = (RefundState.DENIED, RefundState.WITHDRAWN)

REFUND = Part(
    lambda: queries.visible_to(ME).filter(pk=KEY).select_related("payment__invoice__subscription")
)
HISTORY = Part(lambda: RefundEntry.objects.filter(refund=KEY).values_list("action", "at"))
ONE_REFUND = Reading(REFUND, HISTORY)


@dataclass(frozen=True)
class RefundFacts:
    """A refund with its payment, and its history as pairs of an action and its time.

    `ending`: how the membership ends, if the member asked for that and it's still to come.
    """

    refund: Refund
    history: Sequence[tuple[str, datetime]]
    names: ProductNames
    ending: Ending | None


def refund(user: User, pk: int) -> RefundFacts | None:
    """Read a refund that its member may see, or None."""
    found = ONE_REFUND(user=user.pk, key=pk)
    row = found.first(REFUND)
    if row is None:
        return None
    invoice = row.payment.invoice
    return RefundFacts(
        refund=row,
        history=found[HISTORY],
        names=descriptions.product_names([invoice] if invoice else []),
        ending=_ending(row),
    )


def _ending(row: Refund) -> Ending | None:
    is_asked = row.cancels_membership and row.payment.membership is not None
    return membership_end.of_refund(row) if is_asked and row.state not in CAME_TO_NOTHING else None
