"""A membership's life after it began: cancelled and taken back, failed and mended."""

from __future__ import annotations

import re

from playwright.sync_api import Page, expect

from e2e import journey
from e2e.stack import Stack

FAILS_LATER = "4000 0000 0000 0341"


def become_a_member(page: Page, stack: Stack, name: str, email: str, card: str) -> None:
    """Sign up, subscribe, and see it active."""
    journey.sign_up(page, stack, name, email)
    journey.subscribe(page, stack, card)
    stack.settle()


def test_cancel_with_a_reason_and_keep_it_after_all(page: Page, stack: Stack) -> None:
    email = "kay@life.example"
    become_a_member(page, stack, "Kay Keeper", email, journey.GOOD_CARD)

    page.goto(f"{stack.url}/membership/")
    page.get_by_role("link", name="Cancel membership").click()
    expect(page.get_by_text("You stay a member until")).to_be_visible()
    page.get_by_label("I don't use it enough").check()
    page.get_by_label("Anything you want to tell us").fill("I am away until spring.")
    page.get_by_role("button", name="Cancel membership").click()
    expect(page.get_by_text("Your membership ends on").first).to_be_visible()
    journey.newest_mail(stack, email, "Your membership ends on")
    told = "SELECT reason, comment, state FROM billing_membershipdecision WHERE action = 'cancel'"
    assert stack.sql(told) == [("unused", "I am away until spring.", "confirmed")]

    page.get_by_role("button", name="Keep my membership").click()
    expect(page.get_by_text("Your next charge of $29.00").first).to_be_visible()
    journey.newest_mail(stack, email, "Your membership goes on")
    stack.settle()
    assert len(stack.mail_to(email, "Your membership")) == 2


def test_failed_renewal_is_mended_with_another_card(page: Page, stack: Stack) -> None:
    email = "fay@life.example"
    become_a_member(page, stack, "Fay Fails", email, FAILS_LATER)
    stack.control("clock", advance="month")
    stack.settle()
    journey.newest_mail(stack, email, "Payment failed: $29.00")

    page.goto(f"{stack.url}/")
    expect(page.get_by_text("Your payment of $29.00 did not go through")).to_be_visible()
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
    page.get_by_role("link", name="Pay $29.00").click()
    expect(page).to_have_url(re.compile(re.escape(stack.sandbox_url)))
    journey.pay(page)
    expect(page.locator("button.primary.big")).to_have_count(0)
    stack.settle()

    thanks = journey.newest_mail(stack, email, "Thank you, it worked")
    assert "Visa ending in 4242" in thanks["text"]
    assert len(stack.mail_to(email, "Payment failed")) == 1
    assert len(stack.mail_to(email, "Receipt")) == 1
    page.goto(f"{stack.url}/")
    expect(page.get_by_text("Active").first).to_be_visible()
    expect(page.get_by_text("did not go through")).to_have_count(0)
