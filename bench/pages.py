"""How many pages per second members are served, next to a floor: a plain Django page."""

from __future__ import annotations

import http.client
import statistics
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import psycopg

from bench import floor_table
from bench.servers import HOST, gunicorn
from bench.statements import watched

if TYPE_CHECKING:
    from django.contrib.auth.models import User

READERS = 4
# Until every connection has its plans.
WARM_UP_SECONDS = 2.0
ROUNDS = 5
SECONDS = 0.5
INVOICES = (12, 500)
LINE = {
    "description": "1 × Membership (at $29.00 / month)",
    "quantity": 1,
    "amount": 2900,
    "period_start": 1_790_000_000,
    "period_end": 1_792_592_000,
}
THREADS = ("--worker-class", "gthread", "--threads", "4")


@dataclass(frozen=True)
class Reader:
    """A signed-in member with a number of invoices."""

    invoices: int
    cookie: str
    invoice: str  # the address of the newest one


@dataclass(frozen=True)
class Address:
    """A server's page, as a signed-in user reads it."""

    port: int
    path: str
    cookie: str

    def rate(self, seconds: float) -> float:
        """Read the page over several connections at once; return pages per second."""
        with ThreadPoolExecutor(READERS) as readers:
            start = time.perf_counter()
            reading = [readers.submit(self.read, seconds) for _ in range(READERS)]
            return sum(reader.result() for reader in reading) / (time.perf_counter() - start)

    def read(self, seconds: float = 0) -> int:
        """Read the page repeatedly over one connection; return how often (at least once).

        Raises:
            RuntimeError: the page wasn't shown.
        """
        connection = http.client.HTTPConnection(HOST, self.port, timeout=30)
        end = time.perf_counter() + seconds
        count = 0
        while count == 0 or time.perf_counter() < end:
            connection.request("GET", self.path, headers={"Cookie": self.cookie})
            answer = connection.getresponse()
            answer.read()
            if answer.status != http.HTTPStatus.OK:
                raise RuntimeError(f"{self.path} was answered with {answer.status}.")
            count += 1
        connection.close()
        return count


@dataclass(frozen=True)
class Page:
    """One page, as a member with a number of invoices gets it, with the rate of each round."""

    name: str
    invoices: int
    statements: list[str]
    rates: list[float] = field(default_factory=list)
    floors: list[float] = field(default_factory=list)

    @property
    def rate(self) -> float:
        """Pages per second, in the median round."""
        return statistics.median(self.rates)

    @property
    def ratio(self) -> float:
        """Return the rate as a share of the floor's: the median of all rounds."""
        pairs = zip(self.rates, self.floors, strict=True)
        return statistics.median(mine / floor for mine, floor in pairs)


@dataclass(frozen=True)
class Measured:
    """The floor in its median round, and each page next to it."""

    floor: float
    pages: list[Page]


def measure(database: psycopg.Connection[Any]) -> Measured:
    """Read each page as signed-in members do, alternating with the floor.

    Anything else the machine does meanwhile affects both equally.
    """
    database.execute(floor_table.MAKE)
    _make_plan()
    readers = [_reader(count) for count in INVOICES]
    # As autovacuum does within a minute where rows come one by one.
    database.execute("ANALYZE")
    with gunicorn("portal.wsgi", *THREADS) as port, gunicorn("bench.floor", *THREADS) as plain:
        floor = Address(plain, floor_table.FLOOR, _floor_cookie())
        floor.rate(WARM_UP_SECONDS)
        pages = [
            _page(database, name, reader.invoices, Address(port, path, reader.cookie), floor)
            for reader in readers
            for name, path in _paths(reader).items()
        ]
    return Measured(statistics.median(rate for page in pages for rate in page.floors), pages)


def _paths(reader: Reader) -> dict[str, str]:
    return {
        "home": "/",
        "payments": "/payments/",
        "membership": "/membership/",
        "invoice": reader.invoice,
    }


def _page(
    database: psycopg.Connection[Any], name: str, invoices: int, address: Address, floor: Address
) -> Page:
    # Every server thread opens its database connection.
    address.rate(WARM_UP_SECONDS)
    with watched(database) as seen:
        address.read()
    page = Page(name, invoices, seen)
    for _ in range(ROUNDS):
        page.floors.append(floor.rate(SECONDS))
        page.rates.append(address.rate(SECONDS))
    return page


def _make_plan() -> None:
    from django.utils import timezone  # noqa: PLC0415  (Django must be set up first)

    from billing.models import Product  # noqa: PLC0415
    from billing.tests import factories  # noqa: PLC0415

    factories.make_plan()
    Product.objects.create(
        stripe_id=factories.PLAN_PRODUCT, name="Membership", read_at=timezone.now()
    )


def _reader(invoices: int) -> Reader:
    """Make a signed-in member with paid invoices."""
    from django.conf import settings  # noqa: PLC0415
    from django.test import Client  # noqa: PLC0415
    from django.urls import reverse  # noqa: PLC0415
    from django.utils import timezone  # noqa: PLC0415

    from billing.tests import factories  # noqa: PLC0415

    user = factories.make_member(f"Reader{invoices} Bench")
    customer = factories.make_customer(user)
    subscription = factories.make_subscription(customer)
    made = []
    for number in range(1, invoices + 1):
        at = timezone.now() - timedelta(days=number)
        invoice = factories.make_invoice(
            customer,
            subscription=subscription,
            lines=[LINE | {"product": factories.PLAN_PRODUCT}],
            created_at=at,
            finalized_at=at,
            paid_at=at,
        )
        factories.make_payment(customer, invoice=invoice, created_at=at, paid_at=at)
        made.append(invoice)
    client = Client()
    client.force_login(user)
    name = settings.SESSION_COOKIE_NAME
    cookie = f"{name}={client.cookies[name].value}"
    return Reader(invoices, cookie, reverse("billing:invoice", args=[made[0].pk]))


def _floor_cookie() -> str:
    """Sign someone in the way Django's own backend does; return their session cookie."""
    from django.conf import settings  # noqa: PLC0415
    from django.contrib.sessions.backends.db import SessionStore  # noqa: PLC0415

    from billing.tests import factories  # noqa: PLC0415

    session = SessionStore()
    session.update(_signed_in(factories.make_member("Floor Bench")))
    session.create()
    return f"{settings.SESSION_COOKIE_NAME}={session.session_key}"


def _signed_in(user: User) -> dict[str, str]:
    """Return what a session holds about the signed-in user."""
    from django.contrib import auth  # noqa: PLC0415

    return {
        auth.SESSION_KEY: str(user.pk),
        auth.BACKEND_SESSION_KEY: "django.contrib.auth.backends.ModelBackend",
        auth.HASH_SESSION_KEY: user.get_session_auth_hash(),
    }
