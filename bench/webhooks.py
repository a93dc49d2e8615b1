"""How many webhooks per second are stored, next to a bare view that verifies and inserts."""

from __future__ import annotations

import statistics
import subprocess
import sys
import time
from dataclasses import dataclass
from typing import Any

import psycopg

from bench.bare_paths import BARE, DOCUMENTED
from bench.events import PATH, signed_request
from bench.senders import send_all
from bench.servers import ROOT, gunicorn
from bench.statements import watched

ROUNDS = 9
# A busy machine gets fewer rounds, but enough for a median.
FEWEST_ROUNDS = 3
LONGEST_SECONDS = 45
EVENTS = 500
WARM_UP = 200
WATCHED = 10
BARE_TABLE = "CREATE TABLE bare_event (id text PRIMARY KEY, payload jsonb NOT NULL)"
EMPTY = "TRUNCATE billing_stripeevent, procrastinate_jobs, bare_event CASCADE"


@dataclass(frozen=True)
class Contestant:
    """An endpoint, and its events per second in each round."""

    port: int
    path: str
    rates: list[float]

    def run(self, number: int, count: int = EVENTS) -> float:
        """Send it its own events; return the events per second that the senders saw."""
        run = f"{self.path.strip('/').replace('/', '')}{number}"
        command = ["-m", "bench.senders", str(self.port), self.path, str(count), run]
        done = subprocess.run(
            [sys.executable, *command], cwd=ROOT, check=True, stdout=subprocess.PIPE
        )
        return float(done.stdout)

    @property
    def typical(self) -> float:
        """The rate of the median round."""
        return statistics.median(self.rates)

    def share_of(self, other: Contestant) -> float:
        """Return our rate as a share of the other's: the median of all rounds."""
        pairs = zip(self.rates, other.rates, strict=True)
        return statistics.median(mine / theirs for mine, theirs in pairs)


@dataclass(frozen=True)
class Intake:
    """Our endpoint, the two bare views, and the statements of one webhook."""

    ours: Contestant
    bare: Contestant
    documented: Contestant
    statements: list[str]


def measure(database: psycopg.Connection[Any]) -> Intake:
    """Send distinct signed events to each endpoint in turn, in short rounds.

    Anything else the machine does meanwhile affects all of them equally.
    """
    sync = ("--worker-class", "sync")
    database.execute(BARE_TABLE)
    with gunicorn("portal.wsgi", *sync) as portal, gunicorn("bench.bare", *sync) as bare:
        ours = Contestant(portal, PATH, [])
        least = Contestant(bare, BARE, [])
        documented = Contestant(bare, DOCUMENTED, [])
        contestants = [ours, least, documented]
        for contestant in contestants:
            contestant.run(ROUNDS, WARM_UP)
        began = time.monotonic()
        for number in range(ROUNDS):
            if number >= FEWEST_ROUNDS and time.monotonic() - began > LONGEST_SECONDS:
                break
            # The first in one round goes last in the next.
            for contestant in contestants if number % 2 else reversed(contestants):
                database.execute(EMPTY)
                contestant.rates.append(contestant.run(number))
        return Intake(ours, least, documented, _statements_of_one(database, portal))


def _statements_of_one(database: psycopg.Connection[Any], port: int) -> list[str]:
    """Return the statements of one webhook, measured over several new ones in a row.

    Raises:
        RuntimeError: the webhooks take different numbers of statements.
    """
    with watched(database) as seen:
        for number in range(WATCHED):
            send_all(port, [signed_request(number, "watched")])
    if len(seen) % WATCHED:
        raise RuntimeError(f"{len(seen)} statements for {WATCHED} webhooks: {seen}")
    return seen[: len(seen) // WATCHED]
