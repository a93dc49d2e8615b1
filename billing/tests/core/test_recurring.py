"""MRR follows what was billed; a member's spans add up, whatever happened."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from billing.core import recurring
from billing.core.recurring import Bill, Line, Sold, Trial

MONTHLY, YEARLY = 2900, 29000
DAY = recurring.DAY
PLAN, LOCKER = "prod_plan", "prod_locker"
NEW_YORK = ZoneInfo("America/New_York")


def at(text: str) -> int:
    """Return a time in seconds: "2026-03-01", or with an hour."""
    return int(datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp())


def in_utc(seconds: int) -> date:
    return datetime.fromtimestamp(seconds, UTC).date()


def in_new_york(seconds: int) -> date:
    return datetime.fromtimestamp(seconds, UTC).astimezone(NEW_YORK).date()


def line(amount: int, begin: str, end: str, product: str = PLAN) -> Line:
    return Line(product, amount, at(begin), at(end))


def bill(
    *lines: Line,
    status: str = "paid",
    made: str = "",
    lasting: int | None = None,
    **fields: int | str,
) -> Bill:
    created = at(made) if made else max(one.begin for one in lines)
    values: dict[str, int | str] = {"given_up_reason": "", "discount": 0, "tax_included": 0}
    values |= fields
    return Bill(
        created,
        created,
        status,
        str(values["given_up_reason"]),
        int(values["discount"]),
        int(values["tax_included"]),
        lasting,
        lines,
    )


def item(amount: int, product: str = PLAN, interval: str = "month") -> dict[str, object]:
    return {
        "product_id": product,
        "unit_amount": amount,
        "quantity": 1,
        "interval": interval,
        "interval_count": 1,
    }


def sold(*bills: Bill, **fields: object) -> Sold:
    first = min((one.begin for bill in bills for one in bill.lines), default=at("2026-01-01"))
    values: dict[str, object] = {
        "currency": "usd",
        "status": "active",
        "is_membership": True,
        "is_paused": False,
        "started_at": first,
        "ended_at": None,
        "trial_end": None,
        "interval": "month",
        "interval_count": 1,
        "amount": MONTHLY,
        "items": (item(MONTHLY),),
    }
    return Sold(**values | fields, bills=bills)  # type: ignore[arg-type]


def mrr(one: Sold) -> dict[str, int]:
    """Return the steps in words."""
    steps: dict[str, int] = {}
    for moment, rate in recurring.rates(one):
        steps[f"{in_utc(moment)}"] = recurring.rounded(rate)
    return steps


MONTHS = ("2026-01-31", "2026-02-28", "2026-03-31", "2026-04-30")


def months_of(amount: int = MONTHLY) -> list[Bill]:
    """Three months of the plan, from the last day of January."""
    return [bill(line(amount, MONTHS[n], MONTHS[n + 1])) for n in range(3)]


def test_each_calendar_month_counts_the_same() -> None:
    assert set(mrr(sold(*months_of())).values()) == {MONTHLY}


@pytest.mark.parametrize(
    ("interval", "count", "amount", "end", "expected"),
    [
        ("year", 1, 29000, "2025-01-01", 2417),  # leap year: 366 days
        ("year", 1, 29000, "2024-12-31", 2417),
        ("month", 3, 8100, "2024-04-01", 2700),
        ("week", 1, 700, "2024-01-08", 3042),  # 700 × 365/12/7
        ("week", 4, 2800, "2024-01-29", 3042),
        ("day", 1, 100, "2024-01-02", 3042),
        ("day", 30, 3000, "2024-01-31", 3042),
    ],
)
def test_a_price_counts_as_a_months_amount(
    interval: str, count: int, amount: int, end: str, expected: int
) -> None:
    one = sold(
        bill(line(amount, "2024-01-01", end)),
        interval=interval,
        interval_count=count,
        amount=amount,
        items=(item(amount, interval=interval) | {"interval_count": count},),
    )
    assert mrr(one) == {"2024-01-01": expected}


def test_it_ends_with_the_subscription_and_never_began_without_a_payment() -> None:
    ended = sold(*months_of(), status="canceled", ended_at=at("2026-03-10"))
    assert mrr(ended)["2026-03-10"] == 0
    assert "2026-03-31" not in mrr(ended)
    assert mrr(sold(*months_of(), status="incomplete_expired")) == {}


def test_a_failed_payment_takes_nothing_off_until_the_end() -> None:
    first, second, third = months_of()
    late = sold(first, replace(second, status="uncollectible"), replace(third, status="open"))
    assert set(mrr(late).values()) == {MONTHLY}


def test_a_pause_and_a_void_invoice_count_nothing() -> None:
    first, second, third = months_of()
    for paused in (
        replace(second, status="void"),
        replace(second, status="uncollectible", given_up_reason="subscription_paused"),
        replace(second, status="draft"),
    ):
        assert list(mrr(sold(first, paused, third)).values()) == [MONTHLY, 0, MONTHLY]


def test_a_new_draft_tells_nothing_unless_the_subscription_is_paused_or_unpaid() -> None:
    first, second, _ = months_of()
    draft = replace(second, status="draft")
    assert list(mrr(sold(first, draft)).values()) == [MONTHLY]
    assert list(mrr(sold(first, draft, is_paused=True)).values()) == [MONTHLY, 0]
    assert list(mrr(sold(first, draft, status="unpaid")).values()) == [MONTHLY, 0]


def test_only_a_discount_without_an_end_counts() -> None:
    halves = [replace(one, discount=MONTHLY // 2) for one in months_of()]
    assert set(mrr(sold(*halves)).values()) == {MONTHLY}
    repeating = {"duration": "repeating", "percent_off": 50.0, "amount_off": None}
    assert set(mrr(sold(*halves, discounts=(repeating,))).values()) == {MONTHLY}
    forever = repeating | {"duration": "forever"}
    assert set(mrr(sold(*halves, discounts=(forever,))).values()) == {MONTHLY // 2}
    less = {"duration": "forever", "percent_off": None, "amount_off": 900}
    off = [replace(one, discount=900) for one in months_of()]
    assert set(mrr(sold(*off, discounts=(less,))).values()) == {2000}


def test_a_discount_that_was_taken_back_leaves_the_past_as_it_was() -> None:
    first, second, third = months_of()
    halved = replace(first, discount=MONTHLY // 2, lasting=MONTHLY // 2)
    # The subscription has no discount any longer.
    assert list(mrr(sold(halved, second, third)).values()) == [MONTHLY // 2, MONTHLY, MONTHLY]
    both = replace(first, discount=2000, lasting=500)
    assert list(mrr(sold(both)).values()) == [MONTHLY - 500]
    ending = replace(first, discount=2000, lasting=0)
    forever = {"duration": "forever", "percent_off": 50.0, "amount_off": None}
    # One without an end that came later says nothing about the invoice before it.
    assert list(mrr(sold(ending, discounts=(forever,))).values()) == [MONTHLY]


def test_tax_in_the_price_is_not_counted() -> None:
    taxed = [replace(one, tax_included=463) for one in months_of()]
    assert set(mrr(sold(*taxed)).values()) == {MONTHLY - 463}


def test_a_switch_to_yearly_and_back_counts_from_its_day() -> None:
    first = bill(line(MONTHLY, "2026-01-01", "2026-02-01"))
    up = bill(
        line(-1450, "2026-01-16", "2026-02-01"),
        line(YEARLY, "2026-01-16", "2027-01-16"),
    )
    yearly = {"interval": "year", "items": (item(YEARLY, interval="year"),), "amount": YEARLY}
    assert mrr(sold(first, up, **yearly)) == {"2026-01-01": 2900, "2026-01-16": 2417}
    down = bill(line(-21000, "2026-05-01", "2027-01-16"), line(MONTHLY, "2026-05-01", "2026-06-01"))
    assert mrr(sold(first, up, down)) == {
        "2026-01-01": 2900,
        "2026-01-16": 2417,
        "2026-05-01": 2900,
    }


def test_a_change_within_a_period_takes_the_next_full_amount() -> None:
    first = bill(line(MONTHLY, "2026-01-01", "2026-02-01"))
    change = [line(-1497, "2026-01-16", "2026-02-01"), line(2994, "2026-01-16", "2026-02-01")]
    now = {"items": (item(2 * MONTHLY),), "amount": 2 * MONTHLY}
    right_away = sold(first, bill(*change), **now)
    assert mrr(right_away) == {"2026-01-01": 2900, "2026-01-16": 5800}
    renewal = bill(*change, line(2 * MONTHLY, "2026-02-01", "2026-03-01"), made="2026-02-01")
    later = sold(first, renewal, **now)
    assert mrr(later) == {"2026-01-01": 2900, "2026-01-16": 5800, "2026-02-01": 5800}


def test_something_else_comes_and_goes_with_the_renewal() -> None:
    locker = line(900, "2026-02-01", "2026-03-01", LOCKER)
    one = sold(
        bill(line(MONTHLY, "2026-01-01", "2026-02-01")),
        bill(line(MONTHLY, "2026-02-01", "2026-03-01"), locker),
        bill(line(MONTHLY, "2026-03-01", "2026-04-01")),
    )
    assert mrr(one) == {"2026-01-01": 2900, "2026-02-01": 3800, "2026-03-01": 2900}


def test_a_trial_counts_nothing_and_converts_when_its_first_invoice_is_paid() -> None:
    free = bill(line(0, "2026-01-01", "2026-01-15"))
    paid = bill(line(MONTHLY, "2026-01-15", "2026-02-15"))
    trialing = sold(free, trial_end=at("2026-01-15"), status="trialing")
    assert mrr(trialing) == {"2026-01-01": 0}
    assert recurring.spans([trialing], in_utc) == []
    assert recurring.trial(trialing, in_utc) == Trial("usd", date(2026, 1, 1), None, False)
    kept = sold(free, paid, trial_end=at("2026-01-15"))
    assert recurring.trial(kept, in_utc) == Trial("usd", date(2026, 1, 1), date(2026, 1, 15), True)
    [span] = recurring.spans([kept], in_utc)
    assert (span.day, span.mrr, span.is_member, span.movement, span.membership) == (
        date(2026, 1, 15), 2900, True, "new", "new",
    )  # fmt: skip
    left = sold(free, trial_end=at("2026-01-15"), status="canceled", ended_at=at("2026-01-10"))
    assert recurring.trial(left, in_utc) == Trial("usd", date(2026, 1, 1), date(2026, 1, 10), False)
    assert recurring.spans([left], in_utc) == []
    open_ = sold(free, replace(paid, status="open"), trial_end=at("2026-01-15"), status="past_due")
    found = recurring.trial(open_, in_utc)
    assert found is not None
    assert not found.converted


def test_free_time_after_a_trial_leaves_the_trial_as_it_was() -> None:
    trial = bill(line(0, "2026-01-01", "2026-01-15"))
    paid = bill(line(MONTHLY, "2026-01-15", "2026-02-15"))
    given = bill(line(0, "2026-02-01", "2026-03-01"))
    again = bill(line(MONTHLY, "2026-03-01", "2026-04-01"))
    converted = Trial("usd", date(2026, 1, 1), date(2026, 1, 15), True)
    during = sold(trial, paid, given, trial_end=at("2026-03-01"), status="trialing")
    assert recurring.trial(during, in_utc) == converted
    assert during.membership_began_at == at("2026-01-15")
    assert mrr(during) == {"2026-01-01": 0, "2026-01-15": 2900, "2026-02-01": 0}
    after = sold(trial, paid, given, again, trial_end=at("2026-03-01"))
    assert recurring.trial(after, in_utc) == converted
    assert [span.movement for span in recurring.spans([after], in_utc)] == [
        "new",
        "contraction",
        "expansion",
    ]


def test_free_time_that_a_member_gets_is_no_trial() -> None:
    paid = bill(line(MONTHLY, "2026-01-01", "2026-02-01"))
    free = bill(line(0, "2026-02-01", "2026-03-01"))
    one = sold(paid, free, trial_end=at("2026-03-01"), status="trialing")
    assert recurring.trial(one, in_utc) is None
    assert [
        (span.mrr, span.is_member, span.movement) for span in recurring.spans([one], in_utc)
    ] == [
        (2900, True, "new"),
        (0, True, "contraction"),
    ]


def test_who_pays_nothing_for_a_while_has_not_left() -> None:
    """What free time, a pause, or 100% off takes off comes back whole; nobody churns."""
    before, during, after = months_of()
    free = bill(line(0, "2026-02-28", "2026-03-31"))
    voided = replace(during, status="void")
    given = replace(during, discount=MONTHLY, lasting=MONTHLY)
    for gap in (free, voided, given):
        found = recurring.spans([sold(before, gap, after)], in_utc)
        assert [(span.movement, span.mrr - span.mrr_before) for span in found] == [
            ("new", MONTHLY),
            ("contraction", -MONTHLY),
            ("expansion", MONTHLY),
        ]
        assert [span.membership for span in found] == ["new", "", ""]
        assert len({span.joined for span in found}) == 1
    once = replace(during, discount=MONTHLY, lasting=0)
    found = recurring.spans([sold(before, once, after)], in_utc)
    assert [span.movement for span in found] == ["new"]


def test_leaving_and_coming_back_have_names() -> None:
    first = sold(*months_of(), status="canceled", ended_at=at("2026-04-30"))
    again = sold(bill(line(MONTHLY, "2026-06-01", "2026-07-01")))
    found = recurring.spans([first, again], in_utc)
    assert [(span.day.isoformat(), span.movement, span.membership) for span in found] == [
        ("2026-01-31", "new", "new"),
        ("2026-04-30", "churn", "lost"),
        ("2026-06-01", "reactivation", "returned"),
    ]
    assert {span.joined for span in found} == {date(2026, 1, 1)}
    same_day = sold(bill(line(MONTHLY, "2026-04-30", "2026-05-30")))
    assert len(recurring.spans([first, same_day], in_utc)) == 1


def test_a_day_is_the_businesss_also_when_clocks_change() -> None:
    # 11:30 p.m. in New York is the next day in UTC; in March the night is an hour shorter.
    evening = sold(bill(line(MONTHLY, "2026-03-09T03:30", "2026-04-09T03:30")))
    assert recurring.spans([evening], in_new_york)[0].day == date(2026, 3, 8)
    before = sold(bill(line(MONTHLY, "2026-03-08T04:30", "2026-04-08T04:30")))
    assert recurring.spans([before], in_new_york)[0].day == date(2026, 3, 7)


def test_a_change_in_a_short_month_is_a_share_of_that_month() -> None:
    february = bill(line(1660, "2024-02-01", "2024-03-01"))
    less = bill(
        line(-1603, "2024-02-02", "2024-03-01"),
        line(401, "2024-02-02", "2024-03-01"),
        made="2024-02-02",
    )
    steps = recurring.rates(sold(february, less, started_at=at("2024-02-01"), amount=415))
    assert [recurring.rounded(rate) for _, rate in steps] == [1660, pytest.approx(415, abs=1)]


# From here on, histories are random.


def month_after(day: date, months: int) -> date:
    """Return the same day some months later, or the month's last."""
    year, index = divmod(day.year * 12 + day.month - 1 + months, 12)
    first = date(year, index + 1, 1)
    last = (date(year + (index == 11), (index + 1) % 12 + 1, 1) - timedelta(days=1)).day
    return first.replace(day=min(day.day, last))


def moment(day: date) -> int:
    return int(datetime(day.year, day.month, day.day, 17, tzinfo=UTC).timestamp())


@st.composite
def histories(draw: st.DrawFn) -> tuple[Sold, list[tuple[date, int]]]:
    """Draw what Stripe would hold of a subscription, and its true MRR by day of each change."""
    start = draw(st.dates(date(2023, 12, 1), date(2024, 3, 31)))
    months = draw(st.sampled_from([1, 3, 12]))
    price = draw(st.integers(100, 50_000))
    quantity = draw(st.integers(1, 4))
    bills: list[Bill] = []
    truth: list[tuple[date, int]] = []

    def monthly(count: int) -> int:
        return (2 * price * count + months) // (2 * months)

    for number in range(draw(st.integers(1, 5))):
        begin, end = month_after(start, number * months), month_after(start, (number + 1) * months)
        status = draw(st.sampled_from(["paid", "paid", "open", "void"]))
        whole = Line(PLAN, price * quantity, moment(begin), moment(end))
        bills.append(Bill(len(bills), moment(begin), status, "", 0, 0, None, (whole,)))
        counts = status != "void"
        truth.append((begin, monthly(quantity) if counts else 0))
        more = draw(st.integers(1, 4))
        if counts and more != quantity and draw(st.booleans()):
            day = begin + timedelta(days=draw(st.integers(1, (end - begin).days - 1)))
            left = moment(end) - moment(day)
            share = left / (moment(end) - moment(begin))
            old = Line(PLAN, -round(price * quantity * share), moment(day), moment(end))
            new = Line(PLAN, round(price * more * share), moment(day), moment(end))
            bills.append(Bill(len(bills), moment(day), "paid", "", 0, 0, None, (old, new)))
            quantity = more
            truth.append((day, monthly(quantity)))
    items = (item(price) | {"quantity": quantity, "interval_count": months},)
    one = sold(
        *draw(st.permutations(bills)),
        started_at=moment(start),
        interval_count=months,
        amount=price * quantity,
        items=items,
    )
    if draw(st.booleans()):
        last = truth[-1][0] + timedelta(days=draw(st.integers(1, 40)))
        truth.append((last, 0))
        one = replace(one, status="canceled", ended_at=moment(last))
    return one, truth


def true_on(truth: Sequence[tuple[date, int]], day: date) -> int:
    return next((amount for begin, amount in reversed(truth) if begin <= day), 0)


@given(histories())
def test_mrr_is_the_true_one_whatever_order_invoices_come_in(
    drawn: tuple[Sold, list[tuple[date, int]]],
) -> None:
    one, truth = drawn
    steps = {in_utc(at): recurring.rounded(rate) for at, rate in recurring.rates(one)}
    found = sorted(steps.items())
    for day, _ in truth:
        # A part of a period before an unpaid one is only known to the cent of its share.
        assert true_on(found, day) == pytest.approx(true_on(truth, day), rel=0.12, abs=60)
    full = [(day, amount) for day, amount in truth if moment(day) in starts(one) and amount]
    for day, amount in full:
        assert true_on(found, day) == amount


def starts(one: Sold) -> set[int]:
    """Return when full periods begin."""
    return {bill.lines[0].begin for bill in one.bills if len(bill.lines) == 1}


@given(st.lists(histories(), min_size=1, max_size=3))
def test_spans_follow_each_other_and_their_changes_add_up(
    drawn: list[tuple[Sold, list[tuple[date, int]]]],
) -> None:
    several = [one for one, _ in drawn]
    found = recurring.spans(several, in_new_york)
    assert recurring.covers(found)
    assert all((span.mrr != span.mrr_before) == bool(span.movement) for span in found)
    assert all((span.is_member != span.was_member) == bool(span.membership) for span in found)
    for span in found:
        so_far = [one for one in found if one.day <= span.day]
        assert sum(one.mrr - one.mrr_before for one in so_far) == span.mrr
        each = [recurring._by_day(recurring.rates(one), in_new_york) for one in several]
        assert sum(true_on(steps, span.day) for steps in each) == span.mrr
