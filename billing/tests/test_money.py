"""Money as text."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from billing.money import Money, decimals, format_money

CURRENCIES = st.sampled_from(["USD", "EUR", "GBP", "JPY", "KWD", "CHF", "XOF"])


@pytest.mark.parametrize(
    ("amount", "currency", "text"),
    [
        (2900, "usd", "$29.00"),
        (0, "usd", "$0.00"),
        (5, "eur", "€0.05"),
        (-500, "eur", "−€5.00"),
        (123456789, "usd", "$1,234,567.89"),
        (2900, "jpy", "¥2,900"),
        (12340, "kwd", "12.340 KWD"),
        (2900, "chf", "29.00 CHF"),
    ],
)
def test_amounts_read_as_people_write_them(amount: int, currency: str, text: str) -> None:
    assert str(Money(amount, currency)) == text


@given(st.integers(-(10**12), 10**12), CURRENCIES)
def test_text_holds_every_digit(amount: int, currency: str) -> None:
    digits = "".join(
        character for character in format_money(amount, currency) if character.isdigit()
    )
    assert int(digits) == abs(amount)


@given(st.integers(1, 10**12), CURRENCIES)
def test_only_negative_amounts_have_a_minus(amount: int, currency: str) -> None:
    assert "−" not in format_money(amount, currency)
    assert format_money(-amount, currency).startswith("−")


@given(CURRENCIES)
def test_decimals_show_as_many_digits_after_the_point(currency: str) -> None:
    _, point, rest = format_money(1, currency).partition(".")
    shown = sum(character.isdigit() for character in rest)
    assert shown == (decimals(currency) if point else 0)


def test_nothing_is_false() -> None:
    assert not Money(0, "usd")
    assert Money(1, "usd")
