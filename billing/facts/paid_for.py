"""What a payment is for: the membership, another subscription, or something paid once.

The numbers on the staff's home page, the books, sales tax, and the journal all ask here. A
subscription with the membership among its items is the membership, with all that's beside it.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum

from django.db.models import Case, CharField, Value, When


class PaidFor(StrEnum):
    """What a payment is for. The books' lines, and closings with them, keep these words."""

    MEMBERSHIP = "membership"
    SUBSCRIPTION = "subscription"
    ONCE = "single"


# As in months of the books that were closed before other subscriptions stood apart.
TOGETHER = {PaidFor.SUBSCRIPTION: PaidFor.MEMBERSHIP}


def case(names: Mapping[PaidFor, str] | None = None, payment: str = "") -> Case:
    """Return what payments are for, for a query.

    `names` has other words for some of them. `payment` leads from the query's rows to the payment,
    such as "payment__".
    """
    words = {one: Value(str((names or {}).get(one, one))) for one in PaidFor}
    path = f"{payment}invoice__subscription__is_membership"
    return Case(
        When(**{path: True}, then=words[PaidFor.MEMBERSHIP]),
        When(**{path: False}, then=words[PaidFor.SUBSCRIPTION]),
        default=words[PaidFor.ONCE],
        output_field=CharField(),
    )
