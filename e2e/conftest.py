"""Browser test fixtures: the running product, and a browser."""

from __future__ import annotations

from collections.abc import Generator, Iterator
from pathlib import Path
from typing import Any

import psycopg
import pytest
from playwright.sync_api import Error as PlaywrightError
from playwright.sync_api import Page, expect

from e2e.browser import ARGUMENTS, LONGEST_WAIT, need_browser
from e2e.stack import Stack, running_stack

SHOWN = 2_000  # characters
UNFINISHED_JOBS = """
    SELECT task_name, status, attempts, scheduled_at, args FROM procrastinate_jobs
    WHERE status NOT IN ('succeeded', 'cancelled')
"""

expect.set_options(timeout=LONGEST_WAIT)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark everything in this folder: it needs the whole product running."""
    here = Path(__file__).resolve().parent
    for item in items:
        if here in item.path.parents:
            item.add_marker(pytest.mark.e2e)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item, call: pytest.CallInfo[None]
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Say what a failed test's browser showed, and what the product was still to do."""
    report = yield
    used = getattr(item, "funcargs", {})
    if report.failed and call.when == "call":
        for name, value in used.items():
            if isinstance(value, Page):
                report.sections.append((f"What {name} shows", _shown(value)))
        if isinstance(stack := used.get("stack"), Stack):
            report.sections.append(("What the product does", _doing(stack)))
    return report


def _shown(page: Page) -> str:
    try:
        text = page.locator("body").inner_text(timeout=5_000)
    except PlaywrightError as error:
        text = str(error)
    return f"{page.url}\n{text[:SHOWN]}"


def _doing(stack: Stack) -> str:
    """Return its jobs that aren't done, and the end of its log."""
    try:
        jobs = [str(row) for row in stack.sql(UNFINISHED_JOBS)]
    except psycopg.Error as error:
        jobs = [str(error)]
    return "\n".join([*jobs, stack.log.read_text(errors="replace")[-SHOWN:]])


@pytest.fixture(scope="session")
def browser_type_launch_args(browser_type_launch_args: dict[str, Any]) -> dict[str, Any]:
    """Use the machine's own Chromium if there is one, else Playwright's."""
    try:
        browser = need_browser()
    except LookupError as error:
        pytest.fail(str(error), pytrace=False)
    return {**browser_type_launch_args, "executable_path": browser, "args": list(ARGUMENTS)}


@pytest.fixture(scope="session")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    """The whole product as real processes, for the whole run."""
    log = tmp_path_factory.mktemp("stack") / "stack.log"
    with running_stack(log) as running:
        yield running
        print(log.read_text(errors="replace")[-4000:])


@pytest.fixture(autouse=True)
def left_as_found(request: pytest.FixtureRequest) -> Iterator[None]:
    """Keep a test's refund policy and faults from those that come after it, in whatever order."""
    if "stack" not in request.fixturenames:
        yield
        return
    with request.getfixturevalue("stack").left_as_found():
        yield


@pytest.fixture
def page(page: Page) -> Page:
    """A browser page that waits at most 15 seconds for anything."""
    page.set_default_timeout(LONGEST_WAIT)
    return page
