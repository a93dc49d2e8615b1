"""Cards: a second one is added, becomes the default, and the first is removed."""

from __future__ import annotations

import re

from playwright.sync_api import Page, expect

from e2e import journey
from e2e.stack import Stack

MASTERCARD = "5555 5555 5555 4444"
FAILS_LATER = "4000 0000 0000 0341"
ASKS_FIRST = "4000 0025 0000 3155"


def test_a_second_card_becomes_the_default_and_the_first_is_removed(
    page: Page, stack: Stack
) -> None:
    email = "carla@cards.example"
    journey.become_a_member(page, stack, "Carla Cards", email)
    page.goto(f"{stack.url}/account/")
    page.get_by_role("navigation", name="Account").get_by_role("link", name="Cards").click()
    expect(page.get_by_text("Visa ending in 4242")).to_be_visible()
    expect(page.get_by_text("Pays for your membership", exact=False).first).to_be_visible()
    page.get_by_role("button", name="Add a card").click()
    expect(page).to_have_url(re.compile("/checkout/"))
    journey.pay(page, MASTERCARD)
    expect(page.get_by_text("Mastercard ending in 4444 is saved.")).to_be_visible()
    page.get_by_role("button", name="Make default Mastercard ending in 4444").click()
    expect(page.get_by_text("Your next charges go to Mastercard ending in 4444.")).to_be_visible()
    page.get_by_role("button", name="Remove Visa ending in 4242").click()
    dialog = page.get_by_role("dialog")
    expect(dialog).to_contain_text("Remove Visa ending in 4242?")
    dialog.get_by_role("button", name="Remove card").click()
    expect(page.get_by_text("Visa ending in 4242 is removed.")).to_be_visible()
    expect(page.locator(".saved-card")).to_have_count(1)
    stack.settle()
    page.goto(f"{stack.url}/membership/")
    expect(page.get_by_text("Mastercard ending in 4444").first).to_be_visible()


def test_a_failed_payment_is_paid_with_another_card_that_its_bank_asks_about(
    page: Page, stack: Stack
) -> None:
    journey.become_a_member(page, stack, "Fay Failed", "fay@cards.example", FAILS_LATER)
    stack.control("clock", advance_seconds=32 * 86_400)
    stack.settle()
    page.goto(stack.url)
    expect(page.get_by_role("button", name="Try Visa ending in 0341 again")).to_be_visible()
    page.get_by_role("button", name="Pay with another card").click()
    expect(page).to_have_url(re.compile("/checkout/"))
    journey.pay(page, ASKS_FIRST)
    page.get_by_role("button", name=re.compile("Approve|Complete|Confirm")).click()
    paid = "Payment received: $29.00. Visa ending in 3155 also pays from now on."
    expect(page.get_by_text(paid)).to_be_visible()
    expect(page.get_by_role("button", name="Pay with another card")).to_have_count(0)
