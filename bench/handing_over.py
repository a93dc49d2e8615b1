"""How many mails a second go to a mail server: ours, and by Django's own backend.

The server takes mails and throws them away, in a process of its own, without encryption. So this
measures what we add to a mail rather than a network.
"""

from __future__ import annotations

import contextlib
import socket
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

HOST = "127.0.0.1"
ROUNDS = 12
MAILS = 60
START_SECONDS = 15.0


@dataclass(frozen=True)
class Rates:
    """Mails per second: over our kept connections, Django's own open one, and one for each."""

    ours: float
    reused: float
    one_each: float
    # The median of the ratios of each round: load moves both.
    to_reused: float


def measure() -> Rates:
    """Return how fast mails are handed over, in rounds. Each way is the first in some of them."""
    with _server() as port:
        ways = _ways(port)
        found = [_round(ways, first=number % len(ways)) for number in range(ROUNDS)]
    middle = [statistics.median(column) for column in zip(*found, strict=True)]
    ratio = statistics.median(one / other for one, other, _each in found)
    return Rates(middle[0], middle[1], middle[2], ratio)


def _round(ways: tuple[Callable[[], Any], ...], *, first: int) -> tuple[float, ...]:
    rates = {way: _rate(way) for way in (*ways[first:], *ways[:first])}
    return tuple(rates[way] for way in ways)


def _ways(port: int) -> tuple[Callable[[], Any], ...]:
    from django.core.mail import EmailMultiAlternatives  # noqa: PLC0415  (Django is set up now)
    from django.core.mail.backends.smtp import EmailBackend as Plain  # noqa: PLC0415

    from emails.smtp import EmailBackend  # noqa: PLC0415

    mail = EmailMultiAlternatives(
        "Receipt", "Thanks. " * 200, "help@example.com", ["anna@example.com"]
    )
    mail.attach_alternative(f"<p>{'Thanks. ' * 2000}</p>", "text/html")
    where: dict[str, Any] = {"host": HOST, "port": port, "use_tls": False, "use_ssl": False}
    open_one = Plain(**where)
    open_one.open()
    return (
        lambda: EmailBackend(**where).send_messages([mail]),
        lambda: open_one.send_messages([mail]),
        lambda: Plain(**where).send_messages([mail]),
    )


def _rate(send: Callable[[], Any]) -> float:
    start = time.perf_counter()
    for _ in range(MAILS):
        send()
    return MAILS / (time.perf_counter() - start)


@contextmanager
def _server() -> Iterator[int]:
    with socket.create_server((HOST, 0)) as free:
        port: int = free.getsockname()[1]
    command = [sys.executable, "-m", "aiosmtpd", "-n", "-l", f"{HOST}:{port}"]
    process = subprocess.Popen([*command, "-c", "aiosmtpd.handlers.Sink"])
    try:
        give_up = time.monotonic() + START_SECONDS
        while True:
            with contextlib.suppress(OSError), socket.create_connection((HOST, port)):
                break
            if time.monotonic() > give_up:
                raise TimeoutError("The mail server of the benchmark doesn't start.")
            time.sleep(0.05)
        yield port
    finally:
        process.terminate()
        process.wait(timeout=10)
