"""Bring in a Stripe account that was there before the portal. Stripe is only read.

In three steps, each of which may be cut short and run again: every customer gets a row, with its
member or in the list for staff; listed customers whose address is verified get their member; and
each member's subscriptions, invoices and payments are read, once.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from billing import assignment, gateway, history, sync
from billing.models import Customer, UnassignedCustomer

# Called with how much is done and how much there is.
Progress = Callable[[int, int], None]


@dataclass(frozen=True)
class Imported:
    """What is here after an import."""

    customers: int
    members: int
    read: int
    unassigned: int


def import_account(*, again: bool, progress: Progress) -> Imported:
    """Bring in the whole account; `again` also reads members who were read before.

    Raises:
        gateway.StripeError: Stripe did not answer. What is done is kept; run it again.
    """
    customers = _list_customers()
    assignment.match_verified()
    waiting = Customer.objects.order_by("pk")
    if not again:
        waiting = waiting.filter(history_read_at=None)
    ids = list(waiting.values_list("stripe_id", flat=True))
    progress(0, len(ids))
    for number, customer_id in enumerate(ids, 1):
        history.read_history(customer_id)
        progress(number, len(ids))
    return Imported(
        customers=customers,
        members=Customer.objects.count(),
        read=len(ids),
        unassigned=UnassignedCustomer.objects.count(),
    )


def _list_customers() -> int:
    """Give every customer of the account a row; return how many there are."""
    count = 0
    known = set(Customer.objects.values_list("stripe_id", flat=True))
    read_at = sync.database_now()
    for snapshot in gateway.list_customers():
        count += 1
        if snapshot.id in known:
            continue
        # By address they are matched when all are listed: two may share one.
        if snapshot.user_id is not None and assignment.owner_of(snapshot):
            gateway.patiently(lambda one=snapshot.id: sync.sync_customer(one))  # type: ignore[misc]
        else:
            assignment.record(snapshot, read_at)
    return count
