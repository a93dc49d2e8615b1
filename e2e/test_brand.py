"""The owner edits the brand on the staff site, and members see it."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator

import pytest
from axe_playwright_python.base import AXE_SCRIPT
from playwright.sync_api import Browser, ConsoleMessage, Page, Route, expect

from business.tests import hostile
from e2e import journey
from e2e.axe import faults
from e2e.stack import Stack

OWNER = "owner@brand.example"
PAGE = "/staff/business/brandversion/"
# Processes read what's in force after ten seconds at the latest.
SEEN_SECONDS = 20


@pytest.fixture(scope="module")
def account(stack: Stack) -> str:
    """The owner's account."""
    stack.manage(
        "shell",
        "-c",
        "from members.accounts import open_account;"
        f"open_account('{OWNER}', 'Olga Owner', '{journey.PASSWORD}',"
        " is_staff=True, is_superuser=True)",
    )
    return OWNER


@pytest.fixture
def owner(account: str, browser: Browser, stack: Stack) -> Iterator[Page]:
    """The owner's browser, signed in a moment ago; afterward the brand is as before."""
    context = browser.new_context(viewport={"width": 1440, "height": 1000})
    page = context.new_page()
    page.goto(f"{stack.url}/staff/")
    journey.fill_sign_in(page, account)
    expect(page).to_have_url(f"{stack.url}/staff/")
    yield page
    context.close()
    command = "from business.models import BrandVersion; BrandVersion.objects.all().delete()"
    stack.manage("shell", "-c", command)


def until_it_says(page: Page, url: str, words: str) -> None:
    """Load a page until it says something."""
    until = time.monotonic() + SEEN_SECONDS
    page.goto(url)
    while words not in page.content() and time.monotonic() < until:
        page.wait_for_timeout(500)
        page.goto(url)
    expect(page.get_by_text(words)).to_be_visible()


def test_the_owner_sees_the_brand_before_saving_and_members_after(
    owner: Page, browser: Browser, stack: Stack
) -> None:
    complaints: list[str] = []

    def listen(said: ConsoleMessage) -> None:
        # A preview gives way to the next one, which HTMX writes down as an error.
        if said.type == "error" and said.text not in {"htmx:afterRequest", "htmx:sendAbort"}:
            complaints.append(said.text)

    owner.on("console", listen)
    owner.goto(f"{stack.url}{PAGE}")
    portal = owner.frame_locator('iframe[title="Preview of the portal, light"]')
    owner.get_by_label("Tagline").fill("Strong by the water")
    expect(portal.get_by_text("Strong by the water")).to_be_visible()
    owner.get_by_label("Benefit 1: text").fill("Unlimited classes")
    owner.get_by_label("Support hours").fill("Weekdays, 9 to 5")
    owner.get_by_label("Logo", exact=True).set_input_files(
        {"name": "logo.svg", "mimeType": "image/svg+xml", "buffer": hostile.svg(hostile.DISC)}
    )
    expect(owner.get_by_role("button", name="Remove logo")).to_be_visible(timeout=15_000)
    # What was typed is still there, and all of it is in the preview.
    expect(owner.get_by_label("Tagline")).to_have_value("Strong by the water")
    expect(portal.locator(".brand-logo img")).to_be_visible()
    expect(portal.get_by_text("Unlimited classes")).to_be_visible()
    mail = owner.frame_locator('iframe[title="Preview of an email, dark"]')
    expect(mail.get_by_text("Weekdays, 9 to 5")).to_be_attached()

    visitor = browser.new_page()
    visitor.goto(f"{stack.url}/accounts/login/")
    expect(visitor.locator(".brand-logo")).to_have_count(0)
    owner.get_by_role("button", name="Save brand").click()
    expect(owner.get_by_text("Saved. It’s in force now")).to_be_visible()
    expect(owner.get_by_text("Version 1", exact=True)).to_be_visible()
    until_it_says(visitor, f"{stack.url}/accounts/login/", "Weekdays, 9 to 5")
    width = visitor.locator(".brand-logo img").evaluate("image => image.naturalWidth")
    assert width > 100
    visitor.close()
    assert not complaints


def test_a_wrong_upload_is_explained_where_it_was_chosen(owner: Page, stack: Stack) -> None:
    owner.goto(f"{stack.url}{PAGE}")
    owner.get_by_label("Logo", exact=True).set_input_files(
        {"name": "logo.png", "mimeType": "image/png", "buffer": b"just words"}
    )
    said = owner.locator("#upload-logo").get_by_role("alert")
    expect(said).to_contain_text("isn’t a picture we can use")


FRAMES = {
    "Preview of the portal, light": "light",
    "Preview of the portal, dark": "dark",
    "Preview of an email, light": "light",
    "Preview of an email, dark": "dark",
}


# Light and dark text on the color, and the least contrast that's taken.
@pytest.mark.parametrize("color", ["#2f5d50", "#ffd400", "#111111"])
def test_the_preview_is_accessible_in_both_themes(
    owner: Page, browser: Browser, stack: Stack, color: str
) -> None:
    owner.goto(f"{stack.url}{PAGE}")
    owner.get_by_label("Tagline").fill("Strong by the water")
    owner.get_by_label("Benefit 1: text").fill("Unlimited classes")
    owner.locator('input[name="color"]').fill(color)
    first = owner.frame_locator('iframe[title="Preview of the portal, light"]')
    expect(first.get_by_text("Unlimited classes")).to_be_visible()
    expect(owner.locator("#brand-preview iframe")).to_have_count(len(FRAMES))
    wrong = {}
    for title, theme in FRAMES.items():
        shown = owner.locator(f'iframe[title="{title}"]').get_attribute("srcdoc")
        assert shown
        # The frame runs no scripts, so what it shows is checked as a page of the same address.
        page = browser.new_page(color_scheme="dark" if theme == "dark" else "light")
        address = f"{stack.url}/preview-frame/"
        page.route(address, _answer_with(shown))
        page.goto(address)
        wrong[title] = faults(page) if "portal" in title else _faults_of_a_mail(page)
        page.close()
    assert not any(wrong.values()), wrong
    inside = "() => axe.run('.staff-brand-preview', {resultTypes: ['violations']})"
    owner.evaluate(AXE_SCRIPT)
    assert [one["id"] for one in owner.evaluate(inside)["violations"]] == []


def _faults_of_a_mail(page: Page) -> list[str]:
    """Return what breaks WCAG; landmarks and the like are those of the program that shows it."""
    page.evaluate(AXE_SCRIPT)
    levels = "['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa']"
    found = page.evaluate(f"() => axe.run(document, {{runOnly: {levels}}})")
    assert found["passes"], "axe looked at nothing"
    return [f"{one['id']}: {one['nodes'][0]['html'][:200]}" for one in found["violations"]]


def _answer_with(html: str) -> Callable[[Route], None]:
    return lambda route: route.fulfill(body=html, content_type="text/html; charset=utf-8")
