"""Throwaway servers, for tests and for commands that need a database once."""

from __future__ import annotations

import fcntl
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from types import FrameType

from common.postgres.cluster import DATABASE, START_SECONDS, Cluster, locked
from common.postgres.development import SHORT
from common.postgres.programs import PostgresError

TEMPORARY_PREFIX = "portal-temporary-"
# A throwaway cluster doesn't have to survive a crash of the machine.
THROWAWAY = {
    "fsync": "off",
    "full_page_writes": "off",
    "synchronous_commit": "off",
    "max_connections": "300",
    # A test's rows aren't committed, so statistics taken meanwhile say that its tables are empty.
    # Plans made by them took minutes.
    "autovacuum": "off",
}


@contextmanager
def temporary_cluster(database: str = DATABASE) -> Iterator[Cluster]:
    """A running throwaway cluster; server and files are gone afterward."""
    _remove_abandoned()
    home = Path(tempfile.mkdtemp(prefix=TEMPORARY_PREFIX, dir=SHORT))
    cluster = Cluster(home, home / "socket", database, THROWAWAY)
    with locked(home / "in-use"):
        try:
            cluster.start()
            yield cluster
        finally:
            _remove(cluster)


def _remove(cluster: Cluster) -> None:
    if pid := cluster.server_pid():
        os.kill(pid, signal.SIGQUIT)  # immediately: nothing in it is worth a checkpoint
        _wait_until_gone(cluster)
    shutil.rmtree(cluster.home)


def _wait_until_gone(cluster: Cluster) -> None:
    deadline = time.monotonic() + START_SECONDS
    while cluster.server_pid():
        if time.monotonic() > deadline:
            raise PostgresError(f"The server in {cluster.home} does not stop.")
        time.sleep(0.02)


def _remove_abandoned() -> None:
    """Remove our throwaway clusters whose process was killed before it could."""
    for home in SHORT.glob(f"{TEMPORARY_PREFIX}*"):
        with suppress(FileNotFoundError, PermissionError, BlockingIOError):
            descriptor = os.open(home / "in-use", os.O_RDWR)
            try:
                fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
                _remove(Cluster(home, home / "socket"))
            finally:
                os.close(descriptor)


def run_with_temporary_cluster(command: Sequence[str], database: str = DATABASE) -> int:
    """Run a command with DATABASE_URL set to a throwaway cluster; return its exit code."""
    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, _leave)
    with temporary_cluster(database) as cluster:
        environment = os.environ | {"DATABASE_URL": cluster.url}
        child = subprocess.Popen(command, env=environment)
        with _signals_forwarded(child):
            code = child.wait()
    return 128 - code if code < 0 else code


def _leave(number: int, _frame: FrameType | None) -> None:
    """Exit through every `finally`, so nothing stays behind."""
    sys.exit(128 + number)


@contextmanager
def _signals_forwarded(child: subprocess.Popen[bytes]) -> Iterator[None]:
    """Forward signals, except a Ctrl-C that the terminal also sent to the child."""

    def forward(number: int, _frame: FrameType | None) -> None:
        if not (number == signal.SIGINT and _in_foreground()):
            child.send_signal(number)

    forwarded = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
    before = {number: signal.signal(number, forward) for number in forwarded}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _in_foreground() -> bool:
    return sys.stdin.isatty() and os.tcgetpgrp(sys.stdin.fileno()) == os.getpgrp()
