"""Templates of the sandbox's pages, and how they write money and time."""

from collections.abc import Callable, Mapping
from contextlib import nullcontext
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Protocol

from jinja2 import Environment, FileSystemLoader, StrictUndefined, select_autoescape
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import HTMLResponse, RedirectResponse, Response

from sandbox.world import World

ROOT = Path(__file__).resolve().parent.parent
Form = Mapping[str, str]

ZERO_DECIMALS = frozenset("bif clp djf gnf jpy kmf krw mga pyg rwf vnd vuv xaf xof xpf".split())
THREE_DECIMALS = frozenset("bhd jod kwd omr tnd".split())
SYMBOLS = {"usd": "$", "eur": "€", "gbp": "£", "jpy": "¥", "cad": "CA$", "aud": "A$"}


class Handler(Protocol):
    """A page or an action: reads the request and the world, runs in a thread of its own."""

    def __call__(self, world: World, request: Request, form: Form) -> Response: ...


def endpoint(handler: Handler, *, locked: bool = True) -> Callable[[Request], Any]:
    """Starlette's side of a handler: reads the form, and keeps the event loop free.

    `locked` handlers hold the world's lock. One that waits for the product must not, because the
    product may be waiting for the sandbox.
    """

    def handle(request: Request, form: Form) -> Response:
        world: World = request.app.state.world
        with world.lock if locked else nullcontext():
            return handler(world, request, form)

    async def serve(request: Request) -> Response:
        form = {key: str(value) for key, value in (await request.form()).items()}
        return await run_in_threadpool(handle, request, form)

    return serve


def page(request: Request, template: str, status: int = 200, /, **context: Any) -> Response:
    """A page from one of sandbox/templates."""
    world: World = request.app.state.world
    html = environment.get_template(template).render(
        path=request.url.path, now=world.now(), **context
    )
    headers = {"Cache-Control": "no-store", "X-Frame-Options": "SAMEORIGIN"}
    return HTMLResponse(html, status_code=status, headers=headers)


def see_other(url: str) -> Response:
    return RedirectResponse(url, status_code=303)


def missing(request: Request, what: str) -> Response:
    """A page that says that something is not there."""
    return page(request, "missing.html", 404, what=what)


def money(amount: int, currency: str) -> str:
    """Minor units as text: `$29.00`, `−$5.00`, `29.00 CHF`."""
    code = currency.lower()
    decimals = 0 if code in ZERO_DECIMALS else 3 if code in THREE_DECIMALS else 2
    figure = f"{abs(amount) / 10**decimals:,.{decimals}f}"
    sign = "−" if amount < 0 else ""
    if code in SYMBOLS:
        return f"{sign}{SYMBOLS[code]}{figure}"
    return f"{sign}{figure} {code.upper()}"


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
