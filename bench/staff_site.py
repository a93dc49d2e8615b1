"""How long the staff's pages take in a large database, through Django's test client."""

from __future__ import annotations

import statistics
import time
from dataclasses import dataclass

from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from bench.rebuilding import FIRST, fill

TIMES = 5
# A statement that takes longer is printed.
SLOW_MS = 100
SEARCHES = {
    "a name that few have": "Member 12345",
    "a part that all have": "ember",
    "an amount": "29.00",
    "an invoice’s number": "RB-77-3",
    "an address": "rebuild4711@example.com",
    "nobody": "Xylophon",
}
LISTS = ("auth_user", "billing_customer", "billing_subscription", "billing_invoice",
         "billing_payment", "billing_refund", "emails_message")  # fmt: skip


@dataclass(frozen=True)
class Taken:
    """The median of a page in milliseconds, the slowest of its statements, and how many."""

    page: str
    milliseconds: float
    statements: int
    slowest: float
    slowest_sql: str


def measure() -> list[Taken]:
    """Fill the database with members who pay monthly, and read the staff's pages."""
    from billing.tests.staff_world import superuser  # noqa: PLC0415  (Django isn't set up before)

    fill()
    client = Client(headers={"host": "127.0.0.1"}, raise_request_exception=True)
    client.force_login(superuser())
    return [_read(client, name, url) for name, url in _pages()]


def _pages() -> list[tuple[str, str]]:
    member = reverse("admin:auth_user_change", args=[FIRST + 77])
    pages = [("home", reverse("admin:index")), ("a member’s page", member)]
    for name in LISTS:
        url = reverse(f"admin:{name}_changelist")
        pages += [(f"list {name}", url), (f"list {name}, searched", f"{url}?q=Member+12345")]
    search = reverse("admin:search")
    return pages + [(f"search for {name}", f"{search}?s={q}") for name, q in SEARCHES.items()]


def _read(client: Client, name: str, url: str) -> Taken:
    # Unfold keeps the answers of a search, so only the first time counts there.
    times = 1 if "?s=" in url else TIMES
    taken = [_timed(client, url) for _ in range(times - 1)]
    with CaptureQueriesContext(connection) as seen:
        taken.append(_timed(client, url))
    slowest = max(seen.captured_queries, key=lambda one: float(one["time"]))
    return Taken(
        page=name,
        milliseconds=statistics.median(taken),
        statements=len(seen),
        slowest=float(slowest["time"]) * 1000,
        slowest_sql=slowest["sql"],
    )


def _timed(client: Client, url: str) -> float:
    start = time.perf_counter()
    answer = client.get(url, follow=True)
    taken = (time.perf_counter() - start) * 1000
    if answer.status_code != 200:
        raise RuntimeError(f"{url} answered {answer.status_code}.")
    return taken
