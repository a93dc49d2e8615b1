"""What members pay a month, day by day, from what they were billed (pure).

**MRR** (monthly recurring revenue) is what the running subscriptions were billed for, as a month's
amount:

- A yearly price counts as a twelfth a month, a quarterly one as a third; days and weeks by the 365
  days of a year.
- It counts from the day that the billed period begins until the subscription ends, paid or not: a
  failed payment (past due) takes nothing off before the subscription ends or becomes unpaid.
- Quantity counts. A change within a period counts from the day it was made, with the amount of the
  next full period.
- A discount counts only if it has no end, and as long as it was given: from the first invoice that
  has it to the first that doesn't. One for the first payment or for some months doesn't lower it.
- These count for nothing: trials, free periods, taxes, one-time payments, invoices that are void
  or still drafts while the subscription is paused or unpaid, and what a pause gave up.

Stripe defines its MRR the same way ("Billing metric definitions" and "Billing Analytics" in its
documentation): the monthly-normalized value of all active and past-due subscriptions, without
trials, taxes, free plans, metered prices, and discounts that end. Stripe counts prices; we count
what was billed, which is the only history that its objects keep. So a price changed without
proration counts from the next period here, and right away there; a pause counts here as soon as a
period isn't collected.

Times are seconds since 1970, amounts minor units.
"""

from __future__ import annotations

from bisect import bisect_right
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import date
from fractions import Fraction
from itertools import pairwise
from typing import Any

from billing.core.statuses import (
    GIVEN_UP_BY_PAUSE,
    NEVER_BEGAN,
    InvoiceStatus,
    SubscriptionStatus,
)

DAY = 86_400
# Stripe's periods end within the hour in which the next one begins.
CLOSE = 3_600
A_MONTH = Fraction(365, 12)
MONTHS_IN = {"month": 1, "year": 12}
DAYS_IN = {"day": 1, "week": 7}
# How far an estimate from a part of a period may be from an amount that we know.
NEAR = Fraction(3, 100)

# The product of lines that were read before we kept it.
UNKNOWN = ""

ToDay = Callable[[int], date]
Step = tuple[int, Fraction]


@dataclass(frozen=True)
class Line:
    """A line of an invoice that charges or credits a period."""

    product: str
    amount: int
    begin: int
    end: int


@dataclass(frozen=True)
class Bill:
    """An invoice of a subscription."""

    id: int
    created_at: int
    status: str
    given_up_reason: str
    discount: int
    tax_included: int
    lasting: int | None  # the part of its discount without an end, if that's known
    lines: tuple[Line, ...]


@dataclass(frozen=True)
class Sold:
    """A subscription, as it is now, with its invoices."""

    currency: str
    status: str
    is_membership: bool
    is_paused: bool
    started_at: int
    ended_at: int | None
    trial_end: int | None
    interval: str
    interval_count: int
    amount: int
    items: tuple[dict[str, Any], ...] = ()
    discounts: tuple[dict[str, Any], ...] = ()
    bills: tuple[Bill, ...] = field(default=())

    @property
    def has_begun(self) -> bool:
        """Whether it ever ran."""
        return self.status not in NEVER_BEGAN

    @property
    def first_trial_end(self) -> int | None:
        """The end of the free trial that it began with. Free time given to a member isn't one.

        Stripe keeps only the end of the last one, so an earlier one's is the first charge.
        """
        if not self.has_begun or self.trial_end is None or self.trial_end <= self.started_at:
            return None
        lines = [
            line for bill in self.bills if bill.status != InvoiceStatus.VOID for line in bill.lines
        ]
        charged = min((line.begin for line in lines if line.amount > 0), default=None)
        if charged is None or charged >= self.trial_end - CLOSE:
            return self.trial_end
        begin = self.started_at + CLOSE
        was_free = any(line.amount == 0 and line.begin <= begin for line in lines)
        return charged if was_free and charged > begin else None

    @property
    def has_trial(self) -> bool:
        """Whether it began with a free trial."""
        return self.first_trial_end is not None

    @property
    def is_in_trial(self) -> bool:
        """Whether it's in its trial now."""
        is_last = self.has_trial and self.first_trial_end == self.trial_end
        return is_last and self.status == SubscriptionStatus.TRIALING

    @property
    def trial_ended_at(self) -> int | None:
        """When its trial ended, or None if it has none or still runs."""
        end = self.first_trial_end
        if end is None or self.is_in_trial:
            return None
        return min(end, self.ended_at or end)

    @property
    def has_converted(self) -> bool:
        """Whether an invoice after its trial was paid."""
        ended = self.trial_ended_at
        if ended is None or (self.ended_at is not None and self.ended_at <= ended):
            return False
        paid = (bill for bill in self.bills if bill.status == InvoiceStatus.PAID)
        return any(line.begin >= ended - CLOSE for bill in paid for line in bill.lines)

    @property
    def membership_began_at(self) -> int | None:
        """When its member became one: after the trial, if there's one."""
        if not self.is_membership or not self.has_begun or self.is_in_trial:
            return None
        if self.has_trial:
            # It waits for a card, and was never paid.
            is_waiting = self.status == SubscriptionStatus.PAUSED
            return None if is_waiting else self.trial_ended_at
        return self.started_at


@dataclass(frozen=True)
class Trial:
    """A free trial. `ended` is None while it runs."""

    currency: str
    started: date
    ended: date | None
    converted: bool


@dataclass(frozen=True)
class Span:
    """What a member was in a currency from a day until the next change.

    `joined` is the first of the month in which they first became a member.
    """

    currency: str
    day: date
    until: date | None
    mrr_before: int
    mrr: int
    was_member: bool
    is_member: bool
    movement: str = ""  # new, reactivation, expansion, contraction, churn
    membership: str = ""  # new, returned, lost
    joined: date | None = None


def spans(subscriptions: Sequence[Sold], to_day: ToDay) -> list[Span]:
    """Return what a member was, each change at the end of its day."""
    by_currency: dict[str, list[Sold]] = defaultdict(list)
    for one in subscriptions:
        by_currency[one.currency].append(one)
    return [
        span
        for currency in sorted(by_currency)
        for span in _in_currency(currency, by_currency[currency], to_day)
    ]


def trial(one: Sold, to_day: ToDay) -> Trial | None:
    """Return a subscription's free trial."""
    if not one.has_trial or not one.is_membership:
        return None
    ended = one.trial_ended_at
    return Trial(
        one.currency,
        to_day(one.started_at),
        None if ended is None else to_day(ended),
        one.has_converted,
    )


def rates(one: Sold) -> list[Step]:
    """Return a subscription's MRR as steps: from when, how much (a fraction of a minor unit)."""
    if not one.has_begun:
        return []
    by_product = _by_product(one)
    moments = sorted({at for steps in by_product for at, _ in steps})
    found = [
        (at, sum((_value(steps, at) for steps in by_product), start=Fraction())) for at in moments
    ]
    if one.ended_at is None:
        return found
    return [*((at, rate) for at, rate in found if at < one.ended_at), (one.ended_at, Fraction())]


def rounded(rate: Fraction) -> int:
    """Return a rate in whole minor units, halves upward."""
    return (2 * rate.numerator + rate.denominator) // (2 * rate.denominator)


def _in_currency(currency: str, subscriptions: Sequence[Sold], to_day: ToDay) -> Iterator[Span]:
    """Yield a member's spans in a currency, in order."""
    paid = [_by_day(rates(one), to_day) for one in subscriptions]
    terms = [_membership_days(one, to_day) for one in subscriptions]
    ends = {day for pair in filter(None, terms) for day in pair if day is not None}
    days = sorted({day for steps in paid for day, _ in steps} | ends)
    states = []
    before = (0, False)
    for day in days:
        now = (sum(_on(steps, day) for steps in paid), any(_runs(term, day) for term in terms))
        if now != before:
            states.append((day, before, now))
            before = now
    paid_before, joined = False, None
    following = [*(day for day, _, _ in states), None][1:]
    for (day, (mrr_before, was_member), (mrr, is_member)), until in zip(
        states, following, strict=True
    ):
        membership = ""
        if is_member and not was_member:
            membership = "returned" if joined else "new"
            joined = joined or day.replace(day=1)
        elif was_member and not is_member:
            membership = "lost"
        movement = _movement(
            mrr_before,
            mrr,
            stays=was_member and is_member,
            has_paid=paid_before,
        )
        paid_before = paid_before or mrr > 0
        yield Span(
            currency,
            day,
            until,
            mrr_before,
            mrr,
            was_member,
            is_member,
            movement,
            membership,
            joined,
        )


def _movement(before: int, now: int, *, stays: bool, has_paid: bool) -> str:
    """Return what a change of MRR is called. A member who pauses hasn't churned."""
    if now == before:
        return ""
    if before == 0:
        if not has_paid:
            return "new"
        return "expansion" if stays else "reactivation"
    if now == 0 and not stays:
        return "churn"
    return "expansion" if now > before else "contraction"


def _by_day(steps: Sequence[Step], to_day: ToDay) -> list[tuple[date, int]]:
    """Return steps by day; the last one of a day counts."""
    return sorted({to_day(at): rounded(rate) for at, rate in steps}.items())


def _on(steps: Sequence[tuple[date, int]], day: date) -> int:
    place = bisect_right(steps, day, key=lambda step: step[0])
    return steps[place - 1][1] if place else 0


def _membership_days(one: Sold, to_day: ToDay) -> tuple[date, date | None] | None:
    began = one.membership_began_at
    if began is None:
        return None
    return to_day(began), None if one.ended_at is None else to_day(one.ended_at)


def _runs(term: tuple[date, date | None] | None, day: date) -> bool:
    return term is not None and term[0] <= day and (term[1] is None or day < term[1])


def _by_product(one: Sold) -> list[list[Step]]:
    """Return the steps of each product that a subscription was billed for."""
    bills = sorted(_that_tell(one), key=lambda bill: (bill.created_at, bill.id))
    products = list(dict.fromkeys(line.product for bill in bills for line in bill.lines))
    return [_product_steps(one, bills, product) for product in products]


def _that_tell(one: Sold) -> Iterator[Bill]:
    """Yield the invoices that say something: a new one is a draft for an hour."""
    newest = max((bill.created_at for bill in one.bills), default=0)
    stopped = one.is_paused or one.status in (SubscriptionStatus.UNPAID, SubscriptionStatus.PAUSED)
    for bill in one.bills:
        if bill.status != InvoiceStatus.DRAFT or stopped or bill.created_at < newest:
            yield bill


def _counts(bill: Bill) -> bool:
    if bill.status in (InvoiceStatus.VOID, InvoiceStatus.DRAFT):
        return False
    return bill.given_up_reason != GIVEN_UP_BY_PAUSE


@dataclass
class _Period:
    """The period of a product that was billed last."""

    begin: int
    end: int


def _product_steps(one: Sold, bills: Sequence[Bill], product: str) -> list[Step]:
    """Return a product's steps. A part of a period only says when; a full one says how much."""
    found: list[tuple[int, Fraction, bool]] = []
    period: _Period | None = None
    for bill in bills:
        mine = [line for line in bill.lines if line.product == product]
        if not mine:
            if period and (begin := _renews_without(bill, period)) is not None:
                found.append((begin, Fraction(), True))
                period = None
            continue
        whole = [line for line in mine if _is_whole(line, period)]
        parts = [line for line in mine if line not in whole]
        if period and parts and _counts(bill):
            found.extend(_changed(one, found, parts, period))
        if whole:
            begin, end = min(one.begin for one in whole), max(one.end for one in whole)
            rate, is_full = _rate(one, bill, whole, begin, end)
            counts = _counts(bill)
            found.append((begin, rate if counts else Fraction(), is_full and counts))
            period = _Period(begin, end)
    return _settled(one, product, found)


def _is_whole(line: Line, period: _Period | None) -> bool:
    """Whether a line bills a period of its own, rather than the rest of the current one."""
    if line.amount < 0:
        return False
    is_rest = (
        period is not None and abs(line.end - period.end) <= CLOSE and line.begin > period.begin
    )
    return not is_rest


def _renews_without(bill: Bill, period: _Period) -> int | None:
    """Return when the subscription was renewed without a product that was billed until then."""
    begins = [one.begin for one in bill.lines if one.amount >= 0]
    late = [begin for begin in begins if begin >= period.end - CLOSE]
    return min(late) if late and _counts(bill) else None


def _changed(
    one: Sold, found: Sequence[tuple[int, Fraction, bool]], parts: Sequence[Line], period: _Period
) -> Iterator[tuple[int, Fraction, bool]]:
    """Yield changes within a period: what parts of it come to, as if they were the whole."""
    length = period.end - period.begin
    months, _ = _months(one, period.begin, period.end)
    by_begin: dict[int, Fraction] = defaultdict(Fraction)
    for part in parts:
        if part.end > part.begin:
            whole = Fraction(part.amount * length, part.end - part.begin)
            by_begin[part.begin] += whole / months
    earlier = [(at, rate) for at, rate, _ in found]
    rate = earlier[-1][1] if earlier else Fraction()
    for begin in sorted(by_begin):
        rate = max(Fraction(), rate + by_begin[begin])
        yield begin, rate, False


def _rate(
    one: Sold, bill: Bill, lines: Sequence[Line], begin: int, end: int
) -> tuple[Fraction, bool]:
    """Return the month's amount of billed lines, and whether they're a full period."""
    gross = sum(line.amount for line in lines)
    every = sum(line.amount for line in bill.lines if line.amount > 0)
    left = 1 - _lasting_discount(one, bill, every) - _tax_share(bill, every)
    months, is_full = _months(one, begin, end)
    return gross * left / months, is_full


def _months(one: Sold, begin: int, end: int) -> tuple[Fraction, bool]:
    """Return how many months a period has; a calendar month counts as one whatever its days."""
    days = Fraction(end - begin, DAY)
    nearest = round(days / A_MONTH)
    if one.interval not in DAYS_IN and nearest >= 1 and abs(days - nearest * A_MONTH) <= 3:
        usual = MONTHS_IN.get(one.interval, 1) * one.interval_count
        return Fraction(nearest), nearest == usual or nearest in (1, 3, 6, 12)
    usual_days = DAYS_IN.get(one.interval, 0) * one.interval_count
    return days / A_MONTH, usual_days > 0 and abs(days - usual_days) <= Fraction(1, 12)


def _lasting_discount(one: Sold, bill: Bill, gross: int) -> Fraction:
    """Return which share of an invoice discounts without an end took off.

    The invoice says it, so it stays true when the subscription loses the discount. Of one that was
    read before we kept that, the subscription's discounts now are the best guess.
    """
    if not bill.discount or not gross:
        return Fraction()
    if bill.lasting is not None:
        return Fraction(min(bill.lasting, gross), gross)
    return min(Fraction(bill.discount, gross), _lasting_share(one, gross))


def _lasting_share(one: Sold, gross: int) -> Fraction:
    """Return which share of an amount the discounts without an end take off, one after another."""
    left = Fraction(gross)
    for discount in one.discounts:
        if discount.get("duration") != "forever":
            continue
        if discount.get("percent_off"):
            left -= left * Fraction(str(discount["percent_off"])) / 100
        elif discount.get("amount_off"):
            left -= min(left, Fraction(discount["amount_off"]))
    return 1 - left / gross if gross else Fraction()


def _tax_share(bill: Bill, gross: int) -> Fraction:
    """Return which share of an invoice's lines is tax."""
    net = gross - bill.discount
    return Fraction(bill.tax_included, net) if bill.tax_included and net > 0 else Fraction()


def _settled(one: Sold, product: str, found: Sequence[tuple[int, Fraction, bool]]) -> list[Step]:
    """Return steps in which parts of periods take the next known amount, if that's close."""
    steps: list[Step] = []
    known = _current_rate(one, product)
    for at, rate, is_full in reversed(found):
        value = rate
        if is_full:
            known = rate
        elif known is not None and abs(known - rate) <= max(NEAR * known, NEAR * rate, Fraction(5)):
            value = known
        steps.append((at, value))
    # Of several at one time, the later invoice counts; sorting keeps their order.
    in_order = steps[::-1]
    return sorted(in_order, key=lambda step: step[0])


def _current_rate(one: Sold, product: str) -> Fraction | None:
    """Return what a product costs a month by the subscription as it is now."""
    items = [item for item in one.items if product in (item["product_id"], UNKNOWN)]
    if not items:
        return Fraction() if one.items else None
    gross = sum(
        Fraction((item["unit_amount"] or 0) * item["quantity"])
        / _months_of(item["interval"], item["interval_count"])
        for item in items
    )
    return Fraction(gross * (1 - _lasting_share(one, one.amount)))


def _months_of(interval: str, count: int) -> Fraction:
    """Return how many months an interval has."""
    if interval in MONTHS_IN:
        return Fraction(MONTHS_IN[interval] * (count or 1))
    return Fraction(DAYS_IN.get(interval, 1) * (count or 1)) / A_MONTH


def _value(steps: Sequence[Step], at: int) -> Fraction:
    place = bisect_right(steps, at, key=lambda step: step[0])
    return steps[place - 1][1] if place else Fraction()


def covers(found: Iterable[Span]) -> bool:
    """Whether spans follow each other without a gap, each from where the last one left off."""
    by_currency: dict[str, list[Span]] = defaultdict(list)
    for one in found:
        by_currency[one.currency].append(one)
    return all(
        earlier.until == later.day
        and (earlier.mrr, earlier.is_member) == (later.mrr_before, later.was_member)
        for mine in by_currency.values()
        for earlier, later in pairwise(mine)
    )
