"""Money: minor units and a currency. This is the only place that formats it (pure)."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from functools import cache, lru_cache

from babel import Locale
from babel.numbers import (
    get_currency_symbol,
    get_decimal_symbol,
    get_group_symbol,
    parse_pattern,
)

from common import locales

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
MINUS = "−"
# Stripe accepts at most eight digits of minor units in most currencies.
MOST_DIGITS = 8
LETTER_AND_DIGIT = re.compile(r"(?<=[^\W\d_])(?=\d)|(?<=\d)(?=[^\W\d_])")
KEPT = 2000
# What separates thousands may be a space of any width, and an apostrophe of either kind.
SPACES = " \u00a0\u202f\u2009"
APOSTROPHES = "'\u2019"


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
    """Return an amount in minor units as people write it here: `$29.00`, `29,00 €`, `CHF 29.00`."""
    return _formatted(amount, currency.upper(), locales.current().numbers)


def read_back(text: str, currency: str) -> Money | None:
    """Return the money that's written as this text, or None if the text is anything else.

    All digits of a written amount are its minor units, so it's exact.
    """
    digits = "".join(one for one in text if one in "0123456789")
    if not digits:
        return None
    found = (Money(sign * int(digits), currency) for sign in (1, -1))
    return next((money for money in found if str(money) == text), None)


def symbol(currency: str) -> str:
    """Return what stands for a currency here (`$`), or "" if that's only its code."""
    code = currency.upper()
    found = get_currency_symbol(code, locales.current().numbers)
    return "" if found == code else found


def parse_money(text: str, currency: str, locale: str = "") -> int:
    """Return a typed amount in minor units: `40`, `40.00`, `$1,234.50`, `40 CHF`.

    It's read as the owner's locale writes it, or another one. Nothing is guessed: its commas only
    separate thousands, its point only precedes decimals, and there are no more decimals than the
    currency has.

    Raises:
        AmountError: the text is anything else, or we don't accept the currency.
    """
    code = currency.upper()
    if code in UNSUPPORTED or not re.fullmatch("[A-Z]{3}", code):
        raise AmountError(f"Payments in {code} are not possible.")
    here = locales.find(locale) if locale else locales.current().numbers
    match = _form(here).fullmatch(_without_currency(text.strip(), code, here))
    if match is None:
        raise AmountError(f"Enter an amount, like {_formatted(4000, code, here)}.")
    places, rest = decimals(code), match["rest"] or ""
    if len(rest) > places:
        raise AmountError(_too_exact(code, places))
    digits = re.sub("[^0-9]", "", match["whole"]) + rest.ljust(places, "0")
    if len(digits.lstrip("0")) > MOST_DIGITS:
        raise AmountError("This amount is too large.")
    amount = int(digits)
    # Stripe documentation, "Supported currencies": the last of three decimals must be 0.
    if places == 3 and amount % 10:
        raise AmountError(_too_exact(code, 2))
    return amount


def decimal_mark() -> str:
    """Return what precedes decimals here: "." or ","."""
    return get_decimal_symbol(locales.current().numbers)


def typed_amount(amount: int, currency: str) -> str:
    """Return an amount as someone here would type it into a field: `1234.50`, `1234,50`."""
    return plain_amount(amount, currency).replace(".", decimal_mark())


def plain_amount(amount: int, currency: str) -> str:
    """Return an amount for machines, next to its currency: `1234.50`, `-5.00`."""
    places = decimals(currency)
    whole, rest = divmod(abs(amount), 10**places)
    sign = "-" if amount < 0 else ""
    return f"{sign}{whole}.{rest:0{places}d}" if places else f"{sign}{whole}"


@lru_cache(KEPT)
def _formatted(amount: int, code: str, locale: Locale) -> str:
    places = decimals(code)
    pattern = parse_pattern(locale.currency_formats["standard"].pattern)
    # Stripe's number of decimals, which isn't always CLDR's.
    pattern.frac_prec = (places, places)
    value = Decimal(amount).scaleb(-places)
    text = str(pattern.apply(value, locale, currency=code, currency_digits=False))
    return _spaced(text.replace("-", MINUS) if amount < 0 else text)


def _spaced(text: str) -> str:
    """Part letters from digits, as in "CHF 29.00" (CLDR, "Currency Spacing")."""
    return LETTER_AND_DIGIT.sub("\u00a0", text)


@cache
def _form(locale: Locale) -> re.Pattern[str]:
    """Return what an amount looks like here, without its currency."""
    group, mark = get_group_symbol(locale), re.escape(get_decimal_symbol(locale))
    alike = next((kind for kind in (SPACES, APOSTROPHES) if group in kind), group)
    last, others = parse_pattern(locale.currency_formats["standard"].pattern).grouping
    one = f"[{re.escape(alike)}]"
    grouped = f"[0-9]{{1,{others}}}(?:{one}[0-9]{{{others}}})*{one}[0-9]{{{last}}}"
    return re.compile(f"(?P<whole>{grouped}|[0-9]+)(?:{mark}(?P<rest>[0-9]+))?")


def _without_currency(text: str, code: str, locale: Locale) -> str:
    """Drop the currency: its code on either side, or its symbol where it stands here."""
    mark = get_currency_symbol(code, locale)
    is_before = _formatted(0, code, locale).startswith(mark)
    if is_before and text.startswith(mark):
        return text.removeprefix(mark).lstrip()
    if not is_before and text.endswith(mark):
        return text.removesuffix(mark).rstrip()
    if text.upper().startswith(code):
        return text[len(code) :].lstrip()
    if text.upper().endswith(code):
        return text[: -len(code)].rstrip()
    return text


def _too_exact(code: str, places: int) -> str:
    if not places:
        return f"Amounts in {code} have no decimals."
    return f"Amounts in {code} have at most {places} decimals."
