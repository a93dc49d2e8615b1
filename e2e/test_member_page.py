"""Support's day on a member's page: a note, a change, and a look through the member's eyes."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, expect

from e2e import journey
from e2e.axe import faults
from e2e.browser import LONGEST_WAIT
from e2e.stack import Stack

OWNER, MEMBER = "owner@member-page.example", "mia@member-page.example"
YEARLY = "yara@member-page.example"
# As long as a name may be.
LONG = "Wilhelmina-Alexandrina von Hohenzollern-Sigmaringen y Fernández de la Vega"

SIDEWAYS = "document.documentElement.scrollWidth - document.documentElement.clientWidth"


@pytest.fixture(scope="module")
def office(browser: Browser, stack: Stack) -> Iterator[BrowserContext]:
    """The owner's browser, on the page of a member with a membership."""
    stack.manage(
        "shell",
        "-c",
        "from members.accounts import open_account;"
        f"open_account('{OWNER}', 'Olga Owner', '{journey.PASSWORD}',"
        " is_staff=True, is_superuser=True)",
    )
    context = browser.new_context()
    page = context.new_page()
    journey.sign_up(page, stack, LONG, MEMBER)
    journey.subscribe(page, stack)
    stack.settle()
    context.clear_cookies()
    page.goto(f"{stack.url}/staff/")
    journey.fill_sign_in(page, OWNER)
    expect(page).to_have_url(f"{stack.url}/staff/")
    page.close()
    yield context
    context.close()


@pytest.fixture
def desk(office: BrowserContext) -> Iterator[Page]:
    """A new page of the owner's browser: no other test has left it narrow, dark, or elsewhere."""
    page = office.new_page()
    page.set_default_timeout(LONGEST_WAIT)
    yield page
    page.close()


@pytest.fixture
def address(stack: Stack) -> str:
    """Where the member's page is."""
    [(pk,)] = stack.sql("SELECT id FROM auth_user WHERE email = %s", MEMBER)
    return f"{stack.url}/staff/auth/user/{pk}/change/"


def test_support_writes_a_note_and_cancels_with_the_period(desk: Page, address: str) -> None:
    desk.goto(address)
    expect(desk.get_by_role("heading", name="What you can do")).to_be_visible()
    desk.get_by_role("link", name="Add a note").click()
    dialog = desk.locator("#modal-content")
    dialog.get_by_label("Note").fill("Prefers the early class.")
    dialog.get_by_role("button", name="Add a note").click()
    expect(desk.get_by_text("The note is saved.")).to_be_visible()
    expect(desk.get_by_text("Prefers the early class.").first).to_be_visible()
    desk.get_by_role("link", name="Cancel with the period").click()
    expect(dialog.get_by_text("Next charge of $29.00")).to_be_visible()
    dialog.get_by_role("button", name="Cancel with the period").click()
    expect(desk.get_by_text("Canceled with its period.").first).to_be_visible()
    desk.get_by_role("link", name="Keep it going").click()
    dialog.get_by_role("button", name="Keep it going").click()
    expect(desk.get_by_text("Its end was taken back.").first).to_be_visible()


def test_support_pauses_payments_and_lets_them_resume(desk: Page, address: str) -> None:
    desk.goto(address)
    dialog = desk.locator("#modal-content")
    desk.get_by_role("link", name=re.compile("Pause payments$")).click()
    expect(dialog.get_by_text("Next charge of $29.00")).to_be_visible()
    expect(dialog.get_by_label("Void them: this time is free")).to_be_checked()
    dialog.get_by_role("button", name="Pause payments").click()
    expect(desk.get_by_text("Paused the payments until further notice.").first).to_be_visible()
    desk.get_by_role("link", name=re.compile("Resume payments$")).click()
    dialog.get_by_role("button", name="Resume payments").click()
    expect(desk.get_by_text("The payments resume.").first).to_be_visible()


def test_support_gives_free_time(desk: Page, address: str) -> None:
    desk.goto(address)
    dialog = desk.locator("#modal-content")
    desk.get_by_role("link", name=re.compile("Give free time$")).click()
    dialog.get_by_label("Free days").fill("10")
    dialog.get_by_role("button", name="Give free time").click()
    expect(desk.get_by_text("Gave free time until").first).to_be_visible()
    expect(desk.get_by_text("Free time", exact=True).first).to_be_visible()


def test_support_sees_what_another_price_would_cost(desk: Page, address: str) -> None:
    desk.goto(address)
    dialog = desk.locator("#modal-content")
    desk.get_by_role("link", name=re.compile("Change the price$")).click()
    expect(dialog.get_by_label("$290.00 a year,").first).to_be_visible()
    assert desk.evaluate(SIDEWAYS) <= 0


def test_support_plans_a_year_takes_it_back_and_changes_the_price_now(
    desk: Page, browser: Browser, stack: Stack
) -> None:
    context = browser.new_context()
    hers = context.new_page()
    journey.sign_up(hers, stack, "Yara Yearly", YEARLY)
    journey.subscribe(hers, stack)
    stack.settle()
    [(pk,)] = stack.sql("SELECT id FROM auth_user WHERE email = %s", YEARLY)
    desk.goto(f"{stack.url}/staff/auth/user/{pk}/change/")
    dialog = desk.locator("#modal-content")
    desk.get_by_role("link", name=re.compile("Change the price$")).click()
    expect(dialog.get_by_text("Until then it can be taken back.")).to_be_visible()
    dialog.get_by_label("$290.00 a year, later").check()
    dialog.get_by_role("button", name="Change the price").click()
    expect(desk.get_by_text("Planned $290.00 a year from").first).to_be_visible()
    hers.goto(f"{stack.url}/membership/")
    expect(hers.get_by_text("$290.00 a year from")).to_be_visible()
    assert faults(hers) == []
    hers.get_by_role("button", name="Keep my present plan").click()
    expect(hers.get_by_text("You keep your present plan.").first).to_be_visible()
    expect(hers.get_by_text("$290.00 a year from")).to_have_count(0)
    desk.reload()
    desk.get_by_role("link", name=re.compile("Change the price$")).click()
    dialog.get_by_label("$290.00 a year, now").check()
    dialog.get_by_role("button", name="Change the price").click()
    changed = desk.get_by_text("Changed the price from $29.00 to $290.00 a year.")
    expect(changed.first).to_be_visible()
    stack.settle()
    hers.reload()
    expect(hers.get_by_text("Switch to monthly billing")).to_be_visible()
    context.close()


def test_support_sends_a_link_signs_out_and_closes_and_keeps_the_account(
    desk: Page, address: str, browser: Browser, stack: Stack
) -> None:
    context = browser.new_context()
    hers = context.new_page()
    hers.goto(f"{stack.url}/accounts/login/")
    journey.fill_sign_in(hers, MEMBER)
    expect(hers).to_have_url(f"{stack.url}/")
    desk.goto(address)
    dialog = desk.locator("#modal-content")
    desk.get_by_role("link", name="Email a sign-in link").click()
    dialog.get_by_role("button", name="Email a sign-in link").click()
    expect(desk.get_by_text(f"We emailed a sign-in link to {MEMBER}.").first).to_be_visible()
    desk.get_by_role("link", name="Sign out everywhere").click()
    expect(dialog.get_by_text("Signed in on")).to_be_visible()
    dialog.get_by_role("button", name="Sign out everywhere").click()
    expect(desk.get_by_text("Signed out everywhere (").first).to_be_visible()
    hers.goto(f"{stack.url}/account/")
    expect(hers.get_by_role("heading", name="Sign in")).to_be_visible()
    context.close()
    desk.get_by_role("link", name="Close the account").click()
    expect(dialog.get_by_text("stops renewing right away (was:")).to_be_visible()
    dialog.get_by_label("Reason").fill("Moved to another town.")
    dialog.get_by_role("button", name="Close the account").click()
    expect(desk.get_by_text("The account closes on").first).to_be_visible()
    desk.get_by_role("link", name="Stop closing").click()
    dialog.get_by_role("button", name="Stop closing").click()
    expect(desk.get_by_text("The account stays open.").first).to_be_visible()


def test_who_views_as_the_member_can_only_look(desk: Page, address: str, stack: Stack) -> None:
    desk.goto(address)
    desk.get_by_role("link", name="View as this member").click()
    dialog = desk.locator("#modal-content")
    dialog.get_by_role("button", name="View as this member").click()
    expect(desk).to_have_url(f"{stack.url}/")
    banner = desk.get_by_role("region", name="Viewing as a member")
    expect(banner).to_contain_text(LONG)
    assert faults(desk) == []
    desk.goto(f"{stack.url}/membership/")
    desk.get_by_role("link", name="Cancel membership").click()
    expect(desk.get_by_role("heading", name="Nothing was done")).to_be_visible()
    # What HTMX sends is refused, too, and the page says so.
    desk.goto(f"{stack.url}/account/")
    desk.get_by_role("button", name="Save").first.click()
    expect(desk.get_by_text("so nothing was done").first).to_be_visible()
    banner.get_by_role("button", name="Stop viewing").click()
    expect(desk).to_have_url(address)
    expect(desk.get_by_text("You no longer view as").first).to_be_visible()
    desk.goto(f"{stack.url}/")
    expect(banner).to_have_count(0)


@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize("width", [1280, 360])
def test_the_page_fits_and_axe_finds_nothing_serious(
    desk: Page, address: str, width: int, theme: str
) -> None:
    desk.set_viewport_size({"width": width, "height": 900})
    desk.emulate_media(color_scheme="dark" if theme == "dark" else "light")
    desk.goto(address, wait_until="networkidle")
    assert desk.evaluate(SIDEWAYS) <= 0
    # Unfold's own frame aside: its parts are not ours to mend.
    faults(desk)
    inside = "() => axe.run('.staff-member', {resultTypes: ['violations']})"
    assert [one["id"] for one in desk.evaluate(inside)["violations"]] == []
