"""From the open offer to a membership, and finding payments again."""

from __future__ import annotations

import os
import re

from playwright.sync_api import Page, expect

from e2e import journey
from e2e.stack import Stack


def test_what_a_visitor_chooses_on_the_offer_is_what_they_pay(page: Page, stack: Stack) -> None:
    page.set_viewport_size({"width": 390, "height": 844})
    page.emulate_media(color_scheme="dark")
    page.goto(f"{stack.url}/join/")
    expect(page.get_by_text("$29.00 a month")).to_be_visible()
    page.get_by_text("Can I get a refund?").click()
    expect(page.get_by_text(re.compile("full refund|% back|aren’t refundable"))).to_be_visible()
    page.get_by_label("Yearly").check()
    page.get_by_role("button", name="Join now").click()

    email = "olga@offer.example"
    page.get_by_label("Your name").fill("Olga Offer")
    page.get_by_label("Email").first.fill(email)
    page.get_by_label("Password").first.fill(journey.PASSWORD)
    page.get_by_role("button", name="Create account").click()
    journey.enter_code(page, journey.code_in(journey.newest_mail(stack, email)["text"]))

    expect(page.get_by_role("heading", name="One step left")).to_be_visible()
    expect(page.get_by_text("$29.00")).to_have_count(0)
    if pictures := os.environ.get("PICTURES"):
        page.screenshot(path=f"{pictures}/last-step-dark.png")
        page.emulate_media(color_scheme="light")
        page.screenshot(path=f"{pictures}/last-step.png")
        page.set_viewport_size({"width": 1280, "height": 800})
        page.screenshot(path=f"{pictures}/last-step-wide.png")
    page.get_by_role("button", name="Continue to payment").click()
    expect(page.get_by_text("$290.00").first).to_be_visible()
    journey.pay(page)
    expect(page.get_by_role("heading", name="You’re a member")).to_be_visible()
    stack.settle()
    journey.newest_mail(stack, email, "Receipt: $290.00")
    page.goto(f"{stack.url}/join/")
    expect(page).to_have_url(f"{stack.url}/membership/")


def test_payments_are_found_while_typing_and_their_receipt_comes_by_mail(
    page: Page, stack: Stack
) -> None:
    email = "sofia@offer.example"
    journey.become_a_member(page, stack, "Sofia Search", email)
    page.goto(f"{stack.url}/payments/")
    rows = page.locator(".table tbody tr")
    expect(rows).to_have_count(1)

    search = page.get_by_label("Search payments")
    search.press_sequentially("unheard of", delay=20)
    expect(page.get_by_text("Nothing matches")).to_be_visible()
    expect(search).to_be_focused()
    expect(page).to_have_url(re.compile("q=unheard"))
    expect(page.get_by_role("status").get_by_text("0 payments found")).to_have_count(1)
    page.go_back()
    expect(rows).to_have_count(1)

    page.get_by_label("Search payments").fill("visa 4242")
    expect(page.get_by_role("status").get_by_text("1 payment found")).to_have_count(1)
    page.get_by_role("combobox", name="State").select_option("Refunded")
    expect(page.get_by_text("Nothing matches")).to_be_visible()
    page.get_by_role("link", name="Show all payments").click()
    expect(rows).to_have_count(1)

    page.get_by_role("link", name=re.compile("Membership, ")).click()
    page.get_by_role("button", name="Email me this receipt").click()
    expect(page.get_by_text(f"We’ve emailed your receipt to {email}.")).to_be_visible()
    again = journey.newest_mail(stack, email, "Receipt: $29.00", than=1)
    assert "Visa ending in 4242" in again["text"]
    with page.expect_download() as downloading:
        page.get_by_role("link", name=re.compile("^Receipt")).click()
    assert re.fullmatch(r"receipt-\d{4}-\d{6}\.pdf", downloading.value.suggested_filename)
    page.goto(f"{stack.url}/payments/")
    with page.expect_download() as downloading:
        page.get_by_role("link", name=re.compile("^All receipts")).click()
    assert re.fullmatch(r"payments-\d{4}\.zip", downloading.value.suggested_filename)


def test_payments_are_filtered_without_javascript(page: Page, stack: Stack) -> None:
    journey.become_a_member(page, stack, "Nora Noscript", "nora@offer.example")
    context = page.context.browser.new_context(  # type: ignore[union-attr]  # a page has one
        storage_state=page.context.storage_state(), java_script_enabled=False
    )
    plain = context.new_page()
    plain.goto(f"{stack.url}/payments/")
    plain.get_by_label("Kind").select_option("Everything else")
    plain.get_by_role("button", name="Show").click()
    expect(plain.get_by_text("Nothing matches")).to_be_visible()
    plain.get_by_label("Kind").select_option("Membership")
    plain.get_by_role("button", name="Show").click()
    expect(plain.locator(".table tbody tr")).to_have_count(1)
    context.close()
