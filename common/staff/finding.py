"""What staff type into a search, and what it may mean: part of a word, an amount, a card's end."""

from __future__ import annotations

import re
import unicodedata
from typing import Any

from django.db.models import BooleanField, CharField, Lookup, Q
from django.db.models.expressions import RawSQL

from common import money

# The fewest characters that are looked for inside of words: what the index is made of.
FEWEST = 3
LAST4 = re.compile(r"[0-9]{4}", re.ASCII)
# "0042" is the end of a number, not an amount.
PADDED = re.compile(r"0[0-9]", re.ASCII)
# Unicode's category of currency symbols.
SYMBOL = "Sc"
CODE = re.compile(r"[A-Za-z]{3}", re.ASCII)
# One currency for each number of decimals that Stripe's have.
OF_TWO, OF_NONE, OF_THREE = "USD", "JPY", "KWD"


@CharField.register_lookup
class HasPart(Lookup):
    """`number__has_part="42"`: whether a text holds another one, ignoring case and accents.

    An index on `staff_letter_triples(column)` answers it (see `portal.migrations`), so a part of
    fewer than three characters is in no text.
    """

    lookup_name = "has_part"

    def as_sql(self, compiler: Any, connection: Any) -> tuple[str, tuple[Any, ...]]:
        """Return the condition."""
        column, values = self.process_lhs(compiler, connection)
        return has_part(column), (*values, self.rhs, *values, self.rhs, self.rhs)


def has_part(column: str) -> str:
    """Return SQL for whether a column (SQL) holds the term, which is its parameter three times."""
    return f"""
    (staff_letter_triples({column}) @> staff_letter_triples(%s)
     AND position(staff_plain_text(%s) IN staff_plain_text({column})) > 0
     AND length(staff_plain_text(%s)) >= {FEWEST})
    """


def holds(column: str, term: str) -> RawSQL:
    """Return whether an expression of ours (SQL) holds a term, as a condition."""
    return RawSQL(  # noqa: S611  (the expression is a constant of ours)
        has_part(column), [term, term, term], output_field=BooleanField()
    )


def last4(term: str) -> str:
    """Return the last four digits of a card if that's what was typed, or ""."""
    digits = term.strip().lstrip("•*. ")
    return digits if LAST4.fullmatch(digits) else ""


def amount_is(field: str, term: str) -> Q | None:
    """Return the condition that a row's amount (minor units) is the one typed, or None.

    Without a currency ("29", "29.00", "1,042.17") it's this amount of any; with a code ("29 EUR",
    "CHF 29") only of that one. A symbol means nothing more: many currencies share "$".
    """
    text, code = _parted(term.strip())
    if PADDED.match(text):
        return None
    conditions = [
        Q(**{field: amount}) & condition
        for currency, condition in _CURRENCIES.items()
        if not code or money.decimals(code) == money.decimals(currency)
        if (amount := _amount(text, currency)) is not None
    ]
    if not conditions:
        return None
    found = Q()
    for one in conditions:
        found |= one
    return found & Q(currency=code) if code else found


def _currencies(*codes: frozenset[str]) -> list[str]:
    """Return the codes as the rows have them."""
    return sorted(one.lower() for some in codes for one in some)


_CURRENCIES = {
    OF_TWO: ~Q(currency__in=_currencies(money.ZERO_DECIMAL, money.THREE_DECIMAL)),
    OF_NONE: Q(currency__in=_currencies(money.ZERO_DECIMAL)),
    OF_THREE: Q(currency__in=_currencies(money.THREE_DECIMAL)),
}


def _parted(term: str) -> tuple[str, str]:
    """Return a typed amount without its currency, and the currency's code as rows have it."""
    bare = "".join(one for one in term if unicodedata.category(one) != SYMBOL).strip()
    for code, rest in ((bare[:3], bare[3:]), (bare[-3:], bare[:-3])):
        if CODE.fullmatch(code):
            return rest.strip(), code.lower()
    return bare, ""


def _amount(text: str, currency: str) -> int | None:
    """Return a typed number in minor units, as people write it here or as machines do."""
    for locale in ("", "en_US"):
        try:
            return money.parse_money(text, currency, locale)
        except money.AmountError:
            continue
    return None
