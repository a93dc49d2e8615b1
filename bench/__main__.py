"""`bin/bench`: run the measurements against a throwaway database and print a table.

`bin/bench pages` runs one of them.
"""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Callable
from typing import Any

import django
import psycopg

from bench import handing_over, jobs, mails, numbers, pages, rebuilding, staff_site, webhooks
from bench.servers import environment, manage

WIDTHS = (54, 12)
Row = tuple[str, str, str]
Database = psycopg.Connection[Any]
# The lowest acceptable page rate, as a share of the floor's.
TARGETS = {"home": ">= 0.5", "payments": ">= 0.5"}


def main() -> int:
    """Measure everything; return 1 only if something broke."""
    began = time.monotonic()
    os.environ.update(environment())
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "portal.settings")
    manage("migrate", "--no-input")
    manage("collectstatic", "--no-input")
    django.setup()
    print("Measuring for up to two minutes …", flush=True)
    with psycopg.connect(os.environ["DATABASE_URL"], autocommit=True) as database:
        rows = [row for measure in _chosen() for row in measure(database)]
    _print(rows)
    print(f"\nTook {time.monotonic() - began:.0f} s on {os.cpu_count()} CPUs.")
    return 0


def _chosen() -> list[Callable[[Database], list[Row]]]:
    """Return the measurements named on the command line, or all of them."""
    wanted = sys.argv[1:] or [name for name in MEASUREMENTS if name not in LONG]
    if unknown := [name for name in wanted if name not in MEASUREMENTS]:
        sys.exit(f"No measurement is called {unknown[0]}: choose from {', '.join(MEASUREMENTS)}.")
    return [MEASUREMENTS[name] for name in wanted]


def _webhook_rows(intake: webhooks.Intake) -> list[Row]:
    ours, bare, documented = intake.ours, intake.bare, intake.documented
    rows = [
        ("Webhooks stored", f"{ours.typical:.0f}/s", ""),
        ("Bare view: verify, insert", f"{bare.typical:.0f}/s", ""),
        ("Bare view as in Stripe's documentation", f"{documented.typical:.0f}/s", ""),
        ("Webhooks to bare view", f"{ours.share_of(bare):.2f}", ">= 0.8"),
        ("Webhooks to documented bare view", f"{ours.share_of(documented):.2f}", ">= 0.8"),
        ("Statements of a webhook", str(len(intake.statements)), ""),
    ]
    return rows + [(f"    {_shortened(text)}", "", "") for text in intake.statements]


def _shortened(statement: str) -> str:
    room = WIDTHS[0] - 6
    return statement if len(statement) <= room else f"{statement[: room - 1]}…"


def _job_rows(measured: jobs.Delays) -> list[Row]:
    def row(name: str, delays: list[float], share: float, target: str = "") -> Row:
        return (name, f"{jobs.percentile(delays, share) * 1000:.0f} ms", target)

    return [
        row("Commit to the worker's start, median", measured.to_start, 0.5, "< 100 ms"),
        row("Commit to the worker's start, 95 of 100", measured.to_start, 0.95, "< 100 ms"),
        row("Commit to the event processed, median", measured.to_end, 0.5),
    ]


def _mail_rows(seconds: float) -> list[Row]:
    return [("A receipt rendered, HTML and text", f"{seconds * 1000:.2f} ms", "<= 0.15 ms")]


def _handing_over_rows(rates: handing_over.Rates) -> list[Row]:
    return [
        ("Mails handed over", f"{rates.ours:.0f}/s", ""),
        ("    Django’s backend, one open connection", f"{rates.reused:.0f}/s", ""),
        ("    Django’s backend, a connection for each mail", f"{rates.one_each:.0f}/s", ""),
        ("    ours to one open connection", f"{rates.to_reused:.2f}", ">= 0.9"),
    ]


def _page_rows(measured: pages.Measured) -> list[Row]:
    rows = [("The floor: a plain page of Django's", f"{measured.floor:.0f}/s", "")]
    for page in measured.pages:
        name = f"Page {page.name} of a member with {page.invoices} invoices"
        rows += [
            (name, f"{page.rate:.0f}/s", ""),
            ("    to the floor", f"{page.ratio:.2f}", TARGETS.get(page.name, "")),
            ("    statements", str(len(page.statements)), "<= 7"),
        ]
    return rows


def _number_rows(taken: numbers.Taken) -> list[Row]:
    return [
        (f"Staff’s numbers of {numbers.MEMBERS:,} members", f"{taken.read:.0f} ms", "< 100 ms"),
        ("    statements", str(taken.statements), "< 20"),
        (f"    sums by day they’re read from: {taken.facts:,}", "", ""),
        (
            f"    twelve months of MRR from {taken.spans:,} spans",
            f"{taken.levels_from_spans:.0f} ms",
            "",
        ),
        ("    the changes of each month from them", f"{taken.changes_from_spans:.0f} ms", ""),
    ]


def _rebuild_rows(taken: rebuilding.Taken) -> list[Row]:
    return [
        (f"rebuild_facts for {taken.members:,} members", f"{taken.seconds:.0f} s", ""),
        (f"    from {taken.invoices:,} invoices; in Python", f"{taken.in_python:.0f} s", ""),
        ("    most memory", f"{taken.megabytes:.0f} MB", ""),
    ]


def _staff_rows(taken: list[staff_site.Taken]) -> list[Row]:
    rows = []
    for page in taken:
        statements = f"{page.statements} statements, one of {page.slowest:.0f} ms"
        rows.append((f"Staff: {page.page}", f"{page.milliseconds:.0f} ms", statements))
        if page.slowest > staff_site.SLOW_MS:
            rows.append((f"    {page.slowest_sql}", "", ""))
    return rows


def _print(rows: list[Row]) -> None:
    print()
    for name, value, target in [("", "measured", "target"), *rows]:
        print(f"{name:<{WIDTHS[0]}}{value:>{WIDTHS[1]}}   {target}".rstrip())


MEASUREMENTS: dict[str, Callable[[Database], list[Row]]] = {
    "webhooks": lambda database: _webhook_rows(webhooks.measure(database)),
    "jobs": lambda database: _job_rows(jobs.measure(database)),
    "mails": lambda _: _mail_rows(mails.measure()),
    "smtp": lambda _: _handing_over_rows(handing_over.measure()),
    "pages": lambda database: _page_rows(pages.measure(database)),
    # Last, since they leave many rows behind.
    "numbers": lambda _: _number_rows(numbers.measure()),
    "rebuild": lambda _: _rebuild_rows(rebuilding.measure()),
    "staff": lambda _: _staff_rows(staff_site.measure()),
}

# Only when they're named.
LONG = {"rebuild", "staff"}

if __name__ == "__main__":
    sys.exit(main())
