"""The main job: sign up, subscribe, invoice, receipt, text message, and a second month."""

from __future__ import annotations

import re

from playwright.sync_api import Browser, Page, expect

from e2e import journey
from e2e.stack import Stack, eventually

PHONE = "+12025550143"


def test_sign_up_subscribe_and_a_month_later(page: Page, stack: Stack) -> None:
    email = "nina@main.example"
    journey.sign_up(page, stack, "Nina Novak", email, PHONE)
    expect(page).to_have_url(f"{stack.url}/")

    page.get_by_role("link", name="Membership").first.click()
    expect(page.get_by_text("$29.00").first).to_be_visible()
    page.get_by_role("button", name=re.compile("Subscribe")).click()
    expect(page).to_have_url(re.compile(re.escape(f"{stack.sandbox_url}/checkout/")))
    journey.pay(page)

    expect(page.get_by_role("heading", name="You’re a member")).to_be_visible()
    page.goto(f"{stack.url}/")
    expect(page.get_by_text("Active").first).to_be_visible()

    page.get_by_role("link", name="Payments").first.click()
    page.get_by_role("link", name=re.compile(r"Membership")).last.click()
    expect(page.get_by_role("main").get_by_text("Visa ending in 4242").first).to_be_visible()

    receipt = journey.newest_mail(stack, email, "Receipt")
    assert "$29.00" in receipt["subject"]
    assert "Visa ending in 4242" in receipt["text"]
    assert len(stack.mail_to(email, "Receipt")) == 1
    texts = eventually(
        lambda: [text for text in stack.texts_to(PHONE) if "$29.00" in text["body"]], "the text"
    )
    assert "Harbor Yoga" in texts[0]["body"]
    eventually(
        lambda: [text for text in stack.texts_to(PHONE) if "is active" in text["body"]],
        "the welcome by text",
    )

    # The link in the text leads to the invoice; an answer to it reaches staff.
    link = re.search(rf"{re.escape(stack.url)}/t/\w+/", texts[0]["body"])
    assert link, texts[0]["body"]
    page.goto(link[0])
    expect(page).to_have_url(re.compile("/payments/invoices/"))
    answer = {"from": PHONE, "body": "Is Friday’s class on?"}
    told = stack.control("phone/inbound", **answer)
    assert "someone on our team will read it" in told["reply"]
    assert stack.control("phone/inbound", **answer)["reply"] is None
    kept = stack.sql("SELECT words FROM portal_supportmessage WHERE phone = %s", PHONE)
    assert kept == [("Is Friday’s class on?",)] * 2

    stack.control("clock", advance="month")
    stack.settle()
    page.goto(f"{stack.url}/payments/")
    expect(page.get_by_role("link", name=re.compile("Membership, "))).to_have_count(2)
    assert len(stack.mail_to(email, "Receipt")) == 2


def test_two_tabs_cannot_buy_twice(page: Page, stack: Stack) -> None:
    journey.sign_up(page, stack, "Tess Tabb", "tess@main.example")
    page.goto(f"{stack.url}/membership/")
    other = page.context.new_page()
    other.goto(f"{stack.url}/membership/")
    for tab in (page, other):
        tab.get_by_role("button", name=re.compile("Subscribe")).click()
        expect(tab).to_have_url(re.compile("/checkout/"))
    assert page.url == other.url

    journey.pay(page)
    expect(page.get_by_role("heading", name="You’re a member")).to_be_visible()
    other.reload()
    expect(other.locator("button.primary.big")).to_have_count(0)
    stack.settle()
    bought = "SELECT count(*) FROM billing_subscription s JOIN billing_customer c"
    assert stack.sql(f"{bought} ON c.id = s.customer_id WHERE c.email LIKE 'tess@%%'") == [(1,)]


def test_declined_card_and_a_way_back(page: Page, stack: Stack) -> None:
    journey.sign_up(page, stack, "Dana Dee", "dana@main.example")
    page.goto(f"{stack.url}/membership/")
    page.get_by_role("button", name=re.compile("Subscribe")).click()
    journey.pay(page, "4000 0000 0000 0002")
    expect(page.get_by_text("declined").first).to_be_visible()
    page.get_by_role("link", name="Back").click()
    expect(page.get_by_text("Nothing was charged").first).to_be_visible()
    expect(page.get_by_role("button", name=re.compile("Subscribe"))).to_be_visible()


def test_bank_asks_for_confirmation(page: Page, stack: Stack) -> None:
    journey.sign_up(page, stack, "Bea Banks", "bea@main.example")
    page.goto(f"{stack.url}/membership/")
    page.get_by_role("button", name=re.compile("Subscribe")).click()
    journey.pay(page, "4000 0025 0000 3155")
    page.get_by_role("button", name=re.compile("Approve")).click()
    expect(page.get_by_role("heading", name="You’re a member")).to_be_visible()


def test_whole_path_without_javascript(browser: Browser, stack: Stack) -> None:
    context = browser.new_context(java_script_enabled=False)
    page = context.new_page()
    page.set_default_timeout(15_000)
    journey.sign_up(page, stack, "Noah Script", "noah@main.example")
    page.goto(f"{stack.url}/membership/")
    page.get_by_role("button", name=re.compile("Subscribe")).click()
    journey.pay(page)
    # The page refreshes itself every few seconds.
    expect(page.get_by_role("heading", name="You’re a member")).to_be_visible(timeout=20_000)
    context.close()


def test_sign_in_by_code(page: Page, stack: Stack) -> None:
    email = "cody@main.example"
    journey.sign_up(page, stack, "Cody Coe", email)
    page.context.clear_cookies()
    before = len(stack.mail_to(email))
    page.goto(f"{stack.url}/accounts/login/")
    page.get_by_role("link", name=re.compile("code", re.IGNORECASE)).first.click()
    page.locator("main input[name=email]").fill(email)
    page.get_by_role("main").get_by_role("button").first.click()
    journey.enter_code(
        page, journey.code_in(journey.newest_mail(stack, email, than=before)["text"])
    )
    expect(page).to_have_url(f"{stack.url}/")


def test_stranger_cannot_open_anothers_invoice(page: Page, browser: Browser, stack: Stack) -> None:
    journey.sign_up(page, stack, "Olive Own", "olive@main.example")
    page.goto(f"{stack.url}/membership/")
    page.get_by_role("button", name=re.compile("Subscribe")).click()
    journey.pay(page)
    expect(page.get_by_role("heading", name="You’re a member")).to_be_visible()
    stack.settle()
    page.goto(f"{stack.url}/payments/")
    page.get_by_role("link", name=re.compile("Membership, ")).first.click()
    expect(page).to_have_url(re.compile(r"/payments/invoices/\d+/$"))
    address = page.url

    stranger = browser.new_context().new_page()
    journey.sign_up(stranger, stack, "Sid Strange", "sid@main.example")
    answer = stranger.goto(address)
    assert answer is not None
    assert answer.status == 404
