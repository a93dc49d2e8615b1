"""The books: what a month moved in Stripe's balance, line by line, to the cent.

Everything counts on the day it moved (a balance transaction's `created_at`), so what happens later
never changes an earlier month: a refund stands in the month in which it was made. `book_months` has
when a month begins and ends.
Opening balance and lines make the closing balance, and every row is in lines with all its parts.
What was sold is as on the staff's home page (`paid_for`). Only a month that was closed before other
subscriptions stood apart keeps them among the memberships, so that it says what was handed in.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from django.db import connection
from django.db.models import (
    Case,
    CharField,
    Count,
    Func,
    JSONField,
    Q,
    QuerySet,
    Sum,
    Value,
    When,
)
from django.db.models.functions import Coalesce
from django.utils import timezone

from billing.core import book_words, tax_texts
from billing.core.book_words import Section
from billing.facts import book_months, direct_money, paid_for
from billing.facts.book_months import Months
from billing.facts.paid_for import TOGETHER, PaidFor
from billing.models import BalanceReading, BalanceTransaction, TaxRate
from common.money import Money

# Other kinds of balance at Stripe are kept apart from this one.
PAYMENTS = "payments"
FEE, FEE_REST = "fee", "fee-rest"
STRANGERS = "other"
KINDS = {
    PaidFor.MEMBERSHIP.value: "Membership",
    PaidFor.SUBSCRIPTION.value: "Other subscriptions",
    PaidFor.ONCE.value: "One-time payments",
    STRANGERS: "Customers who aren’t members here",
}
NO_TAX, SOME_TAX = "no tax", "with tax"
GROSS = sorted(name for name, where in book_words.SECTIONS.items() if where is Section.GROSS)
DISPUTES = sorted(name for name, where in book_words.SECTIONS.items() if where is Section.DISPUTES)
FEE_SUMS = """
SELECT part->>'type', category = ANY(%(disputes)s), sum((part->>'amount')::bigint), count(*)
FROM billing_balancetransaction, jsonb_array_elements(fees) AS part
WHERE currency = %(currency)s AND balance_type = %(kind)s
  AND created_at >= %(begin)s AND created_at < %(end)s
GROUP BY 1, 2 ORDER BY 1, 2
"""


@dataclass(frozen=True)
class Line:
    """A line of a month; `key` names its rows (`rows_of`)."""

    section: Section
    key: str
    label: str
    money: Money
    count: int


@dataclass(frozen=True)
class Statement:
    """A month in one currency."""

    month: date
    currency: str
    opening: Money
    lines: list[Line]

    def of(self, section: Section) -> list[Line]:
        """Return a section's lines."""
        return [one for one in self.lines if one.section is section]

    def total(self, *sections: Section) -> Money:
        """Return what some sections come to, or all."""
        wanted = sections or tuple(Section)
        amounts = (one.money.amount for one in self.lines if one.section in wanted)
        return Money(sum(amounts), self.currency)

    @property
    def net(self) -> Money:
        """What the business earned: all but what went to the bank."""
        return self.total(*(one for one in Section if one is not Section.PAYOUTS))

    @property
    def closing(self) -> Money:
        """What was left at the end."""
        return Money(self.opening.amount + self.total().amount, self.currency)


@dataclass(frozen=True)
class Summary:
    """A month in one currency, for the list."""

    month: date
    opening: Money
    net: Money
    paid_out: Money
    closing: Money


@dataclass(frozen=True)
class Tie:
    """Whether the copy's sum is Stripe's balance, as of the last reading."""

    ours: Money
    at_stripe: Money
    read_at: datetime

    @property
    def difference(self) -> Money:
        """What's missing here."""
        return Money(self.at_stripe.amount - self.ours.amount, self.ours.currency)


def months() -> list[Summary]:
    """Return every month in which something moved, also outside of Stripe, newest first.

    A month in which nothing moved at Stripe has what was left of its balance, or nothing.
    """
    all_months = book_months.read()
    moved = BalanceTransaction.objects.filter(balance_type=PAYMENTS).order_by()
    by_month = moved.annotate(month=all_months.truncated("created_at"))
    payouts = [name for name, where in book_words.SECTIONS.items() if where is Section.PAYOUTS]
    sums = by_month.values("month", "currency").annotate(
        change=Sum("net"), paid_out=Sum("amount", filter=Q(category__in=payouts), default=0)
    )
    left: Counter[str] = Counter()
    found = []
    for row in sums.order_by("month", "currency"):
        currency, opening = row["currency"], left[row["currency"]]
        left[currency] += row["change"]
        net = row["change"] - row["paid_out"]
        amounts = (opening, net, row["paid_out"], left[currency])
        found.append(Summary(row["month"], *(Money(one, currency) for one in amounts)))
    found += list(_only_direct(found, all_months))
    found.sort(key=lambda one: (one.month, one.opening.currency), reverse=True)
    return found


def _only_direct(known: list[Summary], all_months: Months) -> Iterator[Summary]:
    """Yield the months in which money moved only outside of Stripe's balance."""
    moved = direct_money.months_until(timezone.now(), all_months)
    there = {one.month for one in known}
    for month, currency in sorted(one for one in moved if one[0] not in there):
        earlier = [
            one for one in known if one.month < month and one.closing.currency.upper() == currency
        ]
        left = earlier[-1].closing if earlier else Money(0, currency)
        nothing = Money(0, currency)
        yield Summary(month, left, nothing, nothing, left)


def statements(month: date) -> list[Statement]:
    """Return a month's statements, one per currency ever used until its end."""
    all_months = book_months.read()
    _begin, end = all_months.bounds(month)
    used = BalanceTransaction.objects.filter(balance_type=PAYMENTS, created_at__lt=end)
    currencies = used.order_by("currency").values_list("currency", flat=True).distinct()
    return [_statement(month, one, all_months) for one in currencies]


def statement(month: date, currency: str) -> Statement:
    """Return a month in one currency: six queries."""
    return _statement(month, currency, book_months.read())


def _statement(month: date, currency: str, all_months: Months) -> Statement:
    begin, end = all_months.bounds(month)
    before = _rows(currency).filter(created_at__lt=begin)
    opening = before.aggregate(sum=Sum("net", default=0))["sum"]
    rows = _moved(month, currency, all_months)
    fees = _fees(currency, begin, end, rows)
    lines = [*_gross(rows, currency), *_by_category(rows, currency), *fees]
    order = list(Section)
    lines.sort(key=lambda one: order.index(one.section))
    return Statement(month, currency, Money(opening, currency), lines)


def ties() -> list[Tie]:
    """Compare the copy's sums with the balance that Stripe gave: two queries."""
    reading = BalanceReading.objects.first()
    if reading is None:
        return []
    read = BalanceTransaction.objects.filter(balance_type=PAYMENTS).order_by()
    sums = read.values("currency").annotate(sum=Sum("net"))
    ours = dict(sums.values_list("currency", "sum"))
    return [
        Tie(Money(ours.get(one, 0), one), Money(reading.totals.get(one, 0), one), reading.read_at)
        for one in sorted({*ours, *reading.totals})
    ]


def moved_directly(month: date) -> list[tuple[str, Money]]:
    """Return what came and what went back outside of Stripe's balance: five queries."""
    return direct_money.sums(month, book_months.read())


def of_month(month: date, currency: str) -> QuerySet[Any]:
    """Return a month's rows with what decides on their line: `sold` and `rates`."""
    return _moved(month, currency, book_months.read())


def _moved(month: date, currency: str, all_months: Months) -> QuerySet[Any]:
    begin, end = all_months.bounds(month)
    names = TOGETHER if month in all_months.together else {}
    rows = _rows(currency).filter(created_at__gte=begin, created_at__lt=end)
    sorted_out: QuerySet[Any] = rows.annotate(
        sold=Case(
            When(payment=None, then=Value(STRANGERS)),
            default=paid_for.case(names, "payment__"),
            output_field=CharField(),
        ),
        # Of a one-time payment read by an earlier version, only the sum of its tax is known.
        rates=Case(
            When(
                payment__invoice=None,
                payment__tax__gt=0,
                payment__taxes=[],
                then=Value(["?"], JSONField()),
            ),
            default=Func(
                Coalesce("payment__invoice__taxes", "payment__taxes"),
                template=(
                    "coalesce(jsonb_path_query_array(%(expressions)s,"
                    " '$[*] ? (@.amount != 0).rate'), '[]')"
                ),
                output_field=JSONField(),
            ),
            output_field=JSONField(),
        ),
    )
    return sorted_out


def has_others_among_memberships(month: date) -> bool:
    """Whether a closed month has other subscriptions in its lines of memberships: two queries."""
    all_months = book_months.read()
    if month not in all_months.together:
        return False
    begin, end = all_months.bounds(month)
    rows = BalanceTransaction.objects.filter(created_at__gte=begin, created_at__lt=end)
    return rows.filter(payment__invoice__subscription__is_membership=False).exists()


def parts(row: BalanceTransaction) -> Counter[str]:
    """Return what a row of `of_month` adds to which lines, by their keys."""
    found: Counter[str] = Counter()
    found[_main_key(row)] += row.amount
    for one in row.fees:
        found[_fee_key(one["type"], is_dispute=row.category in DISPUTES)] -= one["amount"]
    rest = row.fee - sum(one["amount"] for one in row.fees)
    if rest:
        found[FEE_REST] -= rest
    return found


def rows_of(month: date, currency: str, key: str) -> QuerySet[Any]:
    """Return the rows that may be in a line; `parts` says with what."""
    rows = of_month(month, currency)
    kind, _, rest = key.partition(":")
    if kind == FEE:
        name, _, about = rest.rpartition(":")
        rows = rows.filter(fees__contains=[{"type": name}])
        is_dispute = Q(category__in=DISPUTES)
        return rows.filter(is_dispute if about == "dispute" else ~is_dispute)
    if kind == FEE_REST:
        return rows.exclude(fee=0)
    if kind == Section.GROSS:
        category, sold, rates = (*rest.split(":", 2), "", "")[:3]
        wanted = rates.split(",") if rates else []
        return rows.filter(category=category, sold=sold, rates=wanted)
    return rows.filter(category=rest)


def sold_in(line: Line) -> str:
    """Return what a line of payments was for; "" for other lines."""
    return line.key.split(":")[2] if line.section is Section.GROSS else ""


def _rows(currency: str) -> QuerySet[Any]:
    rows = BalanceTransaction.objects.filter(currency=currency, balance_type=PAYMENTS)
    return rows.order_by()


def _main_key(row: BalanceTransaction) -> str:
    sold: str = row.sold  # type: ignore[attr-defined]  # annotated
    rates: list[str] = row.rates  # type: ignore[attr-defined]
    return _key(row.category, sold, rates)


def _key(category: str, sold: str, rates: list[str]) -> str:
    where = book_words.section(category)
    if where is Section.GROSS:
        return f"{where}:{category}:{sold}:{','.join(rates)}"
    return f"{where}:{category}"


def _fee_key(kind: str, *, is_dispute: bool) -> str:
    return f"{FEE}:{kind}:{'dispute' if is_dispute else ''}"


def _gross(rows: QuerySet[Any], currency: str) -> Iterator[Line]:
    """Yield what came in by what was sold and by tax, the memberships first."""
    groups = rows.filter(category__in=GROSS).values_list("category", "sold", "rates")
    sums = list(groups.annotate(sum=Sum("amount"), count=Count("pk")))
    names = _rate_names({rate for _, _, rates, _, _ in sums for rate in rates})
    for category, sold, rates, amount, count in sorted(
        sums, key=lambda one: (one[0], list(KINDS).index(one[1]), one[2])
    ):
        words = [KINDS[sold], " + ".join(names.get(one, SOME_TAX) for one in rates) or NO_TAX]
        if category != "charge":
            words = [book_words.category(category), *words]
        key, money = _key(category, sold, rates), Money(amount, currency)
        yield Line(Section.GROSS, key, ", ".join(words), money, count)


def _rate_names(ids: set[str]) -> dict[str, str]:
    return {
        rate.stripe_id: tax_texts.label(rate.name, rate.jurisdiction, rate.percentage)
        for rate in TaxRate.objects.filter(stripe_id__in=ids)
    }


def _by_category(rows: QuerySet[Any], currency: str) -> Iterator[Line]:
    """Yield everything else by Stripe's category, without the fees that it carries."""
    groups = rows.exclude(category__in=GROSS).values_list("category")
    for category, amount, count in groups.annotate(sum=Sum("amount"), count=Count("pk")).order_by(
        "category"
    ):
        where, money = book_words.section(category), Money(amount, currency)
        yield Line(where, _key(category, "", []), book_words.category(category), money, count)


def _fees(currency: str, begin: datetime, end: datetime, rows: QuerySet[Any]) -> Iterator[Line]:
    """Yield the fees that rows carry, by kind; disputes' apart."""
    about: dict[str, Any] = {"disputes": DISPUTES, "currency": currency, "kind": PAYMENTS}
    total = rows.aggregate(sum=Sum("fee", default=0))["sum"]
    with connection.cursor() as cursor:
        cursor.execute(FEE_SUMS, about | {"begin": begin, "end": end})
        sums = cursor.fetchall()
    for kind, is_dispute, amount, count in sums:
        label = book_words.fee(kind, DISPUTES[0] if is_dispute else "charge")
        key, money = _fee_key(kind, is_dispute=is_dispute), Money(-int(amount), currency)
        yield Line(Section.FEES, key, label, money, count)
    # Stripe says what each fee is made of; what it doesn't say is a line, too.
    rest = total - sum(int(amount) for _, _, amount, _ in sums)
    if rest:
        yield Line(Section.FEES, FEE_REST, "Other fees", Money(-rest, currency), 1)
