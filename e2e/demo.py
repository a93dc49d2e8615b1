"""The demo as `bin/screenshots` and `bin/lighthouse` use it: the running one, or their own."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import httpx
from playwright.sync_api import Browser, StorageState

from common.postgres import CHECKOUT
from demo.launch import SEEDED, SIGN_INS, Choices

DEMO_SECONDS = 900
# Anyone on the web.
SIGNED_OUT = ""


@dataclass(frozen=True)
class Places:
    """Where the demo is."""

    portal: str
    sandbox: str


@contextmanager
def running_demo() -> Iterator[Places]:
    """Use this checkout's demo: the running one, or one started and stopped here."""
    if _answers(_places()):
        yield _places()
        return
    print("Starting the demo …", flush=True)
    with subprocess.Popen([sys.executable, "-m", "demo.launch"], cwd=CHECKOUT) as demo:
        try:
            _wait_for(demo)
            yield _places()
        finally:
            demo.send_signal(signal.SIGINT)


def _places() -> Places:
    choices = Choices.load()
    return Places(choices.portal, choices.sandbox)


def _answers(places: Places) -> bool:
    """Whether the demo is running and its world is complete."""
    try:
        healthy = httpx.get(f"{places.portal}/healthz/", timeout=5, trust_env=False).is_success
    except httpx.TransportError:
        return False
    return healthy and SEEDED.exists()


def _wait_for(demo: subprocess.Popen[bytes]) -> None:
    deadline = time.monotonic() + DEMO_SECONDS
    while not _answers(_places()):
        if demo.poll() is not None or time.monotonic() > deadline:
            raise RuntimeError("The demo did not start; .data/demo/demo.log says why.")
        time.sleep(0.5)


def sign_in(browser: Browser, places: Places, role: str) -> StorageState:
    """Sign in as one of the demo's people; return their cookies."""
    rows = json.loads(SIGN_INS.read_text())
    person = next(row for row in rows if row["role"] == role)
    context = browser.new_context(reduced_motion="reduce")
    try:
        page = context.new_page()
        page.goto(f"{places.portal}/accounts/login/")
        page.locator("input[name=login]").fill(person["email"])
        page.locator("input[name=password]").fill(person["password"])
        page.locator("input[name=password]").press("Enter")
        page.wait_for_url(lambda address: "/accounts/login/" not in address)
        return context.storage_state()
    finally:
        context.close()
