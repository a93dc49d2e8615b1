"""Tell Stripe what a member has changed here: e-mail address, name, language; or that they left.

A customer's row keeps what we last told Stripe. Whoever differs from it is told again, however the
change was made: account pages, staff, shell or SQL. What somebody changes in Stripe's dashboard
stays as it is until the member changes it here.
"""

from __future__ import annotations

from django.contrib.auth.models import User
from django.db.models import F, QuerySet, Value
from django.db.models.functions import Concat, Trim
from django.utils import timezone

from billing.models import Customer
from billing.models.locks import lock_member
from billing.stripe import gateway
from billing.sync import assignment, refresh


def leave(user: User) -> bool:
    """Have a member's customers deleted at Stripe; answer whether they ever had one.

    Stripe ends subscriptions with it and forgets the card, so that nothing can be charged again.
    Its invoices and payments stay, there and here.
    """
    lock_member(user.pk)
    customers = Customer.objects.filter(user=user)
    customers.filter(closed_at=None).update(closed_at=timezone.now())
    return customers.exists()


def behind() -> QuerySet[Customer]:
    """Return the customers of whom Stripe does not know the latest yet.

    One that Stripe has deleted is told nothing any more.
    """
    name = Trim(Concat("user__first_name", Value(" "), "user__last_name"))
    return (
        Customer.objects.filter(deleted_at_stripe=False)
        .annotate(full_name=name)
        .exclude(
            closed_at=None,
            told_email=F("user__email"),
            told_name=F("full_name"),
            told_language=F("user__member__language"),
        )
    )


def tell(customer_pk: int) -> None:
    """Tell Stripe of one customer, if there is anything to tell. Safe to run twice.

    Raises:
        gateway.StripeError: Stripe did not take it.
    """
    customer = behind().filter(pk=customer_pk).select_related("user__member").first()
    if customer is None:
        return
    if customer.closed_at:
        gateway.delete_customer(customer.stripe_id)
        refresh.sync_customer(customer.stripe_id)
        return
    told = assignment.told(customer.user)
    try:
        gateway.update_customer(
            customer.stripe_id, told["told_email"], _new_name(customer, told), told["told_language"]
        )
    except gateway.StripeMissing:
        # It was deleted at Stripe: write that down, and there is nobody left to tell.
        refresh.sync_customer(customer.stripe_id)
        return
    Customer.objects.filter(pk=customer_pk).update(**told)


def _new_name(customer: Customer, told: dict[str, str]) -> str | None:
    """Return the name if it has changed here. A business keeps the one that it gave at Checkout."""
    is_new = customer.told_name != told["told_name"] and not customer.tax_ids
    return told["told_name"] if is_new else None
