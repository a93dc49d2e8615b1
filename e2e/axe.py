"""What axe finds wrong with a page as it's shown."""

from __future__ import annotations

from typing import Literal

from axe_playwright_python.base import AXE_SCRIPT
from playwright.sync_api import Page

Theme = Literal["light", "dark"]
THEMES: list[Theme] = ["light", "dark"]
RUN = "() => axe.run(document, {resultTypes: ['violations']})"


def faults(page: Page) -> list[str]:
    """Return axe's violations."""
    if not page.evaluate("'axe' in window"):
        page.evaluate(AXE_SCRIPT)
    violations = page.evaluate(RUN)["violations"]
    return [f"{fault['id']}: {fault['nodes'][0]['html'][:200]}" for fault in violations]
