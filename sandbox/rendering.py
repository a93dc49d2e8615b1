"""The sandbox's page templates, and how they format money and time."""

from collections.abc import Callable, Mapping
from contextlib import nullcontext
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined, select_autoescape
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import HTMLResponse, RedirectResponse, Response

from sandbox.stripe import currencies
from sandbox.world import DEFAULT_ACCOUNT, World

ROOT = Path(__file__).resolve().parent
Form = Mapping[str, str]

ACCOUNT_COOKIE = "sandbox_account"
"""Which account the control panel shows."""


@dataclass(frozen=True)
class Visit:
    """One request to a page: what it sent, and the world it finds."""

    world: World
    request: Request
    form: Form

    @property
    def query(self) -> Mapping[str, str]:
        return self.request.query_params

    @property
    def path(self) -> str:
        return self.request.url.path

    @property
    def account(self) -> str:
        homes = (self.world.home_of(str(part)) for part in self.request.path_params.values())
        chosen = self.request.cookies.get(ACCOUNT_COOKIE, "")
        known = chosen if chosen in self.world.accounts() else DEFAULT_ACCOUNT
        return next(filter(None, homes), known)

    def named(self, part: str) -> str:
        """A named part of the path."""
        return str(self.request.path_params[part])


Handler = Callable[[Visit], Response]


def endpoint(handler: Handler, *, locked: bool = True) -> Callable[[Request], Any]:
    """Starlette's side of a handler: reads the form, and runs the handler in its own thread.

    It uses the account of the object in the path, or else the chosen one.

    `locked` handlers hold the world's lock. A handler that waits for the product must not, because
    the product may be waiting for the sandbox.
    """

    def handle(visit: Visit) -> Response:
        with visit.world.at(visit.account), visit.world.lock if locked else nullcontext():
            return handler(visit)

    async def serve(request: Request) -> Response:
        form = {key: str(value) for key, value in (await request.form()).items()}
        return await run_in_threadpool(handle, Visit(request.app.state.world, request, form))

    return serve


def page(visit: Visit, template: str, status: int = 200, /, **context: Any) -> Response:
    """A page from one of sandbox/templates."""
    html = environment.get_template(template).render(
        path=visit.path, now=visit.world.now(), **context
    )
    headers = {"Cache-Control": "no-store", "X-Frame-Options": "SAMEORIGIN"}
    return HTMLResponse(html, status_code=status, headers=headers)


def see_other(url: str) -> Response:
    return RedirectResponse(url, status_code=303)


def missing(visit: Visit, what: str) -> Response:
    """A page that says that something doesn't exist."""
    return page(visit, "missing.html", 404, what=what)


def money(amount: int, currency: str) -> str:
    """Minor units as text: `$29.00`, `−$5.00`, `29.00 CHF`."""
    code = currency.lower()
    sign = "−" if amount < 0 else ""
    return f"{sign}{currencies.money(abs(amount), code)}"


def interval(recurring: Mapping[str, Any]) -> str:
    """`month`, or `3 months`."""
    count, unit = int(recurring.get("interval_count") or 1), str(recurring["interval"])
    return unit if count == 1 else f"{count} {unit}s"


def day(timestamp: int) -> str:
    return f"{_moment(timestamp):%-d %B %Y}"


def weekday(timestamp: int) -> str:
    return f"{_moment(timestamp):%A}"


def moment(timestamp: int) -> str:
    return f"{_moment(timestamp):%-d %b %Y, %H:%M}"


def clock(timestamp: int) -> str:
    return f"{_moment(timestamp):%H:%M:%S}"


def iso(timestamp: int) -> str:
    return f"{_moment(timestamp):%Y-%m-%dT%H:%M:%SZ}"


def words(name: str) -> str:
    """`past_due` as people write it."""
    return name.replace("_", " ")


def _moment(timestamp: int) -> datetime:
    return datetime.fromtimestamp(timestamp, UTC)


environment = Environment(
    loader=FileSystemLoader(ROOT / "templates"),
    autoescape=select_autoescape(default=True),
    undefined=StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
)
for _filter in (money, interval, day, weekday, moment, clock, iso, words):
    environment.filters[_filter.__name__] = _filter
