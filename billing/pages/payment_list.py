"""The member's list of invoices and payments: filtered, searched, and summed up."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from typing import Any
from urllib.parse import urlencode

from django.core.paginator import Paginator
from django.urls import reverse
from django.utils import timezone
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from billing.core.statuses import REFUND_IN_TRANSIT, InvoiceStatus, PaymentStatus
from billing.core.tones import Alert
from billing.facts import credit, descriptions
from billing.models import Invoice, Payment, Refund
from billing.pages import payables, zelle_pages
from billing.pages.payables import Payable
from billing.pages.payment_facts import Month, PaymentsFacts, mark_of
from billing.pages.payment_lines import (
    PAGE_SIZE,
    InvoiceLine,
    invoice_line,
    payment_line,
    refund_lines,
)
from billing.refunds import offers
from billing.refunds.lines import RefundLine
from common import days
from common.money import Money

LONGEST_SEARCH = 100


class Kind(StrEnum):
    """What an entry is for."""

    MEMBERSHIP = "membership"
    OTHER = "other"


class State(StrEnum):
    """How far an entry is, coarsely."""

    PAID = "paid"
    REFUNDED = "refunded"
    UNPAID = "unpaid"


KINDS: dict[Kind, Promise] = {
    Kind.MEMBERSHIP: gettext_lazy("Membership"),
    Kind.OTHER: gettext_lazy("Everything else"),
}
STATES: dict[State, Promise] = {
    State.PAID: gettext_lazy("Paid"),
    State.REFUNDED: gettext_lazy("Refunded"),
    State.UNPAID: gettext_lazy("Unpaid"),
}


@dataclass(frozen=True)
class Wanted:
    """What to show of the list. None and "" don't narrow it down."""

    year: int | None = None
    kind: Kind | None = None
    state: State | None = None
    search: str = ""
    page: int = 1

    @property
    def is_filtered(self) -> bool:
        """Whether it's less than everything."""
        return bool(self.year or self.kind or self.state or self.search)

    @property
    def in_address(self) -> str:
        """The filter as a query string, without the page."""
        named = {"q": self.search, "year": self.year, "kind": self.kind, "state": self.state}
        return urlencode({name: value for name, value in named.items() if value})


@dataclass(frozen=True)
class Option:
    """A choice of a filter."""

    value: str
    label: str
    is_chosen: bool


@dataclass(frozen=True)
class Bar:
    """A month in the chart. `height` is its share of the highest one, in percent."""

    label: str  # "Mar"
    says: str  # "March 2026: $29.00"
    height: int


@dataclass(frozen=True)
class Sum:
    """What was paid in the shown year in one currency, and what of it was refunded."""

    paid: Money
    refunded: Money | None


@dataclass(frozen=True)
class Summary:
    """A year's sums, and twelve months as bars (none if there's too little to compare)."""

    year: int
    sums: list[Sum]
    bars: list[Bar]


@dataclass(frozen=True)
class PaymentsPage:
    """A page of the list. `older` and `newer` are addresses; `found` counts what a filter found.

    `is_cut`: a search that didn't look at the oldest entries.
    """

    refunds: list[RefundLine]
    entries: list[InvoiceLine]
    older: str
    newer: str
    is_first: bool
    wanted: Wanted
    found: int | None
    is_cut: bool
    summary: Summary | None
    year_options: list[Option]
    kind_options: list[Option]
    state_options: list[Option]
    credit: str  # the balance, in a sentence, or ""
    payables: list[Payable]
    alerts: list[Alert]  # about payments by Zelle
    years: Sequence[int]  # for which there is a statement, newest first


def wanted(query: Mapping[str, str]) -> Wanted:
    """Read a filter from an address; what makes no sense is left out."""
    year, page = query.get("year", ""), query.get("page", "")
    kind, state = query.get("kind", ""), query.get("state", "")
    return Wanted(
        year=int(year) if year.isdecimal() and len(year) == 4 else None,
        kind=Kind(kind) if kind in set(Kind) else None,
        state=State(state) if state in set(State) else None,
        search=" ".join(query.get("q", "")[:LONGEST_SEARCH].split()),
        page=int(page) if page.isdecimal() and len(page) < 6 else 1,
    )


def payments_page(facts: PaymentsFacts, asked: Wanted) -> PaymentsPage:
    """Return a page of the list. A filtered one needs facts of everything."""
    years = sorted({one.year for one in facts.months}, reverse=True)
    lines = _lines(facts)
    if asked.is_filtered:
        fitting = [
            line for row, line in zip(facts.entries, lines, strict=True) if _fits(row, line, asked)
        ]
        pages = Paginator(fitting, PAGE_SIZE)
        page = pages.get_page(asked.page)
        lines, found = list(page.object_list), len(fitting)
        older = _address(asked, page.next_page_number()) if page.has_next() else ""
        newer = _address(asked, page.previous_page_number()) if page.has_previous() else ""
        is_first = page.number == 1
    else:
        found, is_first = None, facts.is_first
        last = facts.entries[-1:]
        older = f"{_list()}?before={mark_of(last[0])}" if facts.has_older and last else ""
        newer = "" if is_first else _list()
    is_plain = is_first and not asked.is_filtered
    return PaymentsPage(
        refunds=refund_lines(facts.refunds, facts.names) if is_plain else [],
        entries=lines,
        older=older,
        newer=newer,
        is_first=is_first,
        wanted=asked,
        found=found,
        is_cut=asked.is_filtered and facts.has_older,
        summary=_summary(facts, asked.year),
        year_options=[Option(str(one), str(one), one == asked.year) for one in years],
        kind_options=_options(KINDS, asked.kind),
        state_options=_options(STATES, asked.state),
        credit=_credit(facts.entries) if is_plain else "",
        payables=payables.payables(facts.asked, facts.offered, facts.by_zelle, facts.zelle_terms)
        if is_plain
        else [],
        alerts=zelle_pages.alerts(facts.by_zelle, facts.zelle_terms) if is_plain else [],
        years=years,
    )


def _options(labels: Mapping[Any, Promise], chosen: StrEnum | None) -> list[Option]:
    return [Option(key, str(label), key == chosen) for key, label in labels.items()]


def _list() -> str:
    return reverse("billing:payments")


def _address(asked: Wanted, page: int) -> str:
    return f"{_list()}?{asked.in_address}&page={page}"


def _lines(facts: PaymentsFacts) -> list[InvoiceLine]:
    """Return the entries as rows."""
    single = [row for row in facts.entries if isinstance(row, Payment)]
    paid = [*single, *(one for rows in facts.paid_for.values() for one in rows)]
    judging, refunds = facts.judging, facts.refunds
    briefs = offers.briefs(offers.judged(judging.policy, judging.facts, paid), refunds)
    return [
        invoice_line(row, facts.names, facts.paid_for[row.pk], refunds, briefs)
        if isinstance(row, Invoice)
        else _single_line(row, facts, briefs.get(row.pk, ""))
        for row in facts.entries
    ]


def _single_line(row: Payment, facts: PaymentsFacts, refundable: str) -> InvoiceLine:
    """Return a payment without an invoice as a row of the same list."""
    line = payment_line(row, descriptions.of_single(row), facts.refunds)
    return InvoiceLine(
        url=line.url,
        number="",
        date=line.date,
        total=line.amount,
        tone=line.tone,
        label=line.label,
        description=line.description,
        refunded=_off(line.refunded),
        refunding=_off(line.refunding),
        refundable=refundable,
        methods=line.method,
        picture=line.picture,
    )


def _off(amount: Money | None) -> Money | None:
    """Return an amount as what's taken off."""
    return Money(-amount.amount, amount.currency) if amount else None


def _fits(row: Invoice | Payment, line: InvoiceLine, asked: Wanted) -> bool:
    return (
        asked.year in (None, timezone.localtime(line.date).year)
        and asked.kind in (None, _kind(row))
        and asked.state in (None, _state(row, line))
        and _says(line, asked.search)
    )


def _kind(row: Invoice | Payment) -> Kind:
    is_membership = (
        isinstance(row, Invoice) and row.subscription is not None and row.subscription.is_membership
    )
    return Kind.MEMBERSHIP if is_membership else Kind.OTHER


def _state(row: Invoice | Payment, line: InvoiceLine) -> State:
    paid = InvoiceStatus.PAID if isinstance(row, Invoice) else PaymentStatus.SUCCEEDED
    if row.status != paid:
        return State.UNPAID
    went_back = line.refunded or line.refunding or line.credited
    return State.REFUNDED if went_back else State.PAID


def _says(line: InvoiceLine, search: str) -> bool:
    """Whether a row shows all words that somebody looks for."""
    shown = (line.description, line.number, str(line.total), line.label, line.methods)
    text = " ".join([*shown, days.long(timezone.localtime(line.date))]).casefold()
    return all(word in text for word in search.casefold().split())


def _credit(entries: Sequence[Invoice | Payment]) -> str:
    """Return the member's balance in a sentence, according to their newest membership."""
    invoices = (one for one in entries if isinstance(one, Invoice))
    row = next((one.subscription for one in invoices if one.subscription), None)
    left = credit.of(row) if row else None
    if row is None or left is None:
        return ""
    if row.is_live and not row.ends_with_period:
        return _("You have %(credit)s in credit. We’ll use it before charging your card.") % {
            "credit": left
        }
    return _("You have %(credit)s in credit. We’ll keep it for you.") % {"credit": left}


def _summary(facts: PaymentsFacts, wanted_year: int | None) -> Summary | None:
    """Sum up the wanted year, or else the newest one with payments."""
    months = facts.months
    if not months:
        return None
    year = wanted_year or months[0].year
    mine = [one for one in months if one.year == year]
    currencies = dict.fromkeys(one.currency for one in mine)
    under_way = [one for one in facts.refunds if _year(one.payment) == year]
    sums = [
        _sum([one for one in mine if one.currency == code], under_way, code) for code in currencies
    ]
    last = (year, 12) if wanted_year else _this_month()
    return Summary(year, sums, _bars(months, last))


def _sum(months: Sequence[Month], under_way: Sequence[Refund], currency: str) -> Sum:
    """Sum up a year in one currency. Stripe counts refunds before they arrive; we don't."""
    coming = [one for one in under_way if one.currency == currency and one.stripe_id]
    in_transit = sum(one.amount for one in coming if one.state in REFUND_IN_TRANSIT)
    back = sum(one.refunded for one in months) - in_transit
    paid = Money(sum(one.paid for one in months), currency)
    return Sum(paid, Money(back, currency) if back > 0 else None)


def _year(row: Payment) -> int:
    return timezone.localtime(row.paid_at or row.created_at).year


def _this_month() -> tuple[int, int]:
    today = timezone.localdate()
    return today.year, today.month


def _bars(months: Sequence[Month], last: tuple[int, int]) -> list[Bar]:
    """Return the twelve months up to the last one, in the currency that was paid most recently."""
    end = last[0] * 12 + last[1] - 1
    shown = [divmod(at, 12) for at in range(end - 11, end + 1)]
    currency = months[0].currency
    paid = {(one.year, one.month - 1): one.paid for one in months if one.currency == currency}
    amounts = [paid.get(at, 0) for at in shown]
    if sum(amount > 0 for amount in amounts) < 2:
        return []
    highest = max(amounts)
    return [
        Bar(
            label=days.short_month(date(year, month + 1, 1)),
            says=f"{days.month(date(year, month + 1, 1))}: {Money(amount, currency)}",
            height=round(100 * amount / highest),
        )
        for (year, month), amount in zip(shown, amounts, strict=True)
    ]
