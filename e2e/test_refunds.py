"""A member's refund from request to bank: instant, withdrawn, returned by the bank."""

from __future__ import annotations

import re

from playwright.sync_api import Browser, Page, expect

from e2e import journey
from e2e.stack import Stack

FAILS_LATER = "4000 0000 0000 5126"
TWO_DAYS = 2 * 86_400


def become_a_member(
    page: Page, stack: Stack, name: str, *, at_once: int, card: str = journey.GOOD_CARD
) -> str:
    """Sign up and pay, under a policy with an instant limit in cents; return the address."""
    email = f"{name.split(maxsplit=1)[0].lower()}@refund.example"
    journey.sign_up(page, stack, name, email)
    journey.subscribe(page, stack, card)
    stack.settle()
    journey.save_policy(stack, email, automatic_up_to=at_once, automatic_per_year=5)
    return email


def open_form(page: Page, stack: Stack) -> None:
    """Go from the payments to the invoice to the form."""
    page.goto(f"{stack.url}/payments/")
    expect(page.get_by_text("Refundable until").first).to_be_visible()
    invoices = page.locator("#list")
    invoices.get_by_role("link", name=re.compile("Membership, ")).first.click()
    page.get_by_role("link", name="Ask for a refund").click()
    expect(page.get_by_role("heading", name="Ask for a refund")).to_be_visible()


def test_approved_at_once_and_followed_to_the_bank(page: Page, stack: Stack) -> None:
    email = become_a_member(page, stack, "Anna Atonce", at_once=3000)
    open_form(page, stack)
    expect(
        page.get_by_role("heading", name=re.compile(r"Instant refund of up to \$29\.00"))
    ).to_be_visible()
    page.get_by_label("Part of it").check()
    page.get_by_label("Amount", exact=True).fill("90")
    expect(page.get_by_text("Enter an amount up to $29.00.")).to_be_visible()
    page.get_by_label("Amount", exact=True).fill("9")
    expect(page.get_by_text("We’ll send $9.00 to your Visa ending in 4242")).to_be_visible()
    page.get_by_label("Why?").select_option("I didn’t use it")
    page.get_by_label("Anything we should know").fill("I was ill.")
    page.get_by_role("button", name="Request refund of $9.00").click()

    # The page updates automatically until the money is with the bank.
    expect(page.get_by_role("heading", name="Refund of $9.00")).to_be_visible()
    expect(page.get_by_text("Most banks show it between")).to_be_visible(timeout=30_000)
    expect(page.locator("#story[hx-get]")).to_have_count(0)
    mail = journey.newest_mail(stack, email, "Refunded: $9.00 for Membership")
    assert page.url in mail["text"]
    stack.settle()
    assert len(stack.mail_to(email, "efund")) == 1

    page.goto(f"{stack.url}/payments/")
    expect(page.get_by_role("heading", name="Refunds in progress")).to_be_visible()
    expect(page.get_by_text("At your bank").first).to_be_visible()
    open_form(page, stack)
    expect(page.get_by_text("The full refundable amount")).to_be_visible()
    expect(page.get_by_role("button", name="Request refund of $20.00")).to_be_visible()


# Whether the button is out of reach as each request leaves.
WATCH = """() => {
  window.seen = [];
  document.addEventListener(
    'htmx:beforeSend', () => window.seen.push(document.getElementById('request').disabled));
}"""


def test_a_press_counts_though_the_preview_comes_under_it(page: Page, stack: Stack) -> None:
    become_a_member(page, stack, "Paula Press", at_once=3000)
    open_form(page, stack)
    page.get_by_label("Part of it").check()
    page.get_by_label("Why?").select_option("I didn’t use it")
    button = page.locator("#request")
    page.evaluate(WATCH)
    page.get_by_label("Amount", exact=True).fill("9")
    expect(button).to_contain_text("$9.00")
    assert page.evaluate("window.seen") == [False], (
        "While a preview is asked for, nobody can press."
    )
    page.get_by_label("Amount", exact=True).fill("8")
    button.hover()
    page.mouse.down()
    expect(button).to_contain_text("$8.00")
    page.mouse.up()
    expect(page.get_by_role("heading", name="Refund of $8.00")).to_be_visible()


def test_a_request_that_waits_is_withdrawn(page: Page, stack: Stack) -> None:
    email = become_a_member(page, stack, "Wanda Waits", at_once=0)
    open_form(page, stack)
    expect(page.get_by_text("Someone on our team will review this")).to_be_visible()
    page.get_by_label("Why?").select_option("I forgot to cancel")
    page.get_by_text("Cancel it too").click()
    expect(page.get_by_text("Your membership ends as soon as all of this")).to_be_visible()
    page.get_by_role("button", name="Request refund of $29.00").click()
    expect(page.get_by_text("We’re reviewing it")).to_be_visible()
    journey.newest_mail(stack, email, "We got your refund request for $29.00")

    page.get_by_role("button", name="Withdraw my request").click()
    dialog = page.get_by_role("dialog")
    dialog.get_by_role("button", name="Withdraw my request").click()
    expect(page.get_by_text("You withdrew your request for $29.00.")).to_be_visible()
    expect(page.get_by_role("button", name="Withdraw my request")).to_have_count(0)
    stack.settle()
    journey.newest_mail(stack, email, "You withdrew your refund request for $29.00")
    assert len(stack.mail_to(email, "efund")) == 2
    page.goto(f"{stack.url}/membership/")
    expect(page.get_by_text("Active").first).to_be_visible()


def test_the_form_foretells_and_sends_without_javascript(
    page: Page, browser: Browser, stack: Stack
) -> None:
    become_a_member(page, stack, "Plato Plain", at_once=1000)
    state = page.context.storage_state()
    plain = browser.new_context(storage_state=state, java_script_enabled=False).new_page()
    plain.set_default_timeout(15_000)
    open_form(plain, stack)
    plain.get_by_label("Part of it").check()
    plain.get_by_label("Amount", exact=True).fill("12")
    plain.get_by_role("button", name="See what happens").click()
    expect(plain.get_by_text("Up to $10.00 would be refunded right away.")).to_be_visible()
    plain.get_by_label("Amount", exact=True).fill("10")
    plain.get_by_label("Why?").select_option("I paid by mistake")
    plain.get_by_role("button", name="Request refund", exact=True).click()
    expect(plain.get_by_role("heading", name="Refund of $10.00")).to_be_visible()
    stack.settle()
    plain.reload()
    expect(plain.get_by_text("Most banks show it between")).to_be_visible()
    plain.context.close()


def test_the_bank_sends_it_back_days_later(page: Page, stack: Stack) -> None:
    email = become_a_member(page, stack, "Lola Lost", at_once=3000, card=FAILS_LATER)
    open_form(page, stack)
    page.get_by_label("Why?").select_option("I was charged twice")
    page.get_by_role("button", name="Request refund of $29.00").click()
    expect(page.get_by_text("Most banks show it between")).to_be_visible(timeout=30_000)
    tracker = page.url

    stack.control("clock", advance_seconds=TWO_DAYS)
    stack.settle()
    mail = journey.newest_mail(stack, email, "Your refund of $29.00 didn’t arrive")
    assert "lost or stolen" in mail["text"]
    page.goto(f"{stack.url}/")
    expect(page.get_by_text("Your refund of $29.00 didn’t arrive")).to_be_visible()
    page.get_by_role("link", name="See the refund").click()
    expect(page).to_have_url(tracker)
    expect(page.get_by_text("It didn’t arrive")).to_be_visible()
    expect(page.get_by_text("Our team has been notified and will be in touch.")).to_be_visible()
    page.goto(f"{stack.url}/payments/")
    expect(page.get_by_text("Refundable until").first).to_be_visible()
