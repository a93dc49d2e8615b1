"""The one lock under which a member's money changes.

It is on the member's row and not on a customer's, as a member may have several customers at
Stripe: what is left of a payment, how often a refund was made at once, the one membership and the
one unfinished checkout are the member's. Take it first, and in a transaction.
"""

from __future__ import annotations

from typing import Any

from billing.models import Customer
from members.models import Member


def lock_member(user_id: int) -> None:
    """Wait until nothing else changes the money of the member of this user, and keep it so."""
    Member.objects.select_for_update().only("pk").get(user_id=user_id)


def locked_customer(**which: Any) -> Customer:
    """Lock the member of a customer (named by `pk` or `stripe_id`); return it as it is then.

    Raises:
        Customer.DoesNotExist: there is none.
    """
    lock_member(Customer.objects.values_list("user_id", flat=True).get(**which))
    return Customer.objects.select_related("user").get(**which)
