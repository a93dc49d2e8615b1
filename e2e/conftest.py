"""Browser test fixtures: the running product, and a browser."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from e2e.browser import ARGUMENTS, LONGEST_WAIT, need_browser
from e2e.stack import Stack, running_stack

expect.set_options(timeout=LONGEST_WAIT)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark everything in this folder: it needs the whole product running."""
    here = Path(__file__).resolve().parent
    for item in items:
        if here in item.path.parents:
            item.add_marker(pytest.mark.e2e)


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


@pytest.fixture
def page(page: Page) -> Page:
    """A browser page that waits at most 15 seconds for anything."""
    page.set_default_timeout(LONGEST_WAIT)
    return page
