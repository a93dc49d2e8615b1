"""The staff's day: sign in, look everywhere, replay an event. Nobody else gets in."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, BrowserContext, ConsoleMessage, Page, expect

from e2e import journey
from e2e.axe import THEMES, faults
from e2e.browser import LONGEST_WAIT
from e2e.stack import Stack

OWNER = "owner@staff.example"
# Faults of the frame that Unfold puts around each page.
UNFOLDS = ("landmark-one-main", 'region: <span class="material-symbols-outlined')
LISTS = [
    "auth/user",
    "auth/group",
    "billing/customer",
    "billing/subscription",
    "billing/invoice",
    "billing/payment",
    "billing/refund",
    "billing/refundpolicy",
    "billing/refundentry",
    "billing/ledgercheck",
    "billing/dispute",
    "billing/paymentrequest",
    "billing/item",
    "billing/plan",
    "billing/checkout",
    "billing/stripeevent",
    "billing/reconciliation",
    "emails/message",
    "members/smsconsentrecord",
    "members/signin",
    "members/termsacceptance",
]


@pytest.fixture(scope="module")
def office(browser: Browser, stack: Stack) -> Iterator[BrowserContext]:
    """The owner's browser, signed in to the staff site, with a member's events to look at."""
    stack.manage(
        "shell",
        "-c",
        "from members.accounts import open_account;"
        f"open_account('{OWNER}', 'Olga Owner', '{journey.PASSWORD}',"
        " is_staff=True, is_superuser=True)",
    )
    context = browser.new_context()
    page = context.new_page()
    journey.sign_up(page, stack, "Mia Member", "mia@staff.example")
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
def owner(office: BrowserContext) -> Iterator[Page]:
    """A new page of the owner's browser: no other test has left it narrow, dark, or elsewhere."""
    page = office.new_page()
    page.set_default_timeout(LONGEST_WAIT)
    yield page
    page.close()


def test_every_list_opens_without_a_complaint_of_the_browser(owner: Page, stack: Stack) -> None:
    complaints: list[str] = []

    def listen(message: ConsoleMessage) -> None:
        if message.type == "error":
            complaints.append(f"{owner.url}: {message.text}")

    owner.on("console", listen)
    for path in ["", *[f"{name}/" for name in LISTS]]:
        answer = owner.goto(f"{stack.url}/staff/{path}")
        assert answer is not None
        assert answer.status == 200, path
        first = owner.locator("#result_list a[href*='/change/']").first
        if first.count():
            first.click()
            expect(owner.get_by_role("link", name="Home").first).to_be_visible()
    owner.remove_listener("console", listen)
    assert complaints == []


@pytest.mark.parametrize("width", [1200, 1440])
@pytest.mark.parametrize("name", ["payment", "refund", "invoice", "subscription"])
def test_lists_of_money_fit_without_scrolling_sideways(
    owner: Page, stack: Stack, name: str, width: int
) -> None:
    stack.sql(
        "UPDATE auth_user SET first_name = 'Konstantina', last_name = 'Papadopoulou-Kyriakidou'"
        " WHERE email = 'mia@staff.example' RETURNING id"
    )
    owner.set_viewport_size({"width": width, "height": 900})
    owner.goto(f"{stack.url}/staff/billing/{name}/")
    wide = owner.evaluate(
        "[...document.querySelectorAll('#changelist *')].filter(one => one.clientWidth"
        " && one.scrollWidth > one.clientWidth + 1"
        " && ['auto', 'scroll'].includes(getComputedStyle(one).overflowX)).length"
    )
    owner.set_viewport_size({"width": 1280, "height": 720})
    assert wide == 0


def test_days_of_a_filter_are_not_covered_by_a_note(
    browser: Browser, owner: Page, stack: Stack
) -> None:
    state = owner.context.storage_state()
    context = browser.new_context(storage_state=state, timezone_id="Asia/Tokyo")
    page = context.new_page()
    page.goto(f"{stack.url}/staff/billing/payment/")
    page.get_by_text("Filters", exact=False).first.click()
    expect(page.get_by_text(re.compile("Whole days, time zone")).first).to_be_visible()
    notes = page.locator(".timezonewarning")
    assert notes.count() > 0
    for place in range(notes.count()):
        expect(notes.nth(place)).to_be_hidden()
    context.close()


def test_event_is_replayed(owner: Page, stack: Stack) -> None:
    owner.goto(f"{stack.url}/staff/billing/stripeevent/?q=invoice.paid")
    owner.locator("#result_list a[href*='/change/']").first.click()
    attempts = "SELECT max(attempts) FROM billing_stripeevent WHERE type = 'invoice.paid'"
    assert stack.sql(attempts) == [(1,)]
    owner.get_by_role("link", name=re.compile("Replay")).first.click()
    owner.locator("form").get_by_role("button", name=re.compile("Replay")).first.click()
    expect(owner.get_by_text(re.compile("again|replay", re.IGNORECASE)).first).to_be_visible()
    stack.settle()
    assert stack.sql(attempts) == [(2,)]


def test_plain_member_is_kept_out(browser: Browser, stack: Stack) -> None:
    context = browser.new_context()
    page = context.new_page()
    journey.sign_up(page, stack, "Paul Plain", "paul@staff.example")
    answer = page.goto(f"{stack.url}/staff/billing/invoice/")
    assert answer is not None
    assert answer.status == 403
    context.close()


def test_home_tells_the_business_in_numbers_that_lead_to_their_rows(
    owner: Page, stack: Stack
) -> None:
    stack.manage("rebuild_facts")
    for theme in THEMES:
        owner.emulate_media(color_scheme=theme)
        for width in (1280, 360):
            owner.set_viewport_size({"width": width, "height": 900})
            owner.goto(f"{stack.url}/staff/")
            assert owner.evaluate("document.documentElement.scrollWidth <= innerWidth"), width
            assert [one for one in faults(owner) if not one.startswith(UNFOLDS)] == []
    definition = owner.get_by_text("Monthly recurring revenue:").first
    expect(definition).to_be_hidden()
    # By keyboard first, then by touch or mouse.
    button = owner.get_by_role("button", name="What MRR means").first
    button.focus()
    owner.keyboard.press("Enter")
    expect(definition).to_be_visible()
    owner.keyboard.press("Escape")
    expect(definition).to_be_hidden()
    button.click()
    expect(definition).to_be_visible()
    owner.keyboard.press("Escape")
    # Other tests of this stack have members, too.
    number = owner.locator(".staff-tile-value a").first
    shown = number.inner_text()
    number.click()
    expect(owner.locator("#total")).to_have_text(shown)
    expect(owner.locator("table a[href*='/staff/auth/user/']").first).to_be_visible()
    owner.get_by_role("link", name="Home", exact=True).last.click()
    owner.get_by_role("button", name="Email me these numbers every Monday").click()
    expect(owner.get_by_text(f"You’ll get these numbers at {OWNER} every Monday.")).to_be_visible()
    owner.get_by_role("button", name="Turn off").click()
    expect(owner.get_by_text("You no longer get these numbers by email.")).to_be_visible()
