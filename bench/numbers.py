"""How long the staff's numbers take at 200,000 members, and what other ways of counting would."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date
from typing import Any

from django.db import connection
from django.test.utils import CaptureQueriesContext

MEMBERS = 200_000
TIMES = 7
TODAY = date(2026, 11, 29)
# Three years: everybody joins, a third changes the plan, and 30% leave.
SPANS = """
INSERT INTO auth_user (id, username, password, first_name, last_name, email, is_superuser, is_staff,
    is_active, date_joined)
SELECT n, 'bench' || n, '', 'Member', n::text, 'bench' || n || '@example.com', false, false, true,
    now() FROM generate_series(1, {members}) n;
INSERT INTO billing_memberspan (user_id, currency, day, until, mrr_before, mrr, was_member,
    is_member, movement, membership, joined)
SELECT n, 'usd', joined,
    CASE WHEN n % 3 = 0 THEN joined + 100 WHEN n % 10 < 3 THEN joined + 200 END, 0,
    2900, false, true, 'new', 'new', date_trunc('month', joined)
FROM (SELECT n, date '{today}' - (n * 7919 % 1095)::int AS joined
      FROM generate_series(1, {members}) n) one;
INSERT INTO billing_memberspan (user_id, currency, day, until, mrr_before, mrr, was_member,
    is_member, movement, membership, joined)
SELECT user_id, 'usd', until, CASE WHEN user_id % 3 = 0 AND user_id % 10 < 3 THEN until + 60 END,
    2900, CASE WHEN user_id % 3 = 0 THEN 2417 ELSE 0 END, true, user_id % 3 = 0,
    CASE WHEN user_id % 3 = 0 THEN 'contraction' ELSE 'churn' END,
    CASE WHEN user_id % 3 = 0 THEN '' ELSE 'lost' END, joined
FROM billing_memberspan WHERE until <= date '{today}';
INSERT INTO billing_memberspan (user_id, currency, day, until, mrr_before, mrr, was_member,
    is_member, movement, membership, joined)
SELECT user_id, 'usd', until, NULL, 2417, 0, true, false, 'churn', 'lost', joined
FROM billing_memberspan WHERE mrr = 2417 AND until <= date '{today}';
UPDATE billing_memberspan SET until = NULL WHERE until > date '{today}';
"""
# Payments and what else is counted by day, as the table of days has it.
DAYS = """
INSERT INTO billing_dayfact (day, currency, kind, count, amount)
SELECT day, currency, 'mrr:' || movement, count(*), sum(mrr - mrr_before)
FROM billing_memberspan WHERE movement > '' GROUP BY day, currency, movement
UNION ALL SELECT day, currency, 'members:' || membership, count(*), 0
FROM billing_memberspan WHERE membership > '' GROUP BY day, currency, membership
UNION ALL SELECT date '{today}' - n, 'usd', kind, 5000, 5000 * 2900
FROM generate_series(0, 1095) n, unnest(ARRAY['paid:membership', 'paid:other', 'paid:once',
    'paid_through:stripe', 'refunded', 'disputed', 'failed', 'recovered', 'trials:started',
    'trials:ended', 'trials:converted']) kind;
INSERT INTO billing_cohortfact (currency, joined, month, change)
SELECT currency, joined, date_trunc('month', day),
    sum(CASE membership WHEN 'lost' THEN -1 ELSE 1 END)
FROM billing_memberspan WHERE membership > '' GROUP BY 1, 2, 3;
ANALYZE;
"""
# The twelve levels of MRR at the ends of months, straight from spans.
FROM_SPANS = """
SELECT month, sum(mrr) FROM generate_series(date '2025-12-31', date '{today}', '1 month') month
JOIN billing_memberspan ON day <= month AND (until IS NULL OR until > month) GROUP BY month
"""
FROM_CHANGES = """
SELECT date_trunc('month', day), movement, sum(mrr - mrr_before), count(*)
FROM billing_memberspan WHERE currency = 'usd' GROUP BY 1, 2
"""


@dataclass(frozen=True)
class Taken:
    """Medians in milliseconds, and how many rows there were."""

    spans: int
    facts: int
    read: float
    statements: int
    levels_from_spans: float
    changes_from_spans: float


def measure() -> Taken:
    """Fill an empty database, and read the numbers in three ways."""
    from billing.facts import numbers  # noqa: PLC0415  (Django isn't set up before)
    from billing.models import DayFact, MemberSpan  # noqa: PLC0415

    filled = {"members": MEMBERS, "today": TODAY}
    _do(SPANS.format(**filled))
    _do(DAYS.format(**filled))
    with CaptureQueriesContext(connection) as seen:
        numbers.read(TODAY)
    return Taken(
        MemberSpan.objects.count(),
        DayFact.objects.count(),
        _median(lambda: numbers.read(TODAY)),
        len(seen),
        _median(lambda: _ask(FROM_SPANS.format(**filled))),
        _median(lambda: _ask(FROM_CHANGES)),
    )


def _do(sql: str) -> None:
    with connection.cursor() as cursor:
        cursor.execute(sql)


def _ask(sql: str) -> list[Any]:
    with connection.cursor() as cursor:
        cursor.execute(sql)
        rows: list[Any] = cursor.fetchall()
        return rows


def _median(work: Callable[[], object]) -> float:
    taken = []
    for _ in range(TIMES):
        start = time.perf_counter()
        work()
        taken.append((time.perf_counter() - start) * 1000)
    return statistics.median(taken)
