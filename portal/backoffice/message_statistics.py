"""What became of a month's messages, without samples: by kind, by day, and what texts cost."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any

from django.db.models import Count, Max, Min, Q, QuerySet, Sum
from django.db.models.functions import TruncDate
from django.utils import timezone

from common.staff import show
from emails import came_back, samples
from emails.left_out import Why, condition
from emails.message_filters import WITHOUT_SAMPLES
from emails.models import Channel, Message, MessageState, WaitsFor
from emails.names import name_of

LIST = "emails.message"
STATES: Mapping[str, tuple[MessageState, ...]] = {
    "sent": (MessageState.SENT,),
    "delivered": (MessageState.DELIVERED,),
    "bounced": (MessageState.FAILED,),
    "failed": (MessageState.FAILED,),
    "off": (MessageState.SKIPPED,),
    "held": (MessageState.SKIPPED,),
    "skipped": (MessageState.SKIPPED,),
    "waiting": (MessageState.QUEUED, MessageState.SENDING),
}
TITLES: Mapping[str, str] = {
    "sent": "Sent",
    "delivered": "Delivered",
    "bounced": "Bounced",
    "failed": "Failed",
    "off": "Turned off",
    "held": "Held back",
    "skipped": "Not needed",
    "waiting": "Waiting",
}
# What the list's filters of these names keep.
HOW = {"bounced": came_back.BOUNCED, "failed": came_back.NOT_SENT}
WHY = {"off": Why.OFF, "held": Why.HELD, "skipped": Why.OTHER}

WAITS: Mapping[WaitsFor, str] = {
    WaitsFor.MORNING: "for the end of the quiet hours",
    WaitsFor.TURN: "because only so many go out a minute",
    WaitsFor.PROVIDER: "because the provider asked us to wait",
    WaitsFor.MORE: "for what may follow right away",
}


@dataclass(frozen=True)
class Month:
    """A month by the reader's clock."""

    first: date

    @property
    def last(self) -> date:
        """Its last day."""
        return self.after.first - timedelta(days=1)

    @property
    def after(self) -> Month:
        """The next month."""
        return Month((self.first + timedelta(days=32)).replace(day=1))

    @property
    def before(self) -> Month:
        """The month before."""
        return Month((self.first - timedelta(days=1)).replace(day=1))

    @property
    def key(self) -> str:
        """How addresses name it."""
        return f"{self.first:%Y-%m}"

    @property
    def title(self) -> str:
        """Its name."""
        return f"{self.first:%B %Y}"


@dataclass(frozen=True)
class Facts:
    """What was counted: (kind, channel), day, and state each with a number of messages."""

    month: Month
    by_kind: Mapping[tuple[str, str], Counter[str]]
    by_day: Mapping[date, Counter[str]]
    oldest: datetime | None
    # What waits for which moment: how many, and until when.
    held: Mapping[WaitsFor, tuple[int, datetime]]
    costs: list[tuple[str, Decimal, int, int]]
    unpriced: int


@dataclass(frozen=True)
class Cell:
    """A number that leads to its rows; no address if there are none."""

    title: str
    number: int
    url: str


@dataclass(frozen=True)
class Line:
    """A kind by one channel, or a day."""

    title: str
    channel: str
    cells: list[Cell] = field(default_factory=list)


@dataclass(frozen=True)
class Statistics:
    """The page in words."""

    month: Month
    may_go_on: bool
    total: Line
    kinds: list[Line]
    days: list[Line]
    oldest: str
    cost: str
    cost_url: str


def month_of(text: str) -> Month:
    """Return the month of an address; the current one if it names none."""
    today = timezone.localdate()
    try:
        first = date.fromisoformat(f"{text}-01")
    except ValueError:
        first = today
    return Month(min(first, today).replace(day=1))


def read(month: Month) -> Facts:
    """Count a month's messages."""
    rows = _rows(month)
    by_kind: dict[tuple[str, str], Counter[str]] = {}
    for row, counts in _counted(rows, "kind", "channel"):
        by_kind.setdefault((row["kind"], row["channel"]), Counter()).update(counts)
    by_day: dict[date, Counter[str]] = {}
    for row, counts in _counted(rows.annotate(day=TruncDate("created_at")), "day"):
        by_day.setdefault(row["day"], Counter()).update(counts)
    oldest, held = _waiting()
    texts = rows.filter(channel=Channel.SMS).exclude(sent_at=None)
    costs = texts.exclude(price=None).order_by("price_currency").values("price_currency")
    return Facts(
        month=month,
        by_kind=by_kind,
        by_day=by_day,
        oldest=oldest,
        held=held,
        costs=[
            (one["price_currency"], one["cost"], one["texts"], one["segments"] or 0)
            for one in costs.annotate(
                cost=Sum("price"), texts=Count("pk"), segments=Sum("segments")
            )
        ],
        unpriced=texts.filter(price=None).count(),
    )


def words(facts: Facts) -> Statistics:
    """Return the page in words, with links to the rows that each number counts."""
    month = facts.month
    span = _span(month.first, month.last)
    everything = sum(facts.by_kind.values(), Counter[str]())
    return Statistics(
        month=month,
        may_go_on=month.after.first <= timezone.localdate(),
        total=_line("All", "", everything, span),
        kinds=[
            _line(name_of(kind), Channel(channel).label, counts, span | _of(kind, channel))
            for (kind, channel), counts in sorted(facts.by_kind.items())
        ],
        days=[
            _line(show.day(_noon(day)), "", counts, _span(day, day))
            for day, counts in sorted(facts.by_day.items(), reverse=True)
        ],
        oldest=" ".join([_oldest(facts.oldest), *_waits(facts.held)]),
        cost=_cost(facts),
        cost_url=show.list_of(LIST, channel__exact=Channel.SMS, **span),
    )


def _rows(month: Month) -> QuerySet[Message]:
    zone = timezone.get_current_timezone()
    start = datetime(month.first.year, month.first.month, 1, tzinfo=zone)
    after = month.after.first
    end = datetime(after.year, after.month, 1, tzinfo=zone)
    written = Message.objects.filter(created_at__gte=start, created_at__lt=end)
    return written.exclude(samples.condition()).order_by()


def _counted(rows: QuerySet[Any], *names: str) -> Iterable[tuple[dict[str, Any], Counter[str]]]:
    """Count rows by these columns; what was left out, also by why, and what failed by how."""
    parts = {name: Count("pk", filter=condition(why)) for name, why in WHY.items()}
    parts["bounced"] = Count("pk", filter=came_back.CONDITION)
    counted = rows.values(*names, "state").annotate(rows=Count("pk"), **parts)
    of_state = {state: name for name, states in STATES.items() for state in states}
    for row in counted:
        if row["state"] == MessageState.SKIPPED:
            yield row, Counter({name: row[name] for name in WHY})
        elif row["state"] == MessageState.FAILED:
            failed = row["rows"] - row["bounced"]
            yield row, Counter({"bounced": row["bounced"], "failed": failed})
        else:
            yield row, Counter({of_state[row["state"]]: row["rows"]})


def _line(title: str, channel: str, counts: Mapping[str, int], rows: Mapping[str, str]) -> Line:
    return Line(
        title,
        channel,
        [
            Cell(
                TITLES[name],
                counts.get(name, 0),
                show.list_of(LIST, **rows, **_of_state(name)) if counts.get(name) else "",
            )
            for name in STATES
        ],
    )


def _of_state(name: str) -> dict[str, str]:
    """Return the list's filters for a column."""
    if name in WHY:
        return {"why": WHY[name]}
    if name in HOW:
        return {"state__exact": MessageState.FAILED, "failed": HOW[name]}
    states = STATES[name]
    lookup = "state__exact" if len(states) == 1 else "state__in"
    return {lookup: ",".join(states)}


def _of(kind: str, channel: str) -> dict[str, str]:
    return {"kind": kind, "channel__exact": channel}


def _span(first: date, last: date) -> dict[str, str]:
    """Return the list's filter for days."""
    return {
        "created_at_from": first.isoformat(),
        "created_at_to": last.isoformat(),
        "samples": WITHOUT_SAMPLES,
    }


def _noon(day: date) -> datetime:
    return datetime(day.year, day.month, day.day, 12, tzinfo=timezone.get_current_timezone())


def _oldest(at: datetime | None) -> str:
    if at is None:
        return "No message is waiting."
    return f"The oldest message that’s waiting was written {show.age(at)}."


def _waiting() -> tuple[datetime | None, dict[WaitsFor, tuple[int, datetime]]]:
    """Return since when the oldest waits, and how many wait for what, until when at most."""
    parts: dict[str, Any] = {"oldest": Min("created_at")}
    for what in WaitsFor:
        rows = Q(state=MessageState.QUEUED, waits_until__gt=timezone.now(), waits_for=what)
        parts |= {f"{what}_rows": Count("pk", filter=rows)}
        parts |= {f"{what}_last": Max("waits_until", filter=rows)}
    found = Message.objects.filter(state__in=STATES["waiting"]).aggregate(**parts)
    counted = {what: (found[f"{what}_rows"], found[f"{what}_last"]) for what in WaitsFor}
    return found["oldest"], {what: one for what, one in counted.items() if one[0]}


def _waits(held: Mapping[WaitsFor, tuple[int, datetime]]) -> Iterable[str]:
    for what, (number, last) in held.items():
        verb = "waits" if number == 1 else "wait"
        until = show.moment(last)
        yield f"{show.count(number, 'message')} {verb} {WAITS[what]}, until {until} at most."


def _cost(facts: Facts) -> str:
    """Return what the month’s texts cost, as far as Twilio has said it."""
    said = [
        f"{cost.quantize(Decimal('0.01'))} {currency} for {show.count(texts, 'text')}"
        f" ({show.count(segments, 'segment')})"
        for currency, cost, texts, segments in facts.costs
    ]
    if facts.unpriced:
        said.append(f"Twilio hasn’t told the price of {show.count(facts.unpriced, 'text')}")
    return ". ".join(said) + "." if said else "No text was sent."
