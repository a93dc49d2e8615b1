"""Money: minor units and a currency. This is the only place that formats it (pure)."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

# Stripe documentation, "Supported currencies": these have no minor unit, or three decimals.
ZERO_DECIMAL = frozenset(
    [
        "BIF",
        "CLP",
        "DJF",
        "GNF",
        "JPY",
        "KMF",
        "KRW",
        "MGA",
        "PYG",
        "RWF",
        "VND",
        "VUV",
        "XAF",
        "XOF",
        "XPF",
    ]
)
THREE_DECIMAL = frozenset(["BHD", "JOD", "KWD", "OMR", "TND"])
# Stripe keeps their minor units for compatibility, so amounts mean something else here.
UNSUPPORTED = frozenset(["ISK", "UGX"])
SYMBOLS = {"USD": "$", "EUR": "€", "GBP": "£", "JPY": "¥", "CAD": "CA$", "AUD": "A$"}
MINUS = "−"
# Stripe accepts at most eight digits of minor units in most currencies.
MOST_DIGITS = 8
AMOUNT = re.compile(r"(?P<whole>[0-9]{1,3}(?:,[0-9]{3})+|[0-9]+)(?:\.(?P<rest>[0-9]+))?")


class AmountError(ValueError):
    """The text isn't an amount in the currency; the sentence is for the person who typed it."""


@dataclass(frozen=True, order=False)
class Money:
    """An amount in minor units of a currency (ISO 4217, upper case)."""

    amount: int
    currency: str

    def __post_init__(self) -> None:
        object.__setattr__(self, "currency", self.currency.upper())

    def __str__(self) -> str:
        return format_money(self.amount, self.currency)

    def __bool__(self) -> bool:
        return self.amount != 0


def largest_first(totals: Mapping[str, int]) -> list[Money]:
    """Return sums in minor units by currency as money, the largest number first."""
    sums = sorted(totals.items(), key=lambda item: -item[1])
    return [Money(amount, currency) for currency, amount in sums]


def decimals(currency: str) -> int:
    """Return how many decimals the currency's minor unit stands for."""
    code = currency.upper()
    if code in ZERO_DECIMAL:
        return 0
    return 3 if code in THREE_DECIMAL else 2


def format_money(amount: int, currency: str) -> str:
    """Return an amount in minor units as people write it: `$29.00`, `−€5.00`, `29.00 CHF`."""
    code = currency.upper()
    places = decimals(code)
    whole, rest = divmod(abs(amount), 10**places)
    digits = f"{whole:,}" + (f".{rest:0{places}d}" if places else "")
    sign = MINUS if amount < 0 else ""
    if code in SYMBOLS:
        return f"{sign}{SYMBOLS[code]}{digits}"
    return f"{sign}{digits} {code}"


def parse_money(text: str, currency: str) -> int:
    """Return a typed amount in minor units: `40`, `40.00`, `$1,234.50`, `40 CHF`.

    Nothing is guessed: commas only separate thousands, a point only precedes decimals, and there
    are no more decimals than the currency has.

    Raises:
        AmountError: the text is anything else, or we don't accept the currency.
    """
    code = currency.upper()
    if code in UNSUPPORTED or not re.fullmatch("[A-Z]{3}", code):
        raise AmountError(f"Payments in {code} are not possible.")
    match = AMOUNT.fullmatch(_without_currency(text.strip(), code))
    if match is None:
        raise AmountError(f"Enter an amount, like {format_money(4000, code)}.")
    places, rest = decimals(code), match["rest"] or ""
    if len(rest) > places:
        raise AmountError(_too_exact(code, places))
    digits = match["whole"].replace(",", "") + rest.ljust(places, "0")
    if len(digits.lstrip("0")) > MOST_DIGITS:
        raise AmountError("This amount is too large.")
    amount = int(digits)
    # Stripe documentation, "Supported currencies": the last of three decimals must be 0.
    if places == 3 and amount % 10:
        raise AmountError(_too_exact(code, 2))
    return amount


def plain_amount(amount: int, currency: str) -> str:
    """Return an amount for a field next to its currency: `1234.50`, `-5.00`."""
    places = decimals(currency)
    whole, rest = divmod(abs(amount), 10**places)
    sign = "-" if amount < 0 else ""
    return f"{sign}{whole}.{rest:0{places}d}" if places else f"{sign}{whole}"


def _without_currency(text: str, code: str) -> str:
    """Drop the currency's symbol before the amount, or its code after it."""
    symbol = SYMBOLS.get(code)
    if symbol and text.startswith(symbol):
        return text.removeprefix(symbol)
    if text.upper().endswith(code):
        return text[: -len(code)].rstrip()
    return text


def _too_exact(code: str, places: int) -> str:
    if not places:
        return f"Amounts in {code} have no decimals."
    return f"Amounts in {code} have at most {places} decimals."
