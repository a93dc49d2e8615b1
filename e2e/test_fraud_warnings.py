"""A card's bank reports a payment as fraud: staff refund it, and the member reads nothing of it."""

from __future__ import annotations

import re

from playwright.sync_api import Browser, expect

from e2e import journey
from e2e.stack import Stack

REPORTED_CARD = "4000 0000 0000 5423"
MEMBER, STAFF = "fay@fraud.example", "ben@fraud.example"
OFFICE = "office@harbor-yoga.example"


def test_from_the_banks_warning_to_the_refund(browser: Browser, stack: Stack) -> None:
    page = browser.new_context().new_page()
    journey.sign_up(page, stack, "Fay Fraud-Reported", MEMBER)
    page.goto(f"{stack.url}/membership/")
    journey.subscribe(page, stack, REPORTED_CARD)
    stack.control("clock", advance_seconds=10)
    stack.settle()

    staff = journey.staff_desk(browser, stack, "Ben Billing", STAFF)
    staff.goto(f"{stack.url}/staff/")
    task = staff.get_by_text(re.compile("reports? 1 payment as fraud"))
    expect(task).to_be_visible()
    mail = journey.newest_mail(stack, OFFICE, "Fraud warning: $29.00 from Fay Fraud-Reported")
    link = re.search(r"http://\S+/staff/billing/fraudwarning/\d+/change/", mail["text"])
    assert link, mail["text"]
    staff.goto(link.group())
    expect(staff.get_by_text("Someone paid with the card without permission.")).to_be_visible()
    expect(staff.get_by_text("We don’t tell the member about the warning.")).to_be_visible()

    staff.get_by_role("link", name=re.compile("Leave it")).first.click()
    staff.get_by_label("Why").fill("She says it was her.")
    staff.get_by_role("button", name="Leave it").last.click()
    expect(staff.get_by_text("Left as it is: She says it was her.").first).to_be_visible()
    staff.get_by_role("link", name=re.compile("Look at it again")).first.click()
    staff.get_by_role("button", name="Look at it again").last.click()
    expect(staff.get_by_text("It waits for somebody again.").first).to_be_visible()

    staff.get_by_role("link", name=re.compile("Refund the payment")).first.click()
    expect(staff.get_by_text("Refund this payment?").first).to_be_visible()
    staff.get_by_role("button", name="Refund").last.click()
    expect(staff.get_by_text("$29.00 goes back. The member is told.").first).to_be_visible()
    stack.settle()
    staff.goto(link.group())
    expect(staff.get_by_text("Refunded", exact=True).first).to_be_visible()
    staff.goto(f"{stack.url}/staff/")
    expect(task).to_have_count(0)

    page.goto(f"{stack.url}/payments/")
    expect(page.get_by_text("Refunded").first).to_be_visible()
    assert "reported" not in page.locator("main").inner_text().replace("Fraud-Reported", "")
    page.context.close()
    staff.context.close()
