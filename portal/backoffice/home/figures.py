"""The business's numbers in words: each with its definition, its rows, and two comparisons."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, timedelta

from django.utils.http import urlencode
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from billing.admin import numbers_pages
from billing.facts.measures import MEASURES, YEAR_LOST, Measure, Unit
from billing.facts.numbers import UNKNOWN, Amount, Cohort, Numbers
from billing.facts.windows import MONTHS, Window, last_of, later, month_of
from common import days
from common.money import MINUS, Money
from common.staff import show

NONE = "—"
MONTHS_OFFERED = 24
TILES = ("mrr", "members", "paid", "churn-members")
WATERFALL = (
    *("mrr-start", "mrr-new", "mrr-reactivation", "mrr-expansion"),
    *("mrr-contraction", "mrr-churn", "mrr"),
)
SECTIONS = (
    (
        gettext_lazy("Members"),
        (
            *("members", "members-new", "members-returned", "members-lost", "members-net"),
            *("churn-members", "churn-money", "trials-started", "trial-conversion"),
            *("arpm", "lifetime-value"),
        ),
    ),
    (
        gettext_lazy("Money"),
        (
            *("paid", "paid-membership", "paid-other", "paid-once", "refunded", "refund-rate"),
            *("disputed", "dispute-rate", "failed", "recovered", "recovery"),
        ),
    ),
)
# What a phone, which has no room for days, calls the three columns.
PLACES = (gettext_lazy("This"), gettext_lazy("Month before"), gettext_lazy("Year before"))
PLACES_OF_DAYS = (
    *(gettext_lazy("These days"), gettext_lazy("Days before")),
    gettext_lazy("Year before"),
)
GOOD, BAD = "good", "bad"


@dataclass(frozen=True)
class Cell:
    """A value with its rows, or why there's none."""

    text: str
    url: str = ""
    why: str = ""
    caption: str = ""


@dataclass(frozen=True)
class Figure:
    """A number of a month, of the month before, and of the year before."""

    key: str
    label: str
    definition: str
    cells: tuple[Cell, ...]
    difference: str = ""
    change: str = ""
    tone: str = ""

    @property
    def now(self) -> Cell:
        """Return the month's own."""
        return self.cells[0]


@dataclass(frozen=True)
class Section:
    """Figures that belong together."""

    title: str
    figures: list[Figure]


@dataclass(frozen=True)
class Bar:
    """A bar in percent of the chart's height, from its foot."""

    label: str
    value: str
    url: str
    foot: float
    height: float
    tone: str = ""
    is_current: bool = False
    definition: str = ""
    key: str = ""

    @property
    def top(self) -> float:
        """Return where it begins, from above."""
        return round(100 - self.foot - self.height, 2)


@dataclass(frozen=True)
class Bars:
    """A chart, and what it says in words."""

    title: str
    text: str
    bars: list[Bar]
    note: str = ""


@dataclass(frozen=True)
class Kept:
    """A cell of the cohort table: who was left."""

    text: str
    url: str
    title: str
    share: int


@dataclass(frozen=True)
class Joined:
    """A row of the cohort table."""

    month: str
    size: str
    url: str
    kept: list[Kept]
    rest: int


@dataclass(frozen=True)
class Choice:
    """Something to choose, as an address."""

    label: str
    value: str
    is_chosen: bool


@dataclass(frozen=True)
class Figures:
    """The business on home. `is_empty`: nobody has ever joined or paid."""

    is_empty: bool
    captions: tuple[str, ...]
    currency: str
    currencies: list[Choice]
    months: list[Choice]
    days: Window
    today: date
    is_month: bool
    spans: list[Choice]
    tiles: list[Figure]
    waterfall: Bars
    charts: list[Bars]
    sections: list[Section]
    cohorts: list[Joined]
    ages: list[int]
    note: str


def figures(numbers: Numbers) -> Figures:
    """Say what the numbers come to."""
    cohorts = [_joined(numbers, one) for one in numbers.cohorts]
    longest = max((len(one.kept) for one in numbers.cohorts), default=0)
    return Figures(
        is_empty=numbers.is_empty,
        captions=tuple(map(caption, numbers.windows)),
        currency=numbers.currency,
        currencies=[
            Choice(code.upper(), code, code == numbers.currency) for code in numbers.currencies
        ],
        months=list(_months(numbers)),
        days=numbers.windows[0],
        today=numbers.today,
        is_month=numbers.is_month,
        spans=list(_spans(numbers)),
        tiles=[_figure(numbers, MEASURES[key]) for key in TILES],
        waterfall=_waterfall(numbers),
        charts=list(_charts(numbers)),
        sections=[
            Section(str(title), [_figure(numbers, MEASURES[key]) for key in keys])
            for title, keys in SECTIONS
        ],
        cohorts=[Joined(o.month, o.size, o.url, o.kept, longest - len(o.kept)) for o in cohorts],
        ages=list(range(longest)),
        note=_note(numbers),
    )


def caption(window: Window) -> str:
    """Return a window's days: "Nov 2026", or "Nov 1 – 29, 2026"."""
    if window.first.day == 1 and window.last == last_of(window.first):
        return days.short_month_with_year(window.first)
    if window.first == window.last:
        return days.short_with_year(window.first)
    return days.span(window.first, window.last)


def _before(numbers: Numbers) -> str:
    """Return what a tile compares with: "Oct 1 – 29", or "Oct 2026"."""
    window = numbers.windows[1]
    if numbers.is_running and window.first != window.last:
        return days.span(window.first, window.last, with_year=False)
    return caption(window)


def _months(numbers: Numbers) -> Iterator[Choice]:
    this, window = month_of(numbers.today), numbers.windows[0]
    first = numbers.first_month or this
    if not numbers.is_month:
        yield Choice(caption(window), "", True)
    for back in range(MONTHS_OFFERED):
        month = later(this, -back)
        if month < first and not (numbers.is_month and month == window.first):
            break
        is_chosen = numbers.is_month and month == window.first
        label = days.month(month)
        if not back:
            label = _("%(month)s so far") % {"month": label}
        yield Choice(label, f"{month:%Y-%m}", is_chosen)


def _spans(numbers: Numbers) -> Iterator[Choice]:
    """Yield longer spans of days than a month that people ask for, as addresses."""
    today = numbers.today
    year = today.replace(month=1, day=1)
    quarter = later(month_of(today), -((today.month - 1) % 3))
    last_year = later(year, -MONTHS)
    for label, window in (
        (_("This quarter"), Window(quarter, today)),
        (_("Last quarter"), Window(later(quarter, -3), quarter - timedelta(days=1))),
        (_("This year"), Window(year, today)),
        (_("Last year"), Window(last_year, year - timedelta(days=1))),
        (_("Last twelve months"), Window(later(month_of(today), 1 - MONTHS), today)),
    ):
        query = urlencode(
            {"currency": numbers.currency, "from": f"{window.first}", "to": f"{window.last}"}
        )
        yield Choice(label, f"?{query}", window == numbers.windows[0])


def _note(numbers: Numbers) -> str:
    if numbers.current_at is None:
        return _("Nothing is counted yet: the worker does so within a minute of its start.")
    age = show.age(numbers.current_at)
    return _("Counted %(age)s, by the business’s days.") % {"age": age}


def _figure(numbers: Numbers, measure: Measure) -> Figure:
    values = numbers.values[measure.key]
    cells = tuple(
        _cell(numbers, measure, value, window, place)
        for place, (value, window) in enumerate(zip(values, numbers.windows, strict=True))
    )
    difference, tone = _change(measure, values[0], values[1])
    facts = {"difference": difference, "days": _before(numbers)}
    change = _("%(difference)s from %(days)s") % facts if difference else ""
    label, definition = str(measure.label), str(measure.definition)
    return Figure(measure.key, label, definition, cells, difference, change, tone)


def _cell(numbers: Numbers, measure: Measure, value: Amount, window: Window, place: int) -> Cell:
    name = str((PLACES if numbers.is_month else PLACES_OF_DAYS)[place])
    if numbers.first_month is None or window.last < numbers.first_month:
        return Cell(NONE, why=_("before the first payment"), caption=name)
    if value is UNKNOWN or not value.is_known:
        return Cell(NONE, why=str(measure.none_because), caption=name)
    url = numbers_pages.url_of(measure.key, numbers.currency, window)
    return Cell(_text(numbers, measure, value.amount), url, caption=name)


def _text(numbers: Numbers, measure: Measure, amount: int) -> str:
    return numbers_pages.text_of(measure, amount, numbers.currency)


def _change(measure: Measure, now: Amount, before: Amount) -> tuple[str, str]:
    """Return by how much a value changed, and whether that's good."""
    if not now.is_known or not before.is_known:
        return "", ""
    difference = now.amount - before.amount
    tone = ""
    if difference and measure.more_is_better is not None:
        tone = GOOD if (difference > 0) == measure.more_is_better else BAD
    sign = "+" if difference > 0 else MINUS if difference < 0 else "±"
    if measure.unit is Unit.SHARE:
        points = f"{sign}{abs(difference) / 10:.1f}"
        return _("%(number)s points") % {"number": points}, tone
    if before.amount <= 0:
        # A percentage of nothing says nothing.
        return "", ""
    return f"{sign}{abs(difference) / before.amount:.1%}", tone


def _waterfall(numbers: Numbers) -> Bars:
    """Return how MRR came from its start to its end."""
    amounts = {key: numbers.values[key][0].amount for key in WATERFALL}
    level, steps = amounts["mrr-start"], []
    for key in WATERFALL[1:-1]:
        steps.append((key, level, level + amounts[key]))
        level += amounts[key]
    levels = [amounts["mrr-start"], amounts["mrr"], *(end for _, _, end in steps)]
    spread = max(levels) - min(levels)
    # Small changes of a large MRR would be lines; cut off what all bars share.
    floor = min(levels) - 2 * spread if spread and min(levels) > 4 * spread else 0
    scale = 100 / (max(levels) - floor) if max(levels) > floor else 0
    bars = []
    for key, begin, end in [
        ("mrr-start", floor, amounts["mrr-start"]),
        *steps,
        ("mrr", floor, amounts["mrr"]),
    ]:
        measure = MEASURES[key]
        is_level = measure.is_level
        bars.append(
            Bar(
                _bar_name(key),
                _signed(numbers, amounts[key], is_level=is_level),
                numbers_pages.url_of(key, numbers.currency, numbers.windows[0]),
                round((min(begin, end) - floor) * scale, 2),
                round(abs(end - begin) * scale, 2),
                "" if is_level else GOOD if end >= begin else BAD,
                definition=str(measure.definition),
                key=key,
            )
        )
    text = ", ".join(f"{bar.label} {bar.value}" for bar in bars)
    note = _("The bars don’t start at zero.") if floor else ""
    return Bars(_("What changed MRR"), text, bars, note)


def _bar_name(key: str) -> str:
    ends = {"mrr-start": _("Start"), "mrr": _("End")}
    return ends.get(key) or str(MEASURES[key].label)


def _signed(numbers: Numbers, amount: int, *, is_level: bool) -> str:
    text = str(Money(amount, numbers.currency))
    return f"+{text}" if amount > 0 and not is_level else text


def _charts(numbers: Numbers) -> Iterator[Bars]:
    for title, key in (
        (_("MRR"), "mrr"),
        (_("Active members"), "members"),
        (_("Received"), "paid"),
    ):
        yield _chart(numbers, title, key)


def _chart(numbers: Numbers, title: str, key: str) -> Bars:
    measure = MEASURES[key]
    column = {"mrr": "mrr", "members": "members", "paid": "received"}[key]
    amounts = [getattr(month, column) for month in numbers.months]
    highest = max([*amounts, 0])
    bars = [
        Bar(
            days.short_month(month.window.first),
            _text(numbers, measure, amount),
            numbers_pages.url_of(key, numbers.currency, month.window),
            0,
            round(100 * amount / highest, 2) if highest and amount > 0 else 0,
            is_current=month.window.last == numbers.windows[0].last,
        )
        for month, amount in zip(numbers.months, amounts, strict=True)
    ]
    spoken = ", ".join(
        f"{days.short_month_with_year(month.window.first)} {bar.value}"
        for month, bar in zip(numbers.months, bars, strict=True)
    )
    return Bars(
        _("%(number)s, twelve months") % {"number": title},
        _("%(number)s by month: %(values)s.") % {"number": title, "values": spoken},
        bars,
    )


def _joined(numbers: Numbers, cohort: Cohort) -> Joined:
    window = Window(cohort.joined, last_of(cohort.joined))
    return Joined(
        days.short_month_with_year(cohort.joined),
        show.number(cohort.size),
        numbers_pages.url_of("members-new", numbers.currency, window),
        list(_kept(numbers, cohort)),
        0,
    )


def _kept(numbers: Numbers, cohort: Cohort) -> Iterator[Kept]:
    name = days.short_month_with_year(cohort.joined)
    for after, left in enumerate(cohort.kept):
        month = later(cohort.joined, after)
        end = min(last_of(month), numbers.today)
        url = numbers_pages.url_of("members", numbers.currency, Window(month, end), cohort.joined)
        share = round(100 * left / cohort.size)
        facts = {
            "left": show.number(left),
            "count": show.number(cohort.size),
            "month": name,
            "end": days.short_month_with_year(month),
        }
        title = _("%(left)s of %(count)s who joined in %(month)s, at the end of %(end)s")
        yield Kept(f"{share}%", url, title % facts, share)


def in_lines(numbers: Numbers, keys: Sequence[str]) -> list[Figure]:
    """Return some figures, as for an email."""
    return [_figure(numbers, MEASURES[key]) for key in keys if key != YEAR_LOST]
