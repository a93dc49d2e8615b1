"""How many pages a second are served to members with few and with many invoices."""

from __future__ import annotations

import http.client
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import psycopg

from bench.servers import HOST, gunicorn
from bench.statements import watched

READERS = 4
WARM_UP_SECONDS = 1.0
SECONDS = 3.0
INVOICES = (12, 500)
PATHS = ("/", "/payments/")


@dataclass(frozen=True)
class Page:
    """One page, as a member with so many invoices gets it."""

    path: str
    invoices: int
    rate: float
    statements: int


def measure(database: psycopg.Connection[Any]) -> list[Page]:
    """Read each page as signed-in members do, several at once."""
    _make_plan()
    cookies = {count: _signed_in_member(count) for count in INVOICES}
    with gunicorn("portal.wsgi", "--worker-class", "gthread", "--threads", "4") as port:
        return [
            _page(database, port, path, count, cookie)
            for path in PATHS
            for count, cookie in cookies.items()
        ]


def _page(
    database: psycopg.Connection[Any], port: int, path: str, invoices: int, cookie: str
) -> Page:
    # Every thread of the server opens its database connection.
    _rate(port, path, cookie, WARM_UP_SECONDS)
    with watched(database) as seen:
        _read(port, path, cookie, seconds=0)
    return Page(path, invoices, _rate(port, path, cookie, SECONDS), len(seen))


def _rate(port: int, path: str, cookie: str, seconds: float) -> float:
    """Read a page from several connections at once; return pages a second."""
    with ThreadPoolExecutor(READERS) as readers:
        start = time.perf_counter()
        reading = [
            readers.submit(_read, port, path, cookie, seconds=seconds) for _ in range(READERS)
        ]
        return sum(reader.result() for reader in reading) / (time.perf_counter() - start)


def _read(port: int, path: str, cookie: str, *, seconds: float) -> int:
    """Read a page again and again over one connection; return how often (once at least).

    Raises:
        RuntimeError: the page was not shown.
    """
    connection = http.client.HTTPConnection(HOST, port, timeout=30)
    end = time.perf_counter() + seconds
    count = 0
    while count == 0 or time.perf_counter() < end:
        connection.request("GET", path, headers={"Cookie": cookie})
        answer = connection.getresponse()
        answer.read()
        if answer.status != http.HTTPStatus.OK:
            raise RuntimeError(f"{path} was answered with {answer.status}.")
        count += 1
    connection.close()
    return count


def _make_plan() -> None:
    from billing.tests import factories  # noqa: PLC0415  (Django must be set up first)

    factories.make_plan()


def _signed_in_member(invoices: int) -> str:
    """Make a member with paid invoices; return the cookie of their session."""
    from django.conf import settings  # noqa: PLC0415
    from django.test import Client  # noqa: PLC0415
    from django.utils import timezone  # noqa: PLC0415

    from billing.tests import factories  # noqa: PLC0415

    user = factories.make_member(f"Reader{invoices} Bench")
    customer = factories.make_customer(user)
    subscription = factories.make_subscription(customer)
    for number in range(1, invoices + 1):
        at = timezone.now() - timedelta(days=number)
        invoice = factories.make_invoice(
            customer, subscription=subscription, created_at=at, finalized_at=at, paid_at=at
        )
        factories.make_payment(customer, invoice=invoice, created_at=at, paid_at=at)
    client = Client()
    client.force_login(user)
    name = settings.SESSION_COOKIE_NAME
    return f"{name}={client.cookies[name].value}"
