"""What HTMX can't do is said where its answer was to appear, and trying again works."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, BrowserContext, Locator, Page, expect

from e2e import journey
from e2e.axe import faults
from e2e.browser import LONGEST_WAIT
from e2e.stack import Stack

FIONA = "fiona@failures.example"
TABLE, AWAY = "billing_refundpolicy", "billing_refundpolicy_away"


@pytest.fixture(scope="module")
def phone(browser: Browser, stack: Stack) -> Iterator[BrowserContext]:
    """Fiona's browser; she has paid, so something can be refunded."""
    context = browser.new_context(viewport={"width": 360, "height": 780})
    page = context.new_page()
    page.set_default_timeout(LONGEST_WAIT)
    journey.become_a_member(page, stack, "Fiona Failing", FIONA)
    page.close()
    yield context
    context.close()


@pytest.fixture
def member(phone: BrowserContext) -> Iterator[Page]:
    """A new page of Fiona's browser, online, whatever another test has left."""
    phone.set_offline(False)
    page = phone.new_page()
    page.set_default_timeout(LONGEST_WAIT)
    yield page
    page.close()


def open_form(page: Page, stack: Stack) -> Locator:
    """Open the form of a refund; return its field for an amount."""
    page.context.set_offline(False)
    page.goto(f"{stack.url}/payments/")
    page.locator('main a[href^="/payments/invoices/"]').first.click()
    page.locator('main a[href$="/refund/"]').first.click()
    page.wait_for_url(re.compile("/refund/$"))
    # What this asks for is answered before a test breaks anything.
    with page.expect_response(lambda answer: answer.request.method == "POST"):
        page.get_by_label("Part of it").check()
    return page.get_by_role("textbox", name="Amount")


def notice(page: Page) -> Locator:
    """The notice where the preview was to appear."""
    return page.locator("#preview [role=alert]")


def request_of(page: Page, amount: str) -> Locator:
    """The button that asks for `amount`: what it names is confirmed by a preview."""
    return page.get_by_role("button", name=f"Request refund of {amount}", exact=True)


def test_offline_says_so_and_goes_on(member: Page, stack: Stack) -> None:
    amount = open_form(member, stack)
    member.context.set_offline(True)
    amount.fill("4.50")
    expect(notice(member)).to_contain_text("You’re offline.")
    # What the button named wasn't confirmed, and the preview of it is gone.
    expect(member.get_by_role("button", name="Request refund", exact=True)).to_be_visible()
    expect(member.get_by_role("button", name="Request refund of")).to_have_count(0)
    assert "$29.00" not in member.locator("#preview").inner_text()
    member.context.set_offline(False)
    notice(member).get_by_role("button", name="Try again").click()
    expect(request_of(member, "$4.50")).to_be_visible()
    expect(notice(member)).to_have_count(0)


def test_a_fault_of_ours_says_so_and_goes_on(member: Page, stack: Stack) -> None:
    amount = open_form(member, stack)
    stack.sql(f"ALTER TABLE {TABLE} RENAME TO {AWAY}")
    try:
        amount.fill("5.25")
        expect(notice(member)).to_contain_text("Something broke on our side.")
        # Trying again in vain says so again.
        with member.expect_response(lambda answer: answer.status == 500):
            notice(member).get_by_role("button", name="Try again").click()
        expect(notice(member)).to_contain_text("Something broke on our side.")
    finally:
        stack.sql(f"ALTER TABLE {AWAY} RENAME TO {TABLE}")
    notice(member).get_by_role("button", name="Try again").click()
    expect(request_of(member, "$5.25")).to_be_visible()
    expect(notice(member)).to_have_count(0)
    expect(amount).to_have_value("5.25")


def test_what_is_gone_asks_to_load_the_page(member: Page, stack: Stack) -> None:
    amount = open_form(member, stack)
    [(other,)] = stack.sql(
        "INSERT INTO auth_user (username, password, email, first_name, last_name, is_superuser,"
        " is_staff, is_active, date_joined) VALUES ('else', '', '', '', '', false, false, true,"
        " now()) RETURNING id"
    )
    [(fiona,)] = stack.sql("SELECT id FROM auth_user WHERE email = %s", FIONA)
    stack.sql("UPDATE billing_customer SET user_id = %s WHERE user_id = %s", other, fiona)
    try:
        amount.fill("6.00")
        expect(notice(member)).to_contain_text("This page is out of date.")
    finally:
        stack.sql("UPDATE billing_customer SET user_id = %s WHERE user_id = %s", fiona, other)
        stack.sql("DELETE FROM members_member WHERE user_id = %s", other)
        stack.sql("DELETE FROM auth_user WHERE id = %s", other)
    notice(member).get_by_role("button", name="Load the page again").click()
    expect(notice(member)).to_have_count(0)
    member.get_by_label("Part of it").check()
    member.get_by_role("textbox", name="Amount").fill("6.00")
    expect(request_of(member, "$6.00")).to_be_visible()


def test_an_expired_page_says_so_in_place_and_keeps_what_was_typed(
    member: Page, stack: Stack
) -> None:
    amount = open_form(member, stack)
    address = member.url
    member.get_by_label("Anything we should know").fill("The mat was torn.")
    member.context.clear_cookies(name="csrftoken")
    amount.fill("7.00")
    expect(notice(member)).to_contain_text(
        "This page has expired. Load it again; what you typed is kept."
    )
    member.get_by_label("Anything we should know").fill("The mat was torn and wet.")
    notice(member).get_by_role("button", name="Load the page again").click()
    expect(member.get_by_text("We kept what you typed.")).to_be_visible()
    expect(member).to_have_url(address)
    expect(member.get_by_label("Anything we should know")).to_have_value(
        "The mat was torn and wet."
    )
    expect(member.get_by_label("Part of it")).to_be_checked()
    expect(member.get_by_role("textbox", name="Amount")).to_have_value("7.00")
    expect(request_of(member, "$7.00")).to_be_visible()
    member.reload()
    expect(member.get_by_label("Anything we should know")).to_have_value("")


def test_a_session_that_ended_says_so_in_place_and_keeps_what_was_typed(
    member: Page, stack: Stack
) -> None:
    amount = open_form(member, stack)
    address = member.url
    member.get_by_label("Anything we should know").fill("The class was full.")
    stack.sql("DELETE FROM django_session")
    amount.fill("8.00")
    expect(notice(member)).to_contain_text(
        "You’ve been signed out. Sign in again; what you typed is kept."
    )
    expect(member).to_have_url(address)
    notice(member).get_by_role("link", name="Sign in again").click()
    journey.fill_sign_in(member, FIONA)
    expect(member).to_have_url(address)
    expect(member.get_by_text("We kept what you typed.")).to_be_visible()
    expect(member.get_by_label("Anything we should know")).to_have_value("The class was full.")
    expect(member.get_by_role("textbox", name="Amount")).to_have_value("8.00")
    expect(request_of(member, "$8.00")).to_be_visible()


def test_nobody_else_finds_what_was_typed(member: Page, stack: Stack) -> None:
    amount = open_form(member, stack)
    address = member.url
    amount.fill("9.00")
    expect(request_of(member, "$9.00")).to_be_visible()
    member.get_by_label("Anything we should know").fill("Only for the team.")
    stack.sql("DELETE FROM django_session")
    amount.fill("9.50")
    expect(notice(member)).to_contain_text("what you typed is kept")
    journey.sign_up(member, stack, "Gil Guest", "gil@failures.example")
    assert member.evaluate("sessionStorage.getItem('draft')") is None
    member.context.clear_cookies()
    member.goto(address)
    journey.fill_sign_in(member, FIONA)
    expect(member).to_have_url(address)
    expect(member.get_by_label("Anything we should know")).to_have_value("")


def test_a_password_is_never_kept(member: Page, stack: Stack) -> None:
    member.goto(f"{stack.url}/accounts/password/change/")
    fields = member.locator("input[type=password]")
    for number in range(fields.count()):
        fields.nth(number).fill("a-secret-of-fiona")
    stack.sql("DELETE FROM django_session")
    member.get_by_role("button", name="Save password").click()
    expect(member.get_by_text("You’re signed out. Sign in to continue.")).to_be_visible()
    assert "a-secret-of-fiona" not in (
        member.evaluate("JSON.stringify({...sessionStorage, ...localStorage})")
    )
    journey.fill_sign_in(member, FIONA)
    expect(member.get_by_text("We couldn’t change your password.")).to_be_visible()
    expect(fields.first).to_have_value("")


def test_a_request_and_its_withdrawal_can_be_tried_again(member: Page, stack: Stack) -> None:
    amount = open_form(member, stack)
    amount.fill("9.00")
    expect(request_of(member, "$9.00")).to_be_visible()
    request = request_of(member, "$9.00")
    request.click()
    # What's missing is said at its field, which has the focus; nothing else is lost.
    expect(member.get_by_text("Choose a reason.", exact=True)).to_be_visible()
    expect(member.get_by_label("Why?")).to_be_focused()
    expect(member.get_by_role("textbox", name="Amount")).to_have_value("9.00")
    member.get_by_label("Why?").select_option("I forgot to cancel")
    expect(member.locator("#preview .htmx-request")).to_have_count(0)
    member.context.set_offline(True)
    request.click()
    form = member.locator("#asking > [role=alert]")
    expect(form).to_contain_text("You’re offline.")
    member.context.set_offline(False)
    form.get_by_role("button", name="Try again").click()
    expect(member.get_by_role("heading", name="Refund of $9.00")).to_be_visible()

    withdraw = member.get_by_role("button", name="Withdraw my request")
    withdraw.first.click()
    dialog = member.get_by_role("dialog")
    member.context.set_offline(True)
    dialog.get_by_role("button", name="Withdraw my request").click()
    story = member.locator("#story > [role=alert]")
    expect(story).to_contain_text("You’re offline.")
    expect(dialog).to_be_hidden()
    member.context.set_offline(False)
    story.get_by_role("button", name="Try again").click()
    told = member.get_by_text("You withdrew your request for $9.00.")
    expect(told).to_be_visible()
    expect(member.locator("#story [role=status]")).to_be_focused()
    expect(withdraw).to_have_count(0)


def press_card(page: Page) -> None:
    page.get_by_role("button", name="Change card").click()


def said_at_button(page: Page) -> Locator:
    """What the form of the card's button says."""
    return page.locator('form[action="/membership/card/"] [role=alert]')


def test_a_button_that_leads_to_stripe_says_beside_it_why_it_does_not(
    member: Page, stack: Stack
) -> None:
    address = f"{stack.url}/membership/"
    member.context.set_offline(False)
    member.goto(address)
    member.context.set_offline(True)
    press_card(member)
    expect(said_at_button(member)).to_contain_text("You’re offline.")
    member.context.set_offline(False)
    # Stripe is away: said in the same place, with the focus, and once.
    stack.control("switches", api_fail=1)
    try:
        said_at_button(member).get_by_role("button", name="Try again").click()
        expect(said_at_button(member)).to_contain_text("Please try again in a moment.")
        expect(said_at_button(member)).to_have_count(1)
        expect(said_at_button(member)).to_be_focused()
        expect(member).to_have_url(address)
        assert member.evaluate("document.documentElement.scrollWidth") <= 360
        assert faults(member) == []
    finally:
        stack.control("switches", api_fail=0)
    press_card(member)
    member.wait_for_url(re.compile("/portal/"))
    # Coming back, nothing is busy, and what failed isn't said anymore.
    member.go_back()
    expect(member.get_by_role("button", name="Change card")).to_be_enabled()


def test_a_session_that_ended_is_said_at_the_button(member: Page, stack: Stack) -> None:
    address = f"{stack.url}/membership/"
    member.goto(address)
    stack.sql("DELETE FROM django_session")
    press_card(member)
    expect(said_at_button(member)).to_contain_text("You’ve been signed out.")
    said_at_button(member).get_by_role("link", name="Sign in again").click()
    journey.fill_sign_in(member, FIONA)
    expect(member).to_have_url(address)


def test_an_expired_page_is_said_at_the_button_and_loads_again(member: Page, stack: Stack) -> None:
    member.goto(f"{stack.url}/membership/")
    member.context.clear_cookies(name="csrftoken")
    press_card(member)
    expect(said_at_button(member)).to_contain_text("This page has expired.")
    said_at_button(member).get_by_role("button", name="Load the page again").click()
    expect(said_at_button(member)).to_have_count(0)
    press_card(member)
    member.wait_for_url(re.compile("/portal/"))


def test_a_payment_keeps_what_was_typed_while_offline(member: Page, stack: Stack) -> None:
    member.goto(f"{stack.url}/payments/new/")
    form = member.locator("#paying")
    member.get_by_role("textbox", name="Amount").fill("much")
    member.get_by_role("button", name="Continue to payment").click()
    expect(member.get_by_role("textbox", name="Amount")).to_be_focused()
    expect(form).to_contain_text("for example")
    member.get_by_role("textbox", name="Amount").fill("12.00")
    member.context.set_offline(True)
    member.get_by_role("button", name="Continue to payment").click()
    expect(form.get_by_role("alert")).to_contain_text("You’re offline.")
    member.context.set_offline(False)
    form.get_by_role("button", name="Try again").click()
    member.wait_for_url(re.compile("/checkout/"))
    expect(member.get_by_text("$12.00").first).to_be_visible()
