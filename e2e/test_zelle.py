"""A payment by Zelle, from the member's choice to the page that turns by itself."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest
from playwright.sync_api import Browser, Page, expect

from e2e import journey
from e2e.axe import THEMES, faults
from e2e.stack import Stack

TERMS = """
    INSERT INTO billing_zelleterms (id, takes_amounts, takes_requests, takes_memberships,
        minimum, maximum, name, address, code_type, prefix, confirms_by_itself, trusted_amount,
        trusted_a_day, days_to_pay, days_to_prove, days_of_grace, changed_at)
    VALUES (1, true, true, true, 100, 200000, 'Harbor Yoga LLC', 'pay@harbor-yoga.example',
        '', 'HY', false, 10000, 50000, 7, 5, 7, now())
    ON CONFLICT DO NOTHING
"""


@pytest.fixture
def terms(stack: Stack) -> Iterator[None]:
    """Take Zelle, in this test alone."""
    stack.sql(TERMS)
    yield
    stack.sql("DELETE FROM billing_zelleterms")


@pytest.mark.usefixtures("terms")
def test_member_chooses_zelle_copies_and_says_it_is_sent(page: Page, stack: Stack) -> None:
    email = "zoe@zelle.example"
    page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    journey.sign_up(page, stack, "Zoe Zimmer", email)
    page.goto(f"{stack.url}/payments/new/")
    page.get_by_label("Amount", exact=True).fill("62.50")
    page.get_by_label("What’s it for?").fill("Guest pass for Olga")
    page.get_by_role("button", name="Pay by Zelle").click()
    expect(page.get_by_role("heading", name="Pay $62.50 by Zelle")).to_be_visible()
    reference = page.locator(".copy-strong").inner_text()
    assert re.fullmatch(r"HY-[0-9A-Z]{4}-[0-9A-Z]", reference)

    for theme in THEMES:
        page.emulate_media(color_scheme=theme, reduced_motion="reduce")
        assert faults(page) == []
    for what, copied in (("memo", reference), ("amount", "62.50")):
        button = page.get_by_role("button", name=f"Copy {what}")
        button.click()
        expect(page.get_by_role("button", name=f"Copied {what}")).to_be_visible()
        assert page.evaluate("navigator.clipboard.readText()") == copied
    started = journey.newest_mail(stack, email, "How to pay $62.50 by Zelle")
    assert reference in started["text"]
    assert page.url in started["text"]

    # A second tab leads to the same payment.
    other = page.context.new_page()
    other.goto(f"{stack.url}/payments/new/?amount=62.50")
    other.get_by_role("button", name="Pay by Zelle").click()
    expect(other).to_have_url(page.url)
    other.close()

    name = page.get_by_label("Name on the account it came from")
    expect(name).to_have_value("Zoe Zimmer")
    name.fill("Zimmer Family Trust")
    with page.expect_response(lambda answer: "seen=" in answer.url):
        # What's typed survives that the page asks for news.
        pass
    expect(name).to_have_value("Zimmer Family Trust")
    page.get_by_role("button", name="I’ve sent it").click()
    expect(page.get_by_text("We’re looking out for it")).to_be_visible()
    expect(page.get_by_text("From the account of Zimmer Family Trust.")).to_be_visible()
    expect(page.get_by_role("button", name="Cancel this payment")).to_have_count(0)
    assert faults(page) == []
    page.goto(stack.url)
    expect(page.get_by_text("We’re looking out for your Zelle payment of $62.50")).to_be_visible()
    page.get_by_role("link", name="See the payment").click()

    # A tab left open turns by itself, whoever changes it.
    page.get_by_role("button", name="I haven’t sent it yet").click()
    expect(page.get_by_role("button", name="I’ve sent it")).to_be_visible()
    other = page.context.new_page()
    other.goto(page.url)
    other.get_by_role("button", name="Cancel this payment").first.click()
    other.get_by_role("dialog").get_by_role("button", name="Cancel this payment").click()
    expect(other.get_by_text("We’re no longer waiting for this payment")).to_be_visible()
    expect(page.get_by_text("We’re no longer waiting for this payment")).to_be_visible()
    page.get_by_role("link", name="Start again").click()
    expect(page.get_by_label("Amount", exact=True)).to_have_value("62.50")


@pytest.mark.usefixtures("terms")
def test_the_page_turns_when_the_banks_mail_comes(page: Page, stack: Stack) -> None:
    email = "zack@zelle.example"
    stack.sql("UPDATE billing_zelleterms SET confirms_by_itself = true")
    journey.sign_up(page, stack, "Zack Zeller", email)
    page.goto(f"{stack.url}/membership/")
    page.get_by_role("button", name="$29.00 a month").click()
    reference = page.locator(".copy-strong").inner_text()
    page.get_by_role("button", name="I’ve sent it").click()
    # Other tests move the sandbox's clock, and a mail from the future proves nothing.
    day = (datetime.now(UTC) - timedelta(days=1)).date().isoformat()
    stack.bank.pay("ZACK ZELLER", 2900, memo=reference.lower().replace("-", " "), day=day)
    # The mailbox is read each minute.
    expect(page.get_by_role("heading", name="Payment received. Thank you.")).to_be_visible(
        timeout=90_000
    )
    receipt = journey.newest_mail(stack, email, "Receipt: $29.00 for Membership")
    assert receipt["subject"].startswith("Welcome to ")
    assert reference in receipt["text"]
    page.get_by_role("link", name="See the invoice").click(timeout=60_000)
    expect(page.get_by_text(f"You paid this by Zelle with the memo {reference}.")).to_be_visible()
    page.goto(stack.url)
    expect(page.get_by_role("heading", name="You’re a member, Zack")).to_be_visible()
    stack.settle()
    assert len(stack.mail_to(email, "Receipt")) == 1
    assert stack.mail_to(email, "Invoice") == []


@pytest.mark.usefixtures("terms")
def test_it_works_without_scripts(page: Page, browser: Browser, stack: Stack) -> None:
    journey.sign_up(page, stack, "Sid Scriptless", "sid@zelle.example")
    cookies = page.context.storage_state()
    plain = browser.new_context(java_script_enabled=False, storage_state=cookies).new_page()
    plain.goto(f"{stack.url}/membership/")
    plain.get_by_role("button", name="$29.00 a month").click()
    expect(plain.get_by_role("heading", name="Pay $29.00 by Zelle")).to_be_visible()
    expect(plain.get_by_role("button", name="Copy memo")).to_be_hidden()
    expect(plain.locator(".copy-strong")).to_have_text(re.compile("^HY-"))
    plain.get_by_role("button", name="I’ve sent it").click()
    expect(plain.get_by_text("We’re looking out for it")).to_be_visible()
    plain.context.close()
