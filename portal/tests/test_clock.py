"""`TEST_CLOCK=… bin/test` moves the clocks of Python, its children, and PostgreSQL."""

from __future__ import annotations

import os
import subprocess
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent.parent
LEAP_DAY = "2028-02-29T03:00Z"
ASK = """
import subprocess, sys, time
from datetime import UTC, datetime
import psycopg

begun = time.monotonic()
time.sleep(0.2)
assert 0.2 <= time.monotonic() - begun < 30
print(datetime.now(UTC).isoformat())
child = "from datetime import UTC, datetime; print(datetime.now(UTC).isoformat())"
print(subprocess.run([sys.executable, "-c", child], capture_output=True, text=True).stdout.strip())
with psycopg.connect(sys.argv[1]) as database:
    print(database.execute("SELECT clock_timestamp()").fetchone()[0].isoformat())
"""
# As bin/test does, but without installing anything.
MOVE = """
source bin/_setup
programs=$(mktemp -d /tmp/portal-clock.XXXXXX)
trap 'rm -rf "$programs"' EXIT
can_apt() { false; }
move_clock "$programs"
"$PYTHON" -m common.postgres temporary -- bash -c '"$1" -c "$2" "$DATABASE_URL"' - "$PYTHON" "$ASK"
"""


def has_faketime() -> bool:
    return any(Path("/usr").glob("lib*/*/faketime/libfaketime.so.1"))


def move(moment: str) -> subprocess.CompletedProcess[str]:
    """Ask for the time at another moment: of a process, of its child and of PostgreSQL."""
    names = ("TEST_CLOCK_OFFSET", "PYTHONPATH", "DATABASE_URL")
    environment = {name: value for name, value in os.environ.items() if name not in names}
    # PostgreSQL's programs of a run that is moved already come first on its PATH.
    environment["PATH"] = ":".join(
        part for part in os.environ["PATH"].split(":") if "portal-clock." not in part
    )
    return subprocess.run(
        ["bash", "-euc", MOVE],
        cwd=ROOT,
        env=environment | {"TEST_CLOCK": moment, "ASK": ASK},
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )


@pytest.mark.slow
@pytest.mark.skipif(not has_faketime(), reason="libfaketime is not installed")
def test_every_process_lives_at_the_moment_that_is_asked_for() -> None:
    answer = move(LEAP_DAY)
    assert answer.returncode == 0, answer.stderr
    told = [datetime.fromisoformat(line) for line in answer.stdout.split()]
    assert len(told) == 3
    begun = datetime(2028, 2, 29, 3, tzinfo=UTC)
    for clock in told:
        assert begun - timedelta(seconds=1) < clock < begun + timedelta(seconds=100)
    assert told == sorted(told)


@pytest.mark.skipif(not has_faketime(), reason="libfaketime is not installed")
@pytest.mark.parametrize("moment", ["tomorrow", "2028-02-30T03:00Z", "2028-02-29T03:00"])
def test_what_is_no_moment_is_refused_with_a_sentence(moment: str) -> None:
    answer = move(moment)
    assert answer.returncode != 0
    assert answer.stderr == (
        "TEST_CLOCK must be a time with a zone, such as 2028-02-29T03:00Z, not " + moment + "\n"
    )
