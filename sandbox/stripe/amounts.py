"""Amounts: whether so much of a currency can be charged."""

from __future__ import annotations

from sandbox.stripe import currencies
from sandbox.stripe.errors import ApiError, invalid


def check(amount: int, currency: str, *, param: str = "amount") -> None:
    """Refuse, with Stripe's words, what is too little, too much or no amount of the currency."""
    check_step(amount, currency, param=param)
    if amount < currencies.least(currency):
        figure = currencies.figure(currencies.least(currency), currency)
        message = f"Amount must be at least {figure} {currency}"
        raise invalid(message, param=param, code="amount_too_small")
    if amount > currencies.most(currency):
        raise too_large(currency, param=param)


def check_step(amount: int, currency: str, *, param: str) -> None:
    """Refuse digits that a currency does not have."""
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
    """What of a sum is charged: one that is too little is left for the next invoice."""
    return due if due >= currencies.least(currency) else 0
