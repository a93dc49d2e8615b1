"""The one lock that guards all changes to a member's money.

It's on the member's row rather than a customer's, since a member may have several customers at
Stripe: a payment's remaining amount, the number of instant refunds, the one membership, and the one
unfinished checkout belong to the member. Take it first, and in a transaction.
"""

from __future__ import annotations

from typing import Any

from billing.models import Customer
from members.models import Member


def lock_member(user_id: int) -> None:
    """Wait until nothing else is changing this member's money, and keep it that way."""
    Member.objects.select_for_update().only("pk").get(user_id=user_id)


def lock_members(*user_ids: int) -> None:
    """Lock several members at once, always in the same order, so two never wait for each other."""
    rows = Member.objects.select_for_update().only("pk").filter(user_id__in=user_ids)
    found = len(rows.order_by("pk"))
    if found < len(set(user_ids)):
        raise Member.DoesNotExist("One of the members is gone.")


def locked_customer(**which: Any) -> Customer:
    """Lock a customer's member (by `pk` or `stripe_id`); return the customer as of then.

    Raises:
        Customer.DoesNotExist: there is none.
    """
    while True:
        owner = Customer.objects.values_list("user_id", flat=True).get(**which)
        lock_member(owner)
        customer = Customer.objects.select_related("user").get(**which)
        # While we waited, staff may have moved the customer to another member.
        if customer.user_id == owner:
            return customer


def queue_lock(customer_id: str, object_id: str, event_id: str) -> str:
    """Return the queue's lock: only jobs about the same customer wait for each other."""
    return f"stripe:{customer_id or object_id or event_id}"
