"""Payments that somebody made with a payment request's link, without the member's customer."""

from __future__ import annotations

from billing.models import Checkout, Payment


def customer_of(checkout_pk: int | None) -> str:
    """Return the customer that a guest's checkout is for, or "" if it isn't a guest's."""
    if checkout_pk is None:
        return ""
    rows = Checkout.objects.filter(pk=checkout_pk, is_guest=True)
    return rows.values_list("customer__stripe_id", flat=True).first() or ""


def customer_of_payment(payment_intent_id: str) -> str:
    """Return the customer that a guest's payment is for, or "" if it isn't a guest's."""
    rows = Payment.objects.filter(stripe_id=payment_intent_id, checkout__is_guest=True)
    return rows.values_list("customer__stripe_id", flat=True).first() or ""
