"""The business's numbers: what each is, how it's worked out, and which rows are in it.

A measure is a sum of facts in some days, a level at their end, or a share of two others. Each has
rows that add up to it (`rows_of`); a share has those of its two parts. Days are the business's.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from typing import Any

from django.db.models import Case, Count, F, Q, QuerySet, Sum, Value, When
from django.utils.functional import Promise
from django.utils.text import format_lazy
from django.utils.translation import gettext_lazy as _

from billing.facts import daily
from billing.facts.windows import Window
from billing.models import MemberSpan, TrialSpan

Totals = Mapping[str, tuple[int, int]]


class Unit(StrEnum):
    """What a measure is counted in."""

    MONEY = "money"
    COUNT = "count"
    SHARE = "share"  # in percent
    EACH = "each"  # money by member


@dataclass(frozen=True)
class Measure:
    """One number. `facts` are summed; a share divides `top` by `bottom`, measures both.

    `is_level` is what there was at the end of the days; `more_is_better` says which way is good.
    """

    key: str
    label: str | Promise
    definition: str | Promise
    unit: Unit
    facts: tuple[str, ...] = ()
    is_level: bool = False
    at_start: bool = False
    top: str = ""
    bottom: str = ""
    none_because: str | Promise = ""
    more_is_better: bool | None = None


MRR_FACTS = tuple(
    f"mrr:{kind}" for kind in ("new", "reactivation", "expansion", "contraction", "churn")
)
MEMBER_FACTS = ("members:new", "members:returned", "members:lost")
PAID_FACTS = ("paid:membership", "paid:other", "paid:once")
MRR_WORDS = _(
    "Monthly recurring revenue: what running subscriptions were billed for, as a month’s amount."
    " A yearly price counts as a twelfth. Without trials, free time, taxes, pauses, one-time"
    " payments, and discounts that end. A failed payment counts until the subscription ends."
)

MEASURES: dict[str, Measure] = {
    one.key: one
    for one in (
        Measure("mrr", _("MRR"), MRR_WORDS, Unit.MONEY, MRR_FACTS, True, more_is_better=True),
        Measure(
            "mrr-start",
            _("MRR at the start"),
            format_lazy("{} {}", _("MRR at the end of the day before."), MRR_WORDS),
            Unit.MONEY,
            MRR_FACTS,
            True,
            at_start=True,
        ),
        Measure(
            "mrr-new",
            _("New"),
            _("MRR of people who paid for a subscription for the first time."),
            Unit.MONEY,
            ("mrr:new",),
            more_is_better=True,
        ),
        Measure(
            "mrr-reactivation",
            _("Came back"),
            _("MRR of people who had left and pay again."),
            Unit.MONEY,
            ("mrr:reactivation",),
            more_is_better=True,
        ),
        Measure(
            "mrr-expansion",
            _("Expansion"),
            _(
                "By how much members pay more: a larger plan, something besides, the end of a"
                " pause or"
                " of free time."
            ),
            Unit.MONEY,
            ("mrr:expansion",),
            more_is_better=True,
        ),
        Measure(
            "mrr-contraction",
            _("Contraction"),
            _(
                "By how much members pay less and stay: a smaller plan, something dropped, a pause,"
                " free time. What a pause or free time takes off comes back as expansion."
            ),
            Unit.MONEY,
            ("mrr:contraction",),
            more_is_better=True,
        ),
        Measure(
            "mrr-churn",
            _("Churn"),
            _("MRR of people whose subscriptions ended."),
            Unit.MONEY,
            ("mrr:churn",),
            more_is_better=True,
        ),
        Measure(
            "mrr-lost",
            _("MRR lost"),
            _("Churn and contraction together."),
            Unit.MONEY,
            ("mrr:contraction", "mrr:churn"),
            more_is_better=True,
        ),
        Measure(
            "members",
            _("Active members"),
            _(
                "People whose membership runs at the end of the last day, paid up or not. Free"
                " trials"
                " don’t count. Someone with two memberships counts once."
            ),
            Unit.COUNT,
            MEMBER_FACTS,
            True,
            more_is_better=True,
        ),
        Measure(
            "members-start",
            _("Members at the start"),
            _("Active members at the end of the day before."),
            Unit.COUNT,
            MEMBER_FACTS,
            True,
            at_start=True,
        ),
        Measure(
            "members-new",
            _("New members"),
            _("People whose first membership began, after the free trial if they had one."),
            Unit.COUNT,
            ("members:new",),
            more_is_better=True,
        ),
        Measure(
            "members-returned",
            _("Returned"),
            _("Former members whose membership began again."),
            Unit.COUNT,
            ("members:returned",),
            more_is_better=True,
        ),
        Measure(
            "members-lost",
            _("Lost"),
            _(
                "People whose membership ended. A canceled one counts when it ends, not when they"
                " cancel."
            ),
            Unit.COUNT,
            ("members:lost",),
            more_is_better=False,
        ),
        Measure(
            "members-net",
            _("Net"),
            _("New and returned members, less those lost."),
            Unit.COUNT,
            MEMBER_FACTS,
            more_is_better=True,
        ),
        Measure(
            "churn-members",
            _("Churn of members"),
            _(
                "Members lost, as a share of those at the start. (Stripe also divides by those who"
                " joined in the same days.)"
            ),
            Unit.SHARE,
            top="members-lost",
            bottom="members-start",
            none_because=_("no members at the start"),
            more_is_better=False,
        ),
        Measure(
            "churn-money",
            _("Churn of money"),
            _("MRR lost to churn and contraction, as a share of MRR at the start."),
            Unit.SHARE,
            top="mrr-lost",
            bottom="mrr-start",
            none_because=_("no MRR at the start"),
            more_is_better=False,
        ),
        Measure(
            "trials-started",
            _("Trials started"),
            _("Free trials that began."),
            Unit.COUNT,
            ("trials:started",),
            more_is_better=True,
        ),
        Measure(
            "trials-ended",
            _("Trials ended"),
            _("Free trials that ended, paid for afterward or not."),
            Unit.COUNT,
            ("trials:ended",),
        ),
        Measure(
            "trials-converted",
            _("Trials converted"),
            _("Of the trials that ended, those whose first invoice was paid by now."),
            Unit.COUNT,
            ("trials:converted",),
            more_is_better=True,
        ),
        Measure(
            "trial-conversion",
            _("Trial conversion"),
            _("Trials converted, as a share of those that ended in these days."),
            Unit.SHARE,
            top="trials-converted",
            bottom="trials-ended",
            none_because=_("no trial ended"),
            more_is_better=True,
        ),
        Measure(
            "arpm",
            _("Revenue per member"),
            _("MRR divided by active members (ARPM; Stripe calls it ARPU)."),
            Unit.EACH,
            top="mrr",
            bottom="members",
            none_because=_("no members"),
            more_is_better=True,
        ),
        Measure(
            "paid-membership",
            _("Memberships"),
            _("Payments received for memberships, by card, Zelle, or otherwise, before refunds."),
            Unit.MONEY,
            ("paid:membership",),
            more_is_better=True,
        ),
        Measure(
            "paid-other",
            _("Other subscriptions"),
            _("Payments received for subscriptions besides the membership, before refunds."),
            Unit.MONEY,
            ("paid:other",),
            more_is_better=True,
        ),
        Measure(
            "paid-once",
            _("One-time payments"),
            _("Payments received for anything else, before refunds."),
            Unit.MONEY,
            ("paid:once",),
            more_is_better=True,
        ),
        Measure(
            "paid",
            _("Received"),
            _("All payments received in these days, before refunds, disputes, and fees."),
            Unit.MONEY,
            PAID_FACTS,
            more_is_better=True,
        ),
        Measure(
            "paid-stripe",
            _("Paid through Stripe"),
            _("Payments received through Stripe, which can be disputed."),
            Unit.COUNT,
            ("paid_through:stripe",),
        ),
        Measure(
            "refunded",
            _("Refunded"),
            _("Refunds sent in these days, whenever the payment was, without those that failed."),
            Unit.MONEY,
            ("refunded",),
            more_is_better=False,
        ),
        Measure(
            "refund-rate",
            _("Refund rate"),
            _("What was refunded, as a share of what was received in the same days."),
            Unit.SHARE,
            top="refunded",
            bottom="paid",
            none_because=_("nothing was received"),
            more_is_better=False,
        ),
        Measure(
            "disputed",
            _("Disputes"),
            _("Disputes opened in these days. Inquiries, which move no money, don’t count."),
            Unit.COUNT,
            ("disputed",),
            more_is_better=False,
        ),
        Measure(
            "dispute-rate",
            _("Dispute rate"),
            _(
                "Disputes, as a share of the number of payments through Stripe in the same days."
                " Card"
                " networks watch this; Stripe warns from 0.75%."
            ),
            Unit.SHARE,
            top="disputed",
            bottom="paid-stripe",
            none_because=_("no payment through Stripe"),
            more_is_better=False,
        ),
        Measure(
            "failed",
            _("Failed renewals"),
            _("Renewals of these days whose first charge failed, paid later or not."),
            Unit.MONEY,
            ("failed",),
            more_is_better=False,
        ),
        Measure(
            "recovered",
            _("Recovered"),
            _("Of the failed renewals, those that were paid by now."),
            Unit.MONEY,
            ("recovered",),
            more_is_better=True,
        ),
        Measure(
            "recovery",
            _("Recovery of failed payments"),
            _(
                "What was recovered, as a share of the renewals of these days whose first charge"
                " failed."
            ),
            Unit.SHARE,
            top="recovered",
            bottom="failed",
            none_because=_("no renewal failed"),
            more_is_better=True,
        ),
        Measure(
            "year-lost",
            _("Members lost in a year"),
            _("Members lost in the twelve months up to the last day."),
            Unit.COUNT,
            ("members:lost",),
        ),
        Measure(
            "lifetime-value",
            _("Lifetime value"),
            _(
                "Revenue per member, divided by the average monthly churn of members in the twelve"
                " months up to the last day: what a member brings before they leave."
            ),
            Unit.EACH,
            top="arpm",
            bottom="year-lost",
            none_because=_("nobody has left in twelve months"),
            more_is_better=True,
        ),
    )
}
YEAR_LOST, LIFETIME, NET = "year-lost", "lifetime-value", "members-net"
SHOWN_IN = {
    Unit.MONEY: "money",
    Unit.COUNT: "a number",
    Unit.SHARE: "percent",
    Unit.EACH: "money by member",
}


def as_table() -> str:
    """Return every number with its definition, for docs/numbers.md."""
    rows = [
        f"| {one.label} | {SHOWN_IN[one.unit]} | {one.definition} |" for one in MEASURES.values()
    ]
    return "\n".join(["| number | in | what it is |", "|---|---|---|", *rows])


@dataclass(frozen=True)
class Rows:
    """The rows behind a measure. `amount` is None if they're only counted."""

    rows: QuerySet[Any]
    at: str  # the column with their day or time
    amount: Any
    what: str  # the path of a word on each row; empty for none


def rows_of(measure: Measure, currency: str, days: Window, joined: date | None = None) -> Rows:
    """Return the rows that add up to a measure that's no share."""
    if measure.facts[0].startswith(("mrr:", "members:")):
        return _spans(measure, currency, days, joined)
    if measure.facts[0].startswith("trials:"):
        return _trials(measure, currency, days)
    return _money(measure, currency, days)


def _spans(measure: Measure, currency: str, days: Window, joined: date | None) -> Rows:
    is_mrr = measure.unit is Unit.MONEY
    rows: QuerySet[Any] = MemberSpan.objects.filter(currency=currency)
    if joined:
        rows = rows.filter(joined=joined)
    if measure.is_level:
        runs = (
            Q(day__lt=days.first) & (Q(until=None) | Q(until__gte=days.first))
            if measure.at_start
            else Q(day__lte=days.last) & (Q(until=None) | Q(until__gt=days.last))
        )
        rows = rows.filter(runs)
        if is_mrr:
            return Rows(rows.exclude(mrr=0), "day", F("mrr"), "")
        return Rows(rows.filter(is_member=True), "day", None, "")
    names = [name.partition(":")[2] for name in measure.facts]
    rows = rows.filter(day__gte=days.first, day__lte=days.last)
    if is_mrr:
        return Rows(rows.filter(movement__in=names), "day", F("mrr") - F("mrr_before"), "movement")
    # Of the net, those lost are one less each.
    signed = Case(When(membership="lost", then=Value(-1)), default=Value(1))
    amount = signed if measure.key == NET else None
    return Rows(rows.filter(membership__in=names), "day", amount, "membership")


def _trials(measure: Measure, currency: str, days: Window) -> Rows:
    column = "started" if measure.facts == ("trials:started",) else "ended"
    rows: QuerySet[Any] = TrialSpan.objects.filter(currency=currency).filter(
        **{f"{column}__gte": days.first, f"{column}__lte": days.last}
    )
    if measure.facts == ("trials:converted",):
        rows = rows.filter(converted=True)
    return Rows(rows, column, None, "")


def _money(measure: Measure, currency: str, days: Window) -> Rows:
    sources = [one for one in daily.sources() if set(measure.facts) & set(one.kinds)]
    source = sources[0]
    begin, end = daily.bounds(days.first, days.last)
    rows = source.rows.filter(
        currency=currency, **{f"{source.at}__gte": begin, f"{source.at}__lt": end}
    )
    kinds = rows.annotate(kind=source.kind).filter(kind__in=measure.facts)
    amount = source.amount if measure.unit is Unit.MONEY else None
    return Rows(kinds, source.at, amount, "kind")


def totalled(rows: Rows) -> tuple[int, int]:
    """Return how many rows there are, and what they come to: one query."""
    amount = Value(0) if rows.amount is None else rows.amount
    sums = rows.rows.order_by().aggregate(count=Count("pk"), sum=Sum(amount))
    return sums["count"], sums["sum"] or 0
