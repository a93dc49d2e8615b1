"""A sent invoice: its due date, "Pay now", and paid."""

from __future__ import annotations

import re

from playwright.sync_api import Page, expect

from e2e import journey
from e2e.stack import Stack

INA = "ina@invoice.example"


def send_invoice(stack: Stack, customer: str) -> str:
    """Send an invoice of $40.00 from Stripe's dashboard, due in 14 days; return its number."""
    draft = stack.stripe(
        "POST",
        "invoices",
        customer=customer,
        collection_method="send_invoice",
        days_until_due="14",
    )["id"]
    item = {"customer": customer, "invoice": draft, "amount": "4000", "currency": "usd"}
    stack.stripe("POST", "invoiceitems", **item, description="Workshop")
    sent = stack.stripe("POST", f"invoices/{draft}/send")
    stack.settle()
    return str(sent["number"])


def test_it_is_due_it_is_paid_and_nobody_is_blamed(page: Page, stack: Stack) -> None:
    journey.become_a_member(page, stack, "Ina Invoice", INA)
    number = send_invoice(stack, journey.customer_of(stack, INA))
    mail = journey.newest_mail(stack, INA, "Invoice: $40.00 for Workshop, due ")
    assert "Pay $40.00" in mail["text"]

    page.goto(f"{stack.url}/")
    expect(page.get_by_text("Please pay $40.00 by")).to_be_visible()
    expect(page.get_by_text("didn’t go through")).to_have_count(0)
    page.goto(f"{stack.url}/payments/")
    row = page.locator("#list tr", has_text=number)
    expect(row.get_by_text("To pay")).to_be_visible()
    expect(row).to_contain_text(re.compile(r"Due\s+\w{3} \d"))
    row.get_by_role("link", name="Workshop").click()
    expect(page.get_by_text("Please pay by")).to_be_visible()

    page.get_by_role("link", name="Pay now").click()
    expect(page).to_have_url(re.compile(re.escape(stack.sandbox_url)))
    journey.pay(page)
    expect(page.locator("button.primary.big")).to_have_count(0)
    stack.settle()
    journey.newest_mail(stack, INA, "Receipt: $40.00 for Workshop")

    page.goto(f"{stack.url}/payments/")
    expect(page.locator("#list tr", has_text=number).get_by_text("Paid")).to_be_visible()
    page.goto(f"{stack.url}/")
    expect(page.get_by_text("Please pay")).to_have_count(0)
