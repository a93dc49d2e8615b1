"""How prices are taxed if STRIPE_TAX is on: what people read, and what Stripe is told."""

from __future__ import annotations

from django.conf import settings

from billing.core import tax_texts
from billing.models import Plan
from billing.stripe import gateway

INCLUSIVE, BY_CURRENCY = "inclusive", "inferred_by_currency"
# Stripe documentation, "Specify product tax codes and tax behavior".
EXCLUSIVE_CURRENCIES = frozenset({"cad", "usd"})


def of_plan(plan: Plan, of_account: str) -> str:
    """Return how a price on sale is taxed, or "" if Stripe Tax is off.

    A price that says nothing is as the account's settings say (`TaxAccount.behavior`).
    """
    if not settings.STRIPE_TAX:
        return ""
    behavior = plan.tax_behavior
    if behavior not in (INCLUSIVE, "exclusive"):
        behavior = of_account
    if behavior == BY_CURRENCY:
        behavior = "exclusive" if plan.currency in EXCLUSIVE_CURRENCIES else INCLUSIVE
    return _words_of(behavior)


def of_single_payments() -> str:
    """Return how single payments are taxed, or "" if Stripe Tax is off."""
    return _words_of(settings.STRIPE_TAX_BEHAVIOR) if settings.STRIPE_TAX else ""


def single_words() -> str:
    """Return "plus tax" or "tax included" for one-time payments; "" if Stripe Tax is off."""
    return tax_texts.price(of_single_payments())


def adds_to_single() -> bool:
    """Whether tax comes on top of a one-time payment."""
    return of_single_payments() == tax_texts.ADDED


def single() -> gateway.SingleTax | None:
    """Return the tax parameters of a single payment for Stripe."""
    if not settings.STRIPE_TAX:
        return None
    return gateway.SingleTax(settings.STRIPE_TAX_BEHAVIOR, settings.STRIPE_TAX_CODE)


def _words_of(behavior: str) -> str:
    if not behavior:
        return ""
    return tax_texts.INCLUDED if behavior == INCLUSIVE else tax_texts.ADDED
