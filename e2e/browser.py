"""Finds a working Chromium: the machine's own, or the one that Playwright downloaded.

python -m e2e.browser
"""

import fcntl
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

from playwright.sync_api import sync_playwright

LONGEST_WAIT = 15_000  # milliseconds; a busy machine takes more than Playwright's five seconds
ROOT = Path(__file__).resolve().parent.parent
COMMANDS = ("chromium", "google-chrome", "google-chrome-stable", "chromium-browser")
APPLICATIONS = (
    "/Applications/Google Chrome.app/Contents/MacOS/Google Chrome",
    "/Applications/Chromium.app/Contents/MacOS/Chromium",
)
# Quiet, and without the sandbox, which containers and root can't use: it only sees our own pages.
ARGUMENTS = (
    "--no-sandbox",
    "--disable-dev-shm-usage",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)


def find_browser() -> str:
    """The path of a Chromium; `CHROMIUM` in the environment names one. Raises LookupError."""
    for path in _candidates():
        if _runs(path):
            return path
    raise LookupError("No Chromium or Chrome was found; bin/test installs one.")


def need_browser() -> str:
    """The path of a Chromium, installed now if there is none. Raises LookupError."""
    # Processes of one run that need a browser at the same time would install it twice.
    path = Path(tempfile.gettempdir(), f"portal-browser-{os.getuid()}")
    with os.fdopen(os.open(path, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW, 0o600)) as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        with suppress(LookupError):
            return find_browser()
        answer = subprocess.run(
            ["bash", ROOT / "bin" / "_browser"], capture_output=True, text=True, check=False
        )
    if answer.returncode:
        raise LookupError(answer.stderr.strip())
    return answer.stdout.splitlines()[-1]


def _candidates() -> Iterator[str]:
    if chosen := os.environ.get("CHROMIUM"):
        yield chosen
    yield from filter(None, map(shutil.which, COMMANDS))
    yield from filter(os.path.exists, APPLICATIONS)
    with sync_playwright() as playwright:
        yield playwright.chromium.executable_path


def _runs(path: str) -> bool:
    """Whether it starts: Ubuntu's may ask for a snap, and a download may lack libraries."""
    try:
        answer = subprocess.run([path, "--version"], capture_output=True, timeout=30, check=False)
    except (OSError, subprocess.TimeoutExpired):
        return False
    return answer.returncode == 0


if __name__ == "__main__":
    try:
        print(find_browser())
    except LookupError as error:
        sys.exit(str(error))
