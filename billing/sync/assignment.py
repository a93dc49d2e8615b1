"""Matches Stripe customers to members by our metadata, a verified email address, or staff.

A member may have several. Our own metadata is always right, since only we and staff write it. An
address proves less: anyone can type any address into a payment link. So it decides only for members
without a customer; staff assign a further one with the same address.

Customers made in Stripe's dashboard name no user. Only a *verified* address proves that the mailbox
is the member's; with anything less, someone could sign up with a stranger's address and read that
stranger's invoices.
"""

from __future__ import annotations

from datetime import datetime

from django.contrib.auth.models import User
from django.db import IntegrityError, transaction
from procrastinate.contrib.django import app

from billing.core.jobs import JobName
from billing.models import Customer, UnassignedCustomer
from billing.stripe.snapshots import CustomerSnapshot
from common import addresses
from common.one_by_one import OneByOne


class AssignmentRefused(Exception):
    """The customer can't be this user's; the text is for staff."""


def owner_of(snapshot: CustomerSnapshot) -> User | None:
    """Return a customer's user: named in its metadata, or matched by verified email address.

    None if that's nobody, or someone who left; or, by address, several people, or someone who
    already has a customer.
    """
    if snapshot.user_id is not None:
        named = User.objects.filter(pk=snapshot.user_id).first()
        if named:
            has_left = named.customers.filter(closed_at__isnull=False).exists()
            return None if has_left else named
    return owner_of_address(snapshot.email)


def owner_of_address(email: str) -> User | None:
    """Return the one active user without an undeleted customer who verified this address."""
    if not email:
        return None
    owners = User.objects.filter(
        is_active=True,
        emailaddress__email__iexact=addresses.canonical(email),
        emailaddress__verified=True,
    ).distinct()
    users = list(owners[:2])
    if len(users) != 1 or users[0].customers.filter(deleted_at_stripe=False).exists():
        return None
    return users[0]


def record(snapshot: CustomerSnapshot, read_at: datetime) -> None:
    """List a customer for staff to assign; a deleted one has nothing to assign."""
    rows = UnassignedCustomer.objects.filter(stripe_id=snapshot.id)
    if snapshot.deleted:
        rows.delete()
        return
    if rows.filter(erased_at__isnull=False).update(read_at=read_at):
        return
    values = {"email": snapshot.email, "name": snapshot.name, "created_at": snapshot.created_at}
    UnassignedCustomer.objects.update_or_create(
        stripe_id=snapshot.id, defaults=values | {"read_at": read_at}
    )


def told(user: User) -> dict[str, str]:
    """Return the columns with what Stripe knows about a user (`billing.reconcile.push`)."""
    return {
        "told_email": user.email,
        "told_name": user.get_full_name(),
        "told_language": user.member.language,
    }


def adopted(customer: Customer) -> None:
    """Remove a customer from the list, and have everything of theirs read.

    Call it in the transaction that wrote the customer's row. A customer that was never listed is
    new.
    """
    gone, _ = UnassignedCustomer.objects.filter(stripe_id=customer.stripe_id).delete()
    if gone:
        app.configure_task(JobName.READ_HISTORY, lock=f"stripe:{customer.stripe_id}").defer(
            customer_id=customer.stripe_id
        )


def assign(unassigned: UnassignedCustomer, user: User) -> Customer:
    """Assign a listed customer to this user, besides existing ones; a job reads its payments.

    Raises:
        AssignmentRefused: the user has left, or someone else was faster.
    """
    if not user.is_active:
        raise AssignmentRefused(f"The account of {user.email or 'this member'} is switched off.")
    try:
        with transaction.atomic():
            customer = Customer.objects.create(
                user=user,
                stripe_id=unassigned.stripe_id,
                email=unassigned.email,
                name=unassigned.name,
                created_at=unassigned.created_at,
                read_at=unassigned.read_at,
                **told(user),
            )
            adopted(customer)
    except IntegrityError as error:
        raise AssignmentRefused("Somebody else has just assigned this customer.") from error
    return customer


def match_verified() -> int:
    """Assign listed customers whose address a member has since verified; return how many.

    If several customers share an address, staff decide which is the member's.

    Raises:
        SomeFailed: all others were checked.
    """
    run = OneByOne()
    listed: dict[str, list[UnassignedCustomer]] = {}
    for unassigned in UnassignedCustomer.objects.exclude(email=""):
        listed.setdefault(addresses.canonical(unassigned.email), []).append(unassigned)
    matched = 0
    for email, customers in listed.items():
        with run.each(customers[0].stripe_id):
            user = owner_of_address(email) if len(customers) == 1 else None
            if user:
                assign(customers[0], user)
                matched += 1
    run.finish()
    return matched
