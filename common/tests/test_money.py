"""Money as text."""

from __future__ import annotations

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from common.money import (
    MOST_DIGITS,
    AmountError,
    Money,
    decimals,
    format_money,
    parse_money,
    plain_amount,
)

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
        (12340, "kwd", "KWD\u00a012.340"),
        (2900, "chf", "CHF\u00a029.00"),
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


@pytest.mark.parametrize(
    ("text", "currency", "amount"),
    [
        ("40", "usd", 4000),
        ("40.5", "usd", 4050),
        (" $1,234.50 ", "usd", 123450),
        ("40.00 USD", "usd", 4000),
        ("40chf", "CHF", 4000),
        ("4000", "jpy", 4000),
        ("12.34", "kwd", 12340),
        ("0", "usd", 0),
    ],
)
def test_typed_amounts_are_read(text: str, currency: str, amount: int) -> None:
    assert parse_money(text, currency) == amount


@pytest.mark.parametrize(
    ("text", "currency"),
    [
        *((text, "usd") for text in ("", ".", ".5", "5.", "-5", "+5", "1e3", "12,50", "1,23,456")),
        *((text, "usd") for text in ("1 000", "0x10", "٤٠", "½", "40 EUR", "€40", "$", "NaN")),
        *((text, "usd") for text in ("40.001", "1000000.00", "4_0", "$$4", "4$", "1,2345")),
        ("40.5", "jpy"),
        ("12.345", "kwd"),
        ("40", "isk"),
        ("40", "ugx"),
        ("40", "dollars"),
    ],
)
def test_anything_else_is_refused_with_a_sentence(text: str, currency: str) -> None:
    with pytest.raises(AmountError, match=r"\.$"):
        parse_money(text, currency)


@given(amount=st.integers(0, 99_999_990), currency=CURRENCIES)
def test_what_we_write_can_be_typed(amount: int, currency: str) -> None:
    amount -= amount % 10 if decimals(currency) == 3 else 0
    assert parse_money(format_money(amount, currency), currency) == amount
    assert parse_money(plain_amount(amount, currency), currency) == amount


@given(text=st.text(max_size=20), currency=CURRENCIES)
def test_any_text_is_an_amount_or_refused(text: str, currency: str) -> None:
    try:
        amount = parse_money(text, currency)
    except AmountError:
        return
    assert 0 <= amount < 10**MOST_DIGITS


@given(text=st.from_regex(r"[0-9]{1,3}([.,][0-9]{1,4}){0,2}", fullmatch=True), currency=CURRENCIES)
def test_points_and_commas_are_never_guessed(text: str, currency: str) -> None:
    """Whatever is taken means what it says: a comma for thousands, a point for decimals."""
    try:
        amount = parse_money(text, currency)
    except AmountError:
        return
    assert Decimal(text.replace(",", "")) == Decimal(amount).scaleb(-decimals(currency))
    assert all(len(group) == 3 for group in text.split(".", maxsplit=1)[0].split(",")[1:])
