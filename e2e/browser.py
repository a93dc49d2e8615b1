"""Finds a Chromium that runs: the machine's own, else the one that Playwright downloaded.

python -m e2e.browser
"""

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator

from playwright.sync_api import sync_playwright

COMMANDS = ("chromium", "google-chrome", "google-chrome-stable", "chromium-browser")
APPLICATIONS = (
    "/Applications/Google Chrome.app/Contents/MacOS/Google Chrome",
    "/Applications/Chromium.app/Contents/MacOS/Chromium",
)
# Quiet, and without the sandbox that containers and root can't have: it only sees our own pages.
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


def _candidates() -> Iterator[str]:
    if chosen := os.environ.get("CHROMIUM"):
        yield chosen
    yield from filter(None, map(shutil.which, COMMANDS))
    yield from filter(os.path.exists, APPLICATIONS)
    with sync_playwright() as playwright:
        yield playwright.chromium.executable_path


def _runs(path: str) -> bool:
    """Being there is not enough: Ubuntu's may ask for a snap, a download may lack libraries."""
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
