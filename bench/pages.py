"""How many pages a second are served to members with few and with many invoices."""

from __future__ import annotations

import http.client
import itertools
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import psycopg

from bench.servers import HOST, gunicorn
from bench.statements import watched

READERS = 4
PAGES = 300
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
    _read(port, path, cookie, range(READERS * 4))  # every thread opens its database connection
    with watched(database) as seen:
        _read(port, path, cookie, range(1))
    start = time.perf_counter()
    _read_side_by_side(port, path, cookie)
    return Page(path, invoices, PAGES / (time.perf_counter() - start), len(seen))


def _read_side_by_side(port: int, path: str, cookie: str) -> None:
    """Read a page from several connections at once, PAGES times in all."""
    waiting = iter(range(PAGES))
    failures: list[Exception] = []

    def work() -> None:
        try:
            _read(port, path, cookie, waiting)
        except (OSError, RuntimeError) as error:
            failures.append(error)

    readers = [threading.Thread(target=work) for _ in range(READERS)]
    for reader in readers:
        reader.start()
    for reader in readers:
        reader.join()
    if failures:
        raise failures[0]


def _read(port: int, path: str, cookie: str, turns: Iterator[int] | range) -> None:
    """Read a page once for each turn, over one connection.

    Raises:
        RuntimeError: the page was not shown.
    """
    connection = http.client.HTTPConnection(HOST, port, timeout=10)
    for _ in turns:
        connection.request("GET", path, headers={"Cookie": cookie})
        answer = connection.getresponse()
        answer.read()
        if answer.status != http.HTTPStatus.OK:
            raise RuntimeError(f"{path} was answered with {answer.status}.")
    connection.close()


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
    for number in itertools.islice(itertools.count(1), invoices):
        at = timezone.now() - timedelta(days=number)
        invoice = factories.make_invoice(
            customer, subscription=subscription, created_at=at, finalized_at=at, paid_at=at
        )
        factories.make_payment(customer, invoice=invoice, created_at=at, paid_at=at)
    client = Client()
    client.force_login(user)
    name = settings.SESSION_COOKIE_NAME
    return f"{name}={client.cookies[name].value}"
