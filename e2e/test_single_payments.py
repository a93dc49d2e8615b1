"""Payments besides the membership: an entered amount, and a request from staff."""

from __future__ import annotations

import re

from playwright.sync_api import Browser, Page, expect

from e2e import journey
from e2e.stack import Stack

CHECKOUT = re.compile("/checkout/")


def test_member_pays_an_entered_amount(page: Page, stack: Stack) -> None:
    email = "paula@single.example"
    journey.sign_up(page, stack, "Paula Payer", email)
    page.get_by_role("link", name="Payments").first.click()
    page.get_by_role("link", name="Make a payment").click()
    page.get_by_role("link", name="$50.00").click()
    expect(page.get_by_label("Amount", exact=True)).to_have_value("50.00")
    page.get_by_label("Amount", exact=True).fill("12,50")
    page.get_by_role("button", name="Continue to payment").click()
    expect(page.get_by_text("Use a decimal point, for example 12.50.")).to_be_visible()

    page.get_by_label("Amount", exact=True).fill("62.50")
    page.get_by_label("What’s it for?").fill("Guest pass for Olga")
    page.get_by_role("button", name="Continue to payment").click()
    expect(page).to_have_url(CHECKOUT)
    expect(page.get_by_text("Guest pass for Olga").first).to_be_visible()
    journey.pay(page)
    expect(page.get_by_role("heading", name="We received $62.50")).to_be_visible()

    receipt = journey.newest_mail(stack, email, "Receipt")
    assert receipt["subject"] == "Receipt: $62.50 for Guest pass for Olga"
    page.get_by_role("link", name="See the payment").click()
    expect(page.get_by_role("heading", name="Guest pass for Olga")).to_be_visible()
    expect(page.get_by_text("Visa ending in 4242")).to_be_visible()
    assert page.url in receipt["text"]
    page.goto(f"{stack.url}/payments/")
    expect(page.get_by_role("link", name=re.compile("Guest pass for Olga"))).to_be_visible()
    stack.settle()
    assert len(stack.mail_to(email, "Receipt")) == 1


def test_payment_by_bank_account_is_on_its_way_for_days_and_then_receipted(
    page: Page, stack: Stack
) -> None:
    email = "bella@single.example"
    journey.sign_up(page, stack, "Bella Bank", email)
    stack.control("switches", bank_debit=True)
    page.goto(f"{stack.url}/payments/new/?amount=62.50")
    page.get_by_label("What’s it for?").fill("Guest pass for Olga")
    page.get_by_role("button", name="Continue to payment").click()
    expect(page).to_have_url(CHECKOUT)
    page.get_by_role("button", name="Test account that has the money").click()
    expect(page.get_by_role("heading", name="Your bank is processing the payment")).to_be_visible()
    page.goto(stack.url)
    expect(page.get_by_text("Your payment of $62.50 for Guest pass")).to_be_visible()
    stack.settle()
    coming = "Your bank payment of $62.50 is on its way"
    assert len(stack.mail_to(email, coming)) == 1
    assert stack.mail_to(email, "Receipt") == []

    stack.control("clock", advance_seconds=5 * 86_400)
    receipt = journey.newest_mail(stack, email, "Receipt")
    assert receipt["subject"] == "Receipt: $62.50 for Guest pass for Olga"
    assert "Bank account ending in 6789" in receipt["text"]
    stack.settle()
    page.reload()
    expect(page.get_by_text("is on its way")).to_have_count(0)
    page.goto(f"{stack.url}/payments/")
    page.get_by_role("link", name=re.compile("Guest pass for Olga")).click()
    expect(page.get_by_text("Paid", exact=True)).to_be_visible()
    # The code, what's coming, and what came.
    assert len(stack.mail_to(email)) == 3


def test_staff_ask_and_the_member_pays(page: Page, browser: Browser, stack: Stack) -> None:
    email, boss = "rita@single.example", "sam@single.example"
    journey.sign_up(page, stack, "Rita Requested", email)
    office = browser.new_context().new_page()
    office.set_default_timeout(15_000)
    journey.sign_up(office, stack, "Sam Staff", boss)
    made = "UPDATE auth_user SET is_staff = true, is_superuser = true WHERE email = %s"
    stack.sql(made, boss)
    rows = stack.sql("SELECT id FROM auth_user WHERE email = %s", email)
    office.goto(f"{stack.url}/staff/auth/user/{rows[0][0]}/change/")
    office.get_by_role("link", name="Ask for a payment").click()
    office.locator("[name=description]").fill("Workshop fee")
    office.locator("[name=amount_text]").fill("40")
    office.get_by_role("button", name="Save", exact=True).click()
    expect(office.get_by_text("Workshop fee").first).to_be_visible()

    mail = journey.newest_mail(stack, email, "Please pay $40.00 for Workshop fee")
    link = re.search(rf"{re.escape(stack.url)}/pay/\S+", mail["text"])
    assert link
    # The link needs no sign-in, and says nothing of the member but the first name.
    answer = office.goto(link.group())
    assert answer is not None
    assert answer.status == 200
    page.context.clear_cookies()
    page.goto(link.group())
    expect(page.get_by_role("heading", name="Please pay $40.00")).to_be_visible()
    expect(page.get_by_text("Rita", exact=True)).to_be_visible()
    assert email not in page.content()
    other = page.context.new_page()
    other.goto(link.group())
    for tab in (page, other):
        tab.get_by_role("button", name="Pay $40.00").click()
        expect(tab).to_have_url(CHECKOUT)
        assert email not in tab.content()
    assert page.url == other.url
    page.get_by_label("Email").first.fill("aunt@single.example")
    journey.pay(page)
    expect(page.get_by_role("heading", name="We received $40.00")).to_be_visible()
    expect(page.get_by_text("We’re emailing the receipt to Rita.")).to_be_visible()
    assert email not in page.content()

    journey.newest_mail(stack, email, "Receipt: $40.00 for Workshop fee")
    page.goto(link.group())
    expect(page.get_by_role("heading", name="This is already paid")).to_be_visible()
    office.goto(f"{stack.url}/staff/billing/paymentrequest/")
    expect(office.get_by_text("Paid", exact=True).first).to_be_visible()
