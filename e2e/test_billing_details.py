"""Billing details: a member becomes a business, and the next invoice says so."""

from __future__ import annotations

import re

from playwright.sync_api import Page, expect

from e2e import journey
from e2e.stack import Stack


def test_a_member_changes_who_is_billed_and_sees_it_on_the_next_invoice(
    page: Page, stack: Stack
) -> None:
    email = "berta@billing.example"
    journey.become_a_member(page, stack, "Berta Business", email)
    page.get_by_role("navigation", name="Main").get_by_role("link", name="Account").click()
    page.get_by_role("navigation", name="Account").get_by_role(
        "link", name="Billing details"
    ).click()
    page.get_by_label("Company").fill("Blåbär AB")
    page.get_by_label("Country").select_option(label="Sweden")
    page.get_by_role("button", name="Save details").click()
    expect(page.get_by_text("Enter the street and number, or a PO box.")).to_be_visible()
    expect(page.get_by_label("Company")).to_have_value("Blåbär AB")
    page.get_by_label(re.compile("^Address")).fill("Västerlånggatan 1")
    page.get_by_label("City").fill("Stockholm")
    page.get_by_label("ZIP or postal code").fill("111 29")
    page.get_by_role("button", name="Save details").click()
    expect(page.get_by_text("Your billing details are saved.")).to_be_visible()

    page.get_by_label("Kind of tax ID").select_option(label="European Union: VAT number")
    page.get_by_label("Number", exact=True).fill("DE1")
    page.get_by_role("button", name="Add tax ID").click()
    expect(page.get_by_text("That isn’t a valid number of this kind.")).to_be_visible()
    page.get_by_label("Number", exact=True).fill("SE123456789001")
    page.get_by_role("button", name="Add tax ID").click()
    expect(page.get_by_text("Your tax ID is saved.")).to_be_visible()

    stack.control("clock", advance_seconds=32 * 86_400)
    stack.settle()
    [(newest,)] = stack.sql(
        "SELECT billing_invoice.id FROM billing_invoice"
        " JOIN billing_customer ON billing_customer.id = customer_id"
        " JOIN auth_user ON auth_user.id = user_id WHERE auth_user.email = %s"
        " ORDER BY billing_invoice.created_at DESC LIMIT 1",
        email,
    )
    page.goto(f"{stack.url}/payments/invoices/{newest}/")
    expect(page.get_by_text("Blåbär AB")).to_be_visible()
    expect(page.get_by_text("SE123456789001")).to_be_visible()

    page.goto(f"{stack.url}/account/billing/")
    page.get_by_role("button", name="Remove SE123456789001").click()
    dialog = page.get_by_role("dialog")
    expect(dialog).to_contain_text("Remove SE123456789001?")
    dialog.get_by_role("button", name="Remove tax ID").click()
    expect(
        page.get_by_text("The tax ID is removed. It’s not on your next invoice.")
    ).to_be_visible()
    expect(page.get_by_role("dialog")).to_have_count(0)
