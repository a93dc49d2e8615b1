"""Reading for a rehearsal, which runs in a transaction that's rolled back.

Stripe is never asked inside of a transaction, and a rehearsal changes nothing there. So a read
that has no answer yet stops the rehearsal (`NotReadYet`); `gateway.answer` asks Stripe outside of
it, and it starts over. A change of something at Stripe ends it (`WouldChange`).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

import stripe

# POST requests that change nothing.
READS_BY_POST = ("/create_preview",)

Answer = tuple[str, int, Mapping[str, str]]


@dataclass
class Answers:
    """What Stripe has answered so far, by method, address, and body."""

    known: dict[tuple[str, str, str], Answer] = field(default_factory=dict)


# Not errors, which the code in between would record, log, or turn into others.
class NotReadYet(BaseException):
    """Something has to be read first."""

    def __init__(self, method: str, url: str, headers: Mapping[str, str], body: str) -> None:
        super().__init__(f"{method} {url}")
        self.method, self.url, self.headers, self.body = method, url, headers, body


class WouldChange(BaseException):
    """The next step changes something at Stripe; the text is the request."""


_answers: ContextVar[Answers | None] = ContextVar("answers", default=None)


def answers() -> Answers | None:
    """Return the answers of the rehearsal that's going on, if there's one."""
    return _answers.get()


@contextmanager
def rehearsing(known: Answers) -> Iterator[None]:
    """Have the gateway use these answers only."""
    token = _answers.set(known)
    try:
        yield
    finally:
        _answers.reset(token)


class Client(stripe.HTTPClient):
    """Answers the SDK's requests with what's known."""

    name = "rehearsal"

    def __init__(self, known: Answers) -> None:
        super().__init__()
        self.answers = known

    def request(
        self,
        method: str,
        url: str,
        headers: Mapping[str, str] | None,
        post_data: Any = None,
        **_usage: Any,
    ) -> Answer:
        """Return an answer.

        Raises:
            NotReadYet: Stripe hasn't been asked.
            WouldChange: it isn't a read.
        """
        path = urlsplit(url).path
        if method.upper() != "GET" and not path.endswith(READS_BY_POST):
            raise WouldChange(f"{method.upper()} {path}")
        body = post_data or ""
        known = self.answers.known.get((method, url, body))
        if known is None:
            raise NotReadYet(method, url, headers or {}, body)
        return known

    def close(self) -> None:
        """There's no connection."""
