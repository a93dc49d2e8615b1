"""Find customers by a person's name, email address, or phone number."""

from __future__ import annotations

from billing.models import Customer
from members.search import people


def customers(term: str) -> list[int]:
    """Return the IDs of the matching customers."""
    matches = Customer.objects.filter(user__in=people(term)).order_by()
    return list(matches.values_list("pk", flat=True))


def customers_at_stripe(term: str) -> list[str]:
    """Return the Stripe IDs of the matching customers."""
    matches = Customer.objects.filter(user__in=people(term)).order_by()
    return list(matches.values_list("stripe_id", flat=True))
