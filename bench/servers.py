"""The processes under test, with a production portal's settings."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from bench.events import SECRET
from testing.ports import free_port

ROOT = Path(__file__).resolve().parent.parent
HOST = "127.0.0.1"
START_SECONDS = 30


def environment() -> dict[str, str]:
    """Return the environment of every process: no debugging, nothing outside this machine."""
    return os.environ | {
        "DEBUG": "true",
        "DEBUG_PAGES": "false",
        "SECRET_KEY": "a-secret-of-the-benchmark-which-guards-nothing-at-all-anywhere",
        "ALLOWED_HOSTS": HOST,
        "PORTAL_URL": f"http://{HOST}",
        "TRUSTED_PROXIES": "0",
        "STRIPE_SECRET_KEY": "sk_test_bench",
        "STRIPE_WEBHOOK_SECRETS": SECRET,
        "STRIPE_PRICE_ID": "price_membership",
        # Nobody listens there: anything that isn't measured fails right away and stays local.
        "STRIPE_API_BASE": f"http://{HOST}:9",
        "TWILIO_ACCOUNT_SID": "",
        "EMAIL_URL": "dummymail://",
        "LOG_LEVEL": "ERROR",
        "NO_PROXY": HOST,
        "no_proxy": HOST,
    }


def manage(*arguments: str) -> None:
    """Run a management command to its end."""
    command = [sys.executable, "manage.py", *arguments]
    subprocess.run(command, cwd=ROOT, env=environment(), check=True, stdout=subprocess.DEVNULL)


@contextmanager
def running(command: Sequence[str]) -> Iterator[subprocess.Popen[bytes]]:
    """Run a Python module or script in the background until the end of the block."""
    process = subprocess.Popen([sys.executable, *command], cwd=ROOT, env=environment())
    try:
        yield process
    finally:
        process.terminate()
        try:
            process.wait(timeout=START_SECONDS)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


@contextmanager
def gunicorn(application: str, *options: str) -> Iterator[int]:
    """Serve an application with two processes; yield its port."""
    port = free_port()
    command = ["-m", "gunicorn", "--workers", "2", "--bind", f"{HOST}:{port}"]
    with running([*command, "--log-level", "warning", *options, application]) as process:
        _wait_for(port, process)
        yield port


def _wait_for(port: int, process: subprocess.Popen[bytes]) -> None:
    deadline = time.monotonic() + START_SECONDS
    while process.poll() is None and time.monotonic() < deadline:
        try:
            socket.create_connection((HOST, port), 1).close()
        except OSError:
            time.sleep(0.05)
        else:
            return
    raise RuntimeError(f"The server on port {port} did not start.")
