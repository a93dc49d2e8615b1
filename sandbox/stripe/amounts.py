"""Amounts: whether an amount can be charged in a currency."""

from __future__ import annotations

from sandbox.stripe import currencies
from sandbox.stripe.errors import ApiError, invalid


def check(amount: int, currency: str, *, param: str = "amount") -> None:
    """Refuse, in Stripe's words, an amount that's too small, too large, or invalid."""
    check_step(amount, currency, param=param)
    if amount < currencies.least(currency):
        figure = currencies.figure(currencies.least(currency), currency)
        message = f"Amount must be at least {figure} {currency}"
        raise invalid(message, param=param, code="amount_too_small")
    if amount > currencies.most(currency):
        raise too_large(currency, param=param)


def check_step(amount: int, currency: str, *, param: str) -> None:
    """Refuse decimals that a currency doesn't have."""
    step = currencies.step(currency)
    if amount % step:
        raise invalid(
            f"Invalid integer: {amount}. Amounts in {currency} must be divisible by {step}.",
            param=param,
            code="parameter_invalid_integer",
        )


def too_large(currency: str, *, param: str) -> ApiError:
    figure = currencies.figure(currencies.most(currency), currency)
    return invalid(f"Amount must be no more than {figure}", param=param, code="amount_too_large")


def chargeable(due: int, currency: str) -> int:
    """The part of a total that's charged: if it's too small, it waits for the next invoice."""
    return due if due >= currencies.least(currency) else 0
