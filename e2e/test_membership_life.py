"""A membership's life after it began: canceled and resumed, failed and fixed."""

from __future__ import annotations

import re

from playwright.sync_api import Page, expect

from e2e import journey
from e2e.stack import Stack

FAILS_LATER = "4000 0000 0000 0341"


def test_cancel_with_a_reason_and_keep_it_after_all(page: Page, stack: Stack) -> None:
    email = "kay@life.example"
    journey.become_a_member(page, stack, "Kay Keeper", email)

    page.goto(f"{stack.url}/membership/")
    page.get_by_role("link", name="Cancel membership").click()
    expect(page.get_by_text("You’re a member until")).to_be_visible()
    page.get_by_label("I don’t use it enough").check()
    page.get_by_label("Anything you want to tell us").fill("I am away until spring.")
    page.get_by_role("button", name="Cancel membership").click()
    expect(page.get_by_text("Your membership ends on").first).to_be_visible()
    journey.newest_mail(stack, email, "Your membership ends on")
    told = (
        "SELECT reason, comment, state FROM billing_membershipdecision AS decision"
        " JOIN billing_customer AS customer ON customer.id = customer_id"
        " WHERE action = 'cancel' AND email = %s"
    )
    assert stack.sql(told, email) == [("unused", "I am away until spring.", "confirmed")]

    page.get_by_role("button", name="Keep my membership").click()
    expect(page.get_by_text("Your next charge of $29.00").first).to_be_visible()
    journey.newest_mail(stack, email, "Your membership continues")
    stack.settle()
    assert len(stack.mail_to(email, "Your membership")) == 2


def test_failed_renewal_is_mended_with_another_card(page: Page, stack: Stack) -> None:
    email = "fay@life.example"
    journey.become_a_member(page, stack, "Fay Fails", email, FAILS_LATER)
    stack.control("clock", advance="month")
    stack.settle()
    journey.newest_mail(stack, email, "Payment failed: $29.00")

    page.goto(f"{stack.url}/")
    expect(page.get_by_text("Your payment of $29.00 didn’t go through")).to_be_visible()
    page.goto(f"{stack.url}/membership/")
    page.get_by_role("button", name="Change card").click()
    expect(page).to_have_url(re.compile(re.escape(f"{stack.sandbox_url}/portal/")))
    page.get_by_label("Card number").fill(journey.GOOD_CARD)
    page.get_by_label("Expiration").fill("12 / 34")
    page.get_by_label("CVC").fill("123")
    page.get_by_role("button", name="Save card").click()
    expect(page).to_have_url(re.compile("done=card|/membership/"))
    stack.settle()

    page.goto(f"{stack.url}/")
    page.get_by_role("button", name="Try Visa ending in 4242").click()
    expect(page.get_by_text("Payment received").first).to_be_visible()
    stack.settle()

    thanks = journey.newest_mail(stack, email, "Payment received")
    assert "Visa ending in 4242" in thanks["text"]
    assert len(stack.mail_to(email, "Payment failed")) == 1
    assert len(stack.mail_to(email, "Receipt")) == 1
    page.goto(f"{stack.url}/")
    expect(page.get_by_text("Active").first).to_be_visible()
    expect(page.get_by_text("didn’t go through")).to_have_count(0)


def make_coupon(stack: Stack, name: str, **coupon: str) -> None:
    """Make a coupon as in Stripe's dashboard, unless it exists."""
    known = {one["id"] for one in stack.stripe("GET", "coupons")["data"]}
    if name not in known:
        stack.stripe("POST", "coupons", id=name, **coupon)


def test_join_by_the_year_with_a_promotion_code(page: Page, stack: Stack) -> None:
    make_coupon(stack, "autumn", percent_off="10", duration="once")
    stack.stripe(
        "POST",
        "promotion_codes",
        **{"code": "AUTUMN10", "promotion[type]": "coupon", "promotion[coupon]": "autumn"},
    )
    email = "yara@life.example"
    journey.sign_up(page, stack, "Yara Yearly", email)
    page.goto(f"{stack.url}/membership/")
    yearly = page.get_by_label("Yearly")
    expect(page.get_by_text("That’s $24.17 a month, billed yearly")).to_be_visible()
    expect(page.get_by_text("two months free")).to_be_visible()
    yearly.check()
    page.get_by_role("button", name="Subscribe").click()
    page.get_by_label("Promotion code").fill("autumn10")
    page.get_by_role("button", name="Apply").click()
    expect(page.get_by_text("$261.00").first).to_be_visible()
    journey.pay(page)
    expect(page.get_by_role("heading", name="You’re a member")).to_be_visible()
    stack.settle()
    receipt = journey.newest_mail(stack, email, "Receipt: $261.00")
    assert "−$29.00" in receipt["text"]
    page.goto(f"{stack.url}/membership/")
    expect(page.get_by_text("Your next charge of $290.00")).to_be_visible()


def test_switch_to_yearly_as_it_was_shown(page: Page, stack: Stack) -> None:
    email = "mona@life.example"
    journey.become_a_member(page, stack, "Mona Monthly", email)
    page.goto(f"{stack.url}/membership/")
    page.get_by_role("link", name="Switch to yearly").click()
    expect(page.get_by_text("Credit for unused time")).to_be_visible()
    button = page.get_by_role("button", name=re.compile(r"Pay \$.* and switch"))
    shown = re.search(r"\$[\d.]+", button.inner_text())
    assert shown
    button.click()
    expect(page.get_by_text("Your next charge of $290.00")).to_be_visible()
    expect(page.get_by_role("link", name="Switch to monthly")).to_be_visible()
    stack.settle()
    journey.newest_mail(stack, email, "You’ve switched to yearly billing")
    journey.newest_mail(stack, email, f"Receipt: {shown.group()}")


def test_stay_with_the_offer_instead_of_cancelling(page: Page, stack: Stack) -> None:
    make_coupon(stack, "stay", percent_off="20", duration="repeating", duration_in_months="3")
    stack.sql(
        "INSERT INTO billing_retentionoffer (headline, text, coupon_id, percent_off, duration,"
        " months, currency, every_months, is_active, created_at)"
        " VALUES ('Would it help if it cost less?', '', 'stay', 20, 'repeating', 3, '', 12, true,"
        " now())"
    )
    email = "stan@life.example"
    try:
        journey.become_a_member(page, stack, "Stan Stays", email)
        page.goto(f"{stack.url}/membership/")
        page.get_by_role("link", name="Cancel membership").click()
        offer = page.get_by_role("button", name="Stay with 20% off for 3 months")
        expect(page.get_by_role("button", name="Cancel membership")).to_be_visible()
        expect(offer).to_be_hidden()
        page.get_by_label("It costs too much").check()
        expect(page.get_by_role("button", name="Cancel membership")).to_be_visible()
        offer.click()
        expect(page.locator("#current").get_by_text("Your next charge of $23.20")).to_be_visible()
        expect(page.locator("#current").get_by_text("20% off until")).to_be_visible()
        journey.newest_mail(stack, email, "Thank you for staying: 20% off for 3 months")
        page.goto(f"{stack.url}/membership/cancel/")
        page.get_by_label("It costs too much").check()
        expect(page.get_by_text("Stay with")).to_have_count(0)
    finally:
        stack.sql("UPDATE billing_retentionoffer SET is_active = false")
