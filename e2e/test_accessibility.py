"""Accessible to everyone, on every page (`e2e/places.py`): axe, narrow phones, zoom, large text."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest
from playwright.sync_api import Browser, Page, expect

from e2e import journey, layout
from e2e.axe import THEMES, Theme, faults
from e2e.browser import ARGUMENTS, need_browser
from e2e.stack import Stack
from e2e.walk import walking

# The narrowest phone, and a desktop.
WIDTHS = [320, 1280]
# A window of 1280 pixels, zoomed to 200 %: WCAG 1.4.4.
ZOOMED = 640
PHONE = 360
Seen = dict[str, dict[str, list[str]]]


@pytest.fixture(scope="module")
def seen(browser: Browser, stack: Stack) -> Seen:
    """What's wrong with each page, by what was looked at."""
    found: Seen = defaultdict(dict)
    with walking(browser, stack) as world, _large_text(browser) as large:
        for name, page in world.visits():
            for what, look in LOOKS.items():
                if wrong := look(page):
                    found[what][name] = wrong
            if wrong := _with_large_text(large, page):
                found["large"][name] = wrong
    return found


def _axe(page: Page) -> list[str]:
    return [
        f"{theme}, {width} px: {fault}"
        for width in WIDTHS
        for theme in THEMES
        for fault in _in(page, theme, width)
    ]


def _in(page: Page, theme: Theme, width: int) -> list[str]:
    page.set_viewport_size({"width": width, "height": 800})
    page.emulate_media(color_scheme=theme, reduced_motion="reduce")
    return faults(page)


def _at(width: int, measure: Callable[[Page], list[str]]) -> Callable[[Page], list[str]]:
    def look(page: Page) -> list[str]:
        page.set_viewport_size({"width": width, "height": 800})
        return measure(page)

    return look


@contextmanager
def _large_text(browser: Browser) -> Iterator[Browser]:
    """Start a second browser, whose owner has set text to twice its size."""
    arguments = [*ARGUMENTS, layout.TWICE_AS_LARGE]
    larger = browser.browser_type.launch(executable_path=need_browser(), args=arguments)
    yield larger
    larger.close()


def _with_large_text(large: Browser, page: Page) -> list[str]:
    """Open the same page with the same cookies in that browser."""
    context = large.new_context(
        storage_state=page.context.storage_state(),
        viewport={"width": PHONE, "height": 740},
        reduced_motion="reduce",
    )
    other = context.new_page()
    other.goto(page.url)
    found = layout.faults(other)
    context.close()
    return found


LOOKS: dict[str, Callable[[Page], list[str]]] = {
    "axe": _axe,
    "narrow": _at(WIDTHS[0], layout.faults),
    "zoomed": _at(ZOOMED, layout.faults),
}


def test_axe_finds_nothing_on_any_page_in_both_themes_on_phone_and_desktop(seen: Seen) -> None:
    assert seen.get("axe", {}) == {}


def test_nothing_is_cut_off_on_the_narrowest_phone(seen: Seen) -> None:
    assert seen.get("narrow", {}) == {}


def test_nothing_is_cut_off_or_covered_at_a_zoom_of_200_percent(seen: Seen) -> None:
    assert seen.get("zoomed", {}) == {}


def test_nothing_is_cut_off_or_covered_on_a_phone_with_text_twice_as_large(seen: Seen) -> None:
    assert seen.get("large", {}) == {}


def test_the_sandboxs_panel_fits_a_window_of_1000_pixels(page: Page, stack: Stack) -> None:
    journey.sign_up(page, stack, "Wendy Wide", "wendy.wide@members.example")
    page.get_by_role("link", name="Membership").first.click()
    page.get_by_role("button", name=re.compile("Subscribe")).click()
    journey.pay(page)
    stack.settle()
    page.set_viewport_size({"width": 1000, "height": 800})
    page.goto(stack.sandbox_url)
    expect(page.get_by_text("wendy.wide@members.example").first).to_be_visible()
    assert page.evaluate("document.documentElement.scrollWidth") <= 1000
