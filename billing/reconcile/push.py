"""Tells Stripe what a member changed here (email address, name, language), or that they left.

A customer's row keeps what we last told Stripe. If the member differs, we tell Stripe again,
however the change was made: account pages, staff, shell, or SQL. What's changed in Stripe's
dashboard stays until the member changes it here. A customer that staff moved to another member is
marked as that one's at Stripe the same way, and tried until Stripe took it.
"""

from __future__ import annotations

from django.contrib.auth.models import User
from django.db.models import F, Q, QuerySet, Value
from django.db.models.functions import Concat, Trim
from django.utils import timezone

from billing.models import Customer
from billing.models.locks import lock_member
from billing.stripe import gateway
from billing.sync import assignment, refresh


def leave(user: User) -> bool:
    """Have a member's customers deleted at Stripe; return whether they ever had one.

    This ends subscriptions at Stripe and forgets the card, so nothing can be charged again.
    Invoices and payments stay, there and here.
    """
    lock_member(user.pk)
    customers = Customer.objects.filter(user=user)
    customers.filter(closed_at=None).update(closed_at=timezone.now())
    return customers.exists()


def behind() -> QuerySet[Customer]:
    """Return the customers whose latest data Stripe doesn't know yet.

    A customer deleted at Stripe gets no updates.
    """
    name = Trim(Concat("user__first_name", Value(" "), "user__last_name"))
    return (
        Customer.objects.filter(deleted_at_stripe=False)
        .annotate(full_name=name)
        .exclude(
            Q(told_user=None) | Q(told_user=F("user")),
            closed_at=None,
            told_email=F("user__email"),
            told_name=F("full_name"),
            told_language=F("user__member__language"),
        )
    )


def tell(customer_pk: int) -> None:
    """Update one customer at Stripe if anything changed. Safe to run twice.

    Raises:
        gateway.StripeError: Stripe didn't accept it.
    """
    customer = behind().filter(pk=customer_pk).select_related("user__member").first()
    if customer is None:
        return
    if customer.closed_at:
        gateway.delete_customer(customer.stripe_id)
        refresh.sync_customer(customer.stripe_id)
        return
    told = assignment.told(customer.user)
    moved_to = customer.user_id if customer.told_user else None
    try:
        gateway.update_customer(
            customer.stripe_id,
            told["told_email"],
            _new_name(customer, told),
            told["told_language"],
            moved_to=moved_to,
        )
    except gateway.StripeMissing:
        # It was deleted at Stripe: record that; there's nobody left to update.
        refresh.sync_customer(customer.stripe_id)
        return
    # If it's moved only now, its mark is told next time.
    Customer.objects.filter(pk=customer_pk).update(
        **told, **({"told_user": moved_to} if moved_to else {})
    )


def _new_name(customer: Customer, told: dict[str, str]) -> str | None:
    """Return the name if it changed here. One that was given for invoices stays."""
    was_given = customer.tax_ids or customer.business_name or customer.individual_name
    is_new = customer.told_name != told["told_name"] and not was_given
    return told["told_name"] if is_new else None
