"""Sales tax of a month or a quarter, by jurisdiction and rate, on the day money moved.

Tax counts when its money comes, and is given back when the money goes back: with a refund, or when
a bank takes a payment back. A payment's tax is its share of its invoice's, by rate; what goes back
takes its share along, rounded so that a whole refund takes exactly the tax that came.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from fractions import Fraction
from typing import Any, NamedTuple

from django.db.models import Q
from django.db.models.functions import Coalesce

from billing.core import book_words
from billing.core.book_words import Section
from billing.facts import book_months, books, direct_money, paid_for
from billing.facts.book_months import Months, after
from billing.facts.paid_for import TOGETHER, PaidFor
from billing.facts.portions import Cause, Portion
from billing.models import BalanceTransaction, Payment, TaxRate
from common.money import Money

# Where there's no rate: no tax, one that Stripe doesn't name, or a payment that isn't ours.
NONE, UNNAMED, NOT_OURS = "", "?", "-"
WORDS = {
    NONE: "No tax",
    UNNAMED: "Tax by an unknown rate",
    NOT_OURS: "Customers who aren’t members here",
}
CAME, BACK, TAKEN = "collected", "refunded", "taken_back"
BASE, DUE = "base", "due"
WAYS = {Section.GROSS: CAME, Section.REFUNDS: BACK, Section.DISPUTES: TAKEN}


@dataclass(frozen=True)
class PartKey:
    """What a part of the money is: how it moved, for what, and whether outside of Stripe."""

    way: str
    sold: str
    is_direct: bool


@dataclass
class Part:
    """What such a part comes to, in minor units: all of it, and the tax in it."""

    gross: int = 0
    tax: int = 0


class Rate(NamedTuple):
    """What's one line: rates of the same place, name, and percentage. Stripe Tax makes many."""

    jurisdiction: str
    name: str
    percentage: Decimal | None


@dataclass(frozen=True)
class Move:
    """What one row moved of a customer's money, in minor units, negative if it went out.

    `taxes` has the tax in `amount` by rate: 0 under one that isn't taxed. `cause` is the row.
    """

    cause: Cause
    at: datetime
    currency: str
    key: PartKey
    amount: int
    taxes: dict[Rate, int]

    @property
    def tax(self) -> int:
        """All of its tax."""
        return sum(self.taxes.values())

    def adds(self, rate: Rate | None = None) -> dict[str, int]:
        """Return what it adds to which columns of a rate's line, or of all lines together."""
        if rate is not None and rate not in self.taxes:
            return {}
        tax = self.tax if rate is None else self.taxes[rate]
        found = {BASE: self.amount - self.tax, self.key.way: tax, DUE: tax}
        return {column: amount for column, amount in found.items() if amount}


@dataclass(frozen=True)
class Line:
    """A rate's tax in one currency; `base` is what was sold under it, without its tax.

    `collected` came with payments, `refunded` and `taken_back` (by banks) are negative. `columns`
    are those that have rows, which may come to nothing.
    """

    rate: Rate
    columns: frozenset[str]
    base: Money
    collected: Money
    refunded: Money
    taken_back: Money

    @property
    def due(self) -> Money:
        """What's left of it."""
        parts = (self.collected, self.refunded, self.taken_back)
        return Money(sum(one.amount for one in parts), self.base.currency)


@dataclass(frozen=True)
class Summary:
    """The tax of some months in one currency."""

    currency: str
    lines: list[Line]
    sales: Money  # all money of customers that moved, without tax
    parts: dict[PartKey, Part]

    def total(self, which: str) -> Money:
        """Add up a column of the lines; `base` doesn't add up, since rates share it."""
        amounts = (getattr(one, which).amount for one in self.lines)
        return Money(sum(amounts), self.currency)

    @property
    def at_stripe(self) -> Money:
        """The tax in what moved in Stripe's balance; the rest came or went directly."""
        parts = (part.tax for key, part in self.parts.items() if not key.is_direct)
        return Money(sum(parts), self.currency)


@dataclass(frozen=True)
class _Moved:
    """Money of one payment that moved: `amount` is minor units of `currency`, negative if out."""

    payment: int | None
    at: datetime
    currency: str
    way: str
    amount: int
    cause: Cause
    is_direct: bool = False


@dataclass(frozen=True)
class _Share:
    """What a payment was for, and how much of it is tax, by rate."""

    sold: str
    rates: dict[str, Fraction]


STRANGER = _Share(books.STRANGERS, {NOT_OURS: Fraction(0)})


def summaries(first: date, months: int = 1) -> list[Summary]:
    """Return the tax of some months, per currency: at most seven queries."""
    sums: dict[str, dict[Rate, Counter[str]]] = defaultdict(lambda: defaultdict(Counter))
    parts: dict[str, dict[PartKey, Part]] = defaultdict(lambda: defaultdict(Part))
    for one in moves(first, months):
        part = parts[one.currency][one.key]
        part.gross += one.amount
        part.tax += one.tax
        for rate in one.taxes:
            sums[one.currency][rate].update(one.adds(rate))
    return [_summary(currency, sums[currency], dict(parts[currency])) for currency in sorted(parts)]


def moves(first: date, months: int = 1) -> Iterator[Move]:
    """Yield what moved in some months, with its tax: at most seven queries."""
    all_months = book_months.read()
    begin, end = all_months.bounds(first)[0], all_months.bounds(after(first, months - 1))[1]
    moved = [*_at_stripe(begin, end), *_directly(first, all_months, months)]
    shares = _shares({one.payment for one in moved if one.payment})
    lines = _rates({rate for one in (STRANGER, *shares.values()) for rate in one.rates})
    for one, before in _with_what_was_before(moved):
        if one.at < begin:
            continue
        share = shares.get(one.payment or 0, STRANGER)
        taxes: Counter[Rate] = Counter()
        for rate, part in share.rates.items():
            taxes[lines[rate]] += _rounded(part * (before + one.amount)) - _rounded(part * before)
        what = _counted_as(share.sold, one.at, all_months)
        key = PartKey(one.way, what, one.is_direct)
        yield Move(one.cause, one.at, one.currency, key, one.amount, dict(taxes))


def portions(
    first: date, months: int, currency: str, column: str, rate: Rate | None = None
) -> list[Portion]:
    """Return what's in a column of a rate's line, or of all lines together, in order."""
    found = [
        Portion(one.cause, one.at, one.adds(rate)[column])
        for one in moves(first, months)
        if one.currency == currency.lower() and column in one.adds(rate)
    ]
    return sorted(found, key=lambda one: one.at)


def _counted_as(what: str, at: datetime, all_months: Months) -> str:
    """Return what a payment counts as in its month of the books."""
    is_apart = what != PaidFor.SUBSCRIPTION or all_months.month_of(at) not in all_months.together
    return what if is_apart else TOGETHER[PaidFor.SUBSCRIPTION]


def _at_stripe(begin: datetime, end: datetime) -> Iterator[_Moved]:
    """Yield what moved in Stripe's balance, and what had moved of the same payments before."""
    whose = Coalesce("payment", "refund__payment", "dispute__payment")
    rows = BalanceTransaction.objects.filter(balance_type=books.PAYMENTS, created_at__lt=end)
    ways = _ways()
    rows = rows.filter(category__in=[*ways]).annotate(whose=whose)
    here = rows.filter(created_at__gte=begin)
    # A payment that only came has nothing before it.
    went = here.exclude(category__in=books.GROSS).exclude(whose=None).values("whose")
    found = rows.filter(Q(created_at__gte=begin) | Q(whose__in=went)).order_by("created_at", "pk")
    columns = found.values_list("pk", "whose", "created_at", "currency", "category", "amount")
    for pk, whose_pk, at, currency, category, amount in columns.iterator(chunk_size=2000):
        cause = (BalanceTransaction, pk)
        yield _Moved(whose_pk, at, currency, ways[category], amount, cause)


def _directly(first: date, all_months: Months, months: int) -> Iterator[_Moved]:
    for one in direct_money.moved(first, all_months, months):
        way = CAME if one.amount > 0 else BACK
        yield _Moved(one.payment, one.at, one.currency, way, one.amount, one.cause, is_direct=True)


def _ways() -> dict[str, str]:
    return {name: WAYS[where] for name, where in book_words.SECTIONS.items() if where in WAYS}


def _with_what_was_before(moved: Iterable[_Moved]) -> Iterator[tuple[_Moved, int]]:
    """Yield what moved with what was left of its payment before it."""
    left: dict[tuple[int | None, str], int] = defaultdict(int)
    for one in sorted(moved, key=lambda one: one.at):
        key = one.payment, one.currency
        yield one, left[key]
        left[key] += one.amount


def _rounded(amount: Fraction) -> int:
    """Round half up, the same way on both sides of zero."""
    doubled = abs(amount) * 2
    whole = (doubled.numerator // doubled.denominator + 1) // 2
    return int(whole if amount >= 0 else -whole)


def _shares(payments: set[int]) -> dict[int, _Share]:
    """Return what payments were for, and their tax: one query per two thousand."""
    found: dict[int, _Share] = {}
    numbers = sorted(payments)
    for place in range(0, len(numbers), 2000):
        rows = Payment.objects.filter(pk__in=numbers[place : place + 2000])
        for (
            pk,
            received,
            tax,
            taxes,
            of_invoice,
            invoice_tax,
            total,
            paid,
            what,
        ) in rows.annotate(sold=paid_for.case()).values_list(
            *("pk", "amount_received", "tax", "taxes", "invoice__taxes", "invoice__tax"),
            *("invoice__total", "invoice__amount_paid", "sold"),
        ):
            if total is None:
                rates = _by_rate(taxes, tax, received)
            else:
                # A payment has its share of its invoice's tax, as in members' statements.
                rates = _by_rate(of_invoice, invoice_tax, max(total, paid) if total > 0 else 0)
            found[pk] = _Share(what, rates)
    return found


def _by_rate(taxes: list[dict[str, Any]], tax: int, whole: int) -> dict[str, Fraction]:
    if whole <= 0 or not tax:
        return {NONE: Fraction(0)}
    by_rate: dict[str, Fraction] = defaultdict(Fraction)
    for one in taxes:
        if one["amount"]:
            by_rate[one["rate"] or UNNAMED] += Fraction(one["amount"], whole)
    # An invoice read by an earlier version has only totals.
    return dict(by_rate) or {UNNAMED: Fraction(tax, whole)}


def _rates(ids: set[str]) -> dict[str, Rate]:
    """Return the lines of Stripe's rates: one query."""
    rows = TaxRate.objects.filter(stripe_id__in=ids)
    known = {one.stripe_id: Rate(one.jurisdiction, one.name, one.percentage) for one in rows}
    return {one: known.get(one) or Rate("", _words(one), None) for one in ids}


def _summary(currency: str, sums: dict[Rate, Counter[str]], parts: dict[PartKey, Part]) -> Summary:
    lines = [
        Line(
            rate,
            frozenset(found),
            *(Money(found[one], currency) for one in (BASE, CAME, BACK, TAKEN)),
        )
        for rate, found in sorted(sums.items(), key=lambda item: _order(item[0]))
    ]
    sales = sum(part.gross - part.tax for part in parts.values())
    return Summary(currency.upper(), lines, Money(sales, currency), parts)


def _words(rate: str) -> str:
    return WORDS.get(rate, WORDS[UNNAMED])


def _order(rate: Rate) -> tuple[bool, str, str, Decimal]:
    """Order by place, name, and rate; what has no rate comes last."""
    return rate.percentage is None, rate.jurisdiction, rate.name, rate.percentage or Decimal(0)
