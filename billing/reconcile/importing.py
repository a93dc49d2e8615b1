"""Imports a Stripe account that's older than the portal. It only reads from Stripe.

There are four steps, each of which may be interrupted and run again: every customer gets a row,
with its member or in staff's list; listed customers with a verified address get their member; each
member's subscriptions, invoices, and payments are read once; and the balance's transactions and
payouts are read from the beginning.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from allauth.account.models import EmailAddress
from django.db import transaction
from django.utils import timezone

from billing.core.statuses import LIVE_SUBSCRIPTION
from billing.models import Customer, UnassignedCustomer
from billing.reconcile import history
from billing.reconcile.contexts import Invitation
from billing.stripe import gateway, snapshots
from billing.sync import assignment, balance, refresh, writing
from common import addresses
from common.links import portal_url
from common.one_by_one import OneByOne
from emails import outbox

# Called with the number done and the total.
Progress = Callable[[int, int], None]


@dataclass(frozen=True)
class Imported:
    """The state after an import."""

    customers: int
    members: int
    read: int
    unassigned: int
    failures: list[str]  # a sentence for each object that couldn't be imported


def import_account(*, again: bool, progress: Progress) -> Imported:
    """Import the whole account; `again` also reads members who were already read.

    What can't be imported is reported, and the rest continues; a second run tries it again.

    Raises:
        gateway.StripeError: Stripe didn't answer. What's done is kept; run it again.
    """
    run = OneByOne(ended_by=gateway.ENDS_ALL)
    customers = _list_customers(run)
    with run.each("Matching by address"):
        assignment.match_verified()
    waiting = Customer.objects.filter(deleted_at_stripe=False).order_by("pk")
    if not again:
        waiting = waiting.filter(history_read_at=None)
    ids = list(waiting.values_list("stripe_id", flat=True))
    progress(0, len(ids))
    read = 0
    for number, customer_id in enumerate(ids, 1):
        with run.each(customer_id):
            history.read_history(customer_id)
            read += 1
        progress(number, len(ids))
    with run.each("The balance"):
        balance.read_balance(everything=again)
    return Imported(
        customers=customers,
        members=Customer.objects.values("user").distinct().count(),
        read=read,
        unassigned=UnassignedCustomer.objects.count(),
        failures=run.failures,
    )


def invite() -> int:
    """Ask everyone with a membership but no account here to sign up, once; return how many.

    Raises:
        gateway.StripeError: Stripe didn't answer; nobody was asked.
        SomeFailed: all others were asked.
    """
    run = OneByOne(ended_by=gateway.ENDS_ALL)
    bad: list[gateway.Unreadable] = []
    subscriptions = list(gateway.list_subscriptions(bad=bad))
    run.failures += [f"{one.id} can't be read: {one.reason}" for one in bad]
    live = {one.customer_id for one in subscriptions if one.status in LIVE_SUBSCRIPTION}
    waiting = UnassignedCustomer.objects.filter(stripe_id__in=live, invited_at=None)
    invited = 0
    for customer in waiting.exclude(email=""):
        with run.each(customer.stripe_id):
            invited += _invite(customer)
    run.finish()
    return invited


def _invite(customer: UnassignedCustomer) -> bool:
    """Write to one customer, unless someone here already has that address."""
    address = addresses.canonical(customer.email)
    if EmailAddress.objects.filter(email__iexact=address).exists():
        return False
    url = portal_url("account_signup")
    context = Invitation(name=customer.name, address=customer.email, url=url)
    with transaction.atomic():
        # Once per address, even if two customers share it.
        message = outbox.put_invitation(customer.email, context)
        UnassignedCustomer.objects.filter(pk=customer.pk).update(invited_at=timezone.now())
    return message is not None


def _list_customers(run: OneByOne) -> int:
    """Give every customer of the account a row; return how many there are."""
    count = 0
    known = set(Customer.objects.values_list("stripe_id", flat=True))
    read_at = writing.database_now()
    bad: list[gateway.Unreadable] = []
    for snapshot in gateway.list_customers(bad):
        count += 1
        if snapshot.id in known:
            continue
        with run.each(snapshot.id):
            _list_customer(snapshot, read_at)
    run.failures += [f"{one.id} can't be read: {one.reason}" for one in bad]
    return count + len(bad)


def _list_customer(snapshot: snapshots.CustomerSnapshot, read_at: datetime) -> None:
    # Matching by address waits until all are listed: two may share one.
    if snapshot.user_id is not None and assignment.owner_of(snapshot):
        gateway.patiently(lambda: refresh.sync_customer(snapshot.id))
    else:
        assignment.record(snapshot, read_at)
