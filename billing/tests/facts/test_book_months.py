"""A closed month keeps its hours when the business's clock changes, and its neighbors fit to it."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from django.urls import reverse

from billing.core.statuses import ZELLE
from billing.facts import book_months, books, journal, sales_tax
from billing.models import (
    BalanceReading,
    BalanceTransaction,
    BankMail,
    BankTransfer,
    BookClosing,
    Refund,
)
from billing.reconcile import closing_books
from billing.tests import factories
from billing.tests.facts.test_sales_tax import refunded
from billing.tests.staff_world import manager, signed_in_now
from business import rules

pytestmark = pytest.mark.django_db

AHEAD, BEHIND, HERE = "Pacific/Kiritimati", "Pacific/Honolulu", "America/New_York"
SEPTEMBER, OCTOBER, NOVEMBER = (date(2026, month, 1) for month in (9, 10, 11))
EDGES = (SEPTEMBER, OCTOBER, NOVEMBER)


def put(zone: str) -> None:
    row = rules.LOCALE.newest()
    rules.LOCALE.save({"time_zone": zone}, None, based_on=row.version if row else 0)


def money_by_the_hour() -> None:
    """Let 1.00 move at every half past, a day before and after each edge of a month."""
    first = datetime(2026, 8, 20, 0, 30, tzinfo=UTC)
    moments = [first] + [
        datetime(edge.year, edge.month, 1, 0, 30, tzinfo=UTC) + timedelta(hours=hour)
        for edge in EDGES
        for hour in range(-30, 30)
    ]
    BalanceTransaction.objects.bulk_create(
        BalanceTransaction(
            stripe_id=f"txn_{number}", kind="charge", category="charge", amount=100, fee=0, net=100,
            currency="usd", balance_type="payments", created_at=at, available_at=at, read_at=at,
        )
        for number, at in enumerate(moments)
    )  # fmt: skip
    values = {"read_at": datetime.now(UTC), "totals": {"usd": 100 * len(moments)}}
    BalanceReading.objects.update_or_create(stripe_id="balance", defaults=values)


def sent_by_bank(refund: Refund, on: date) -> None:
    mail = BankMail.objects.create(
        digest=f"{refund.pk:064}", message_id=f"<{refund.pk}@chase.com>",
        sender="no.reply.alerts@chase.com", subject="You sent money",
        state="verified", domain="chase.com", direction="out", amount=refund.amount, sent_on=on,
        name="Zoe Zelle",
    )  # fmt: skip
    BankTransfer.objects.create(
        direction="out", amount=refund.amount, currency="usd", name="Zoe Zelle", on=on, mail=mail,
        refund=refund,
    )  # fmt: skip


def closed(month: date) -> BookClosing:
    return closing_books.close(month, manager())


def add_up() -> None:
    """Each row is in one month: months follow each other, and list and statements agree."""
    left = 0
    seen: list[int] = []
    for summary in reversed(books.months()):
        found = books.statement(summary.month, "usd")
        assert found.opening.amount == summary.opening.amount == left
        assert found.closing.amount == summary.closing.amount
        left = found.closing.amount
        seen += books.of_month(summary.month, "usd").values_list("pk", flat=True)
        [tax] = sales_tax.summaries(summary.month)
        assert tax.sales == found.net
    assert sorted(seen) == sorted(BalanceTransaction.objects.values_list("pk", flat=True))


@pytest.mark.parametrize(
    "zones",
    [(AHEAD, BEHIND, AHEAD), (BEHIND, AHEAD, BEHIND), (HERE, AHEAD, HERE), (HERE, "UTC", BEHIND)],
)
def test_closed_months_keep_every_row_and_the_next_begins_where_they_ended(
    zones: tuple[str, str, str],
) -> None:
    money_by_the_hour()
    kept: dict[date, Any] = {}
    for month, zone in zip((date(2026, 8, 1), SEPTEMBER, OCTOBER), zones, strict=True):
        put(zone)
        add_up()
        row = closed(month)
        assert row.time_zone == zone
        kept[month] = set(books.of_month(month, "usd").values_list("pk", flat=True))
    for zone in (AHEAD, "Europe/Berlin", BEHIND):
        put(zone)
        add_up()
        for row in BookClosing.objects.all():
            assert closing_books.changes(row) == []
            now = set(books.of_month(row.month, "usd").values_list("pk", flat=True))
            assert now == kept[row.month]
    assert closing_books.verify().problems == []


def test_open_months_before_the_first_closed_one_fit_to_it() -> None:
    money_by_the_hour()
    put(AHEAD)
    row = closed(SEPTEMBER)
    put(BEHIND)
    add_up()
    assert closing_books.changes(row) == []
    assert "A later month is closed" in closing_books.why_not(date(2026, 8, 1))


def test_the_hour_that_comes_twice_is_in_one_month() -> None:
    """In Havana the clock goes back at 1 AM on November 1, so midnight comes twice."""
    money_by_the_hour()
    put("America/Havana")
    begin, end = book_months.read().bounds(OCTOBER)
    assert (begin.astimezone(UTC).hour, end.astimezone(UTC).hour) == (4, 4)
    closed(OCTOBER)
    put("Europe/Berlin")
    add_up()


def test_pages_and_files_say_by_which_clock() -> None:
    money_by_the_hour()
    put(AHEAD)
    closed(SEPTEMBER)
    put(BEHIND)
    staff = signed_in_now(manager())

    def shown(month: date, page: str = "month", *more: str) -> str:
        url = reverse(f"admin:billing_balancetransaction_{page}", args=[f"{month:%Y-%m}", *more])
        return str(staff.get(url).content.decode())

    assert f"Sep 1, 2026 to Sep 30, 2026 in the time zone {AHEAD}, by" in shown(SEPTEMBER)
    words = (
        f"in the time zone {BEHIND} (from midnight in {AHEAD}, where the month before was closed)"
    )
    assert words in shown(OCTOBER)
    assert f"in the time zone {AHEAD}, by" in shown(SEPTEMBER, "tax", "month")
    quarter = shown(SEPTEMBER, "tax", "quarter")
    assert f"in the time zone {BEHIND}, then {AHEAD}, by" in quarter
    # What moved in the hours between stands on a day of its month.
    line = books.statement(OCTOBER, "usd").lines[0]
    url = reverse("admin:billing_balancetransaction_line", args=["2026-10"])
    answer = staff.get(url, {"currency": "usd", "line": line.key, "as": "csv"})
    text = b"".join(answer.streaming_content).decode()  # type: ignore[attr-defined]
    days = {row.split(",")[0] for row in text.splitlines()[1:]}
    assert days
    assert all(day.startswith("2026-10-") for day in days)
    assert [one.day for one in journal.entries(SEPTEMBER)] == [date(2026, 9, 30)]


@pytest.mark.parametrize("zones", [(AHEAD, BEHIND), (BEHIND, AHEAD)])
def test_a_banks_day_is_in_its_own_month_whatever_the_clock(zones: tuple[str, str]) -> None:
    money_by_the_hour()
    payment = factories.make_payment(
        card_brand=ZELLE, amount=9000, amount_received=9000,
        paid_at=datetime(2026, 9, 10, tzinfo=UTC), created_at=datetime(2026, 9, 10, tzinfo=UTC),
    )  # fmt: skip
    for number, on in enumerate((date(2026, 9, 30), OCTOBER)):
        # Staff noted both later than the bank sent them.
        refund = refunded(payment, 1000 * (number + 1), datetime(2026, 10, 5, tzinfo=UTC))
        sent_by_bank(refund, on)
    put(zones[0])
    row = closed(SEPTEMBER)
    assert [(one["kind"], one["amount"]) for one in row.direct] == [
        ("zelle", 9000), ("zelle_refund", -1000),
    ]  # fmt: skip
    put(zones[1])
    assert closing_books.changes(row) == []
    [(_, back)] = books.moved_directly(OCTOBER)
    assert back.amount == -2000
