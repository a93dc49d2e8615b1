"""A locker rented in Stripe's dashboard: shown beside the membership, never mistaken for it."""

from __future__ import annotations

import re

from playwright.sync_api import Page, expect

from e2e import journey
from e2e.stack import Stack

LOLA, OLLI = "lola@also.example", "olli@also.example"


def test_cancel_ends_the_membership_and_says_that_the_locker_continues(
    page: Page, stack: Stack
) -> None:
    journey.become_a_member(page, stack, "Lola Locker", LOLA)
    locker = journey.sell_locker(stack, journey.customer_of(stack, LOLA))
    journey.newest_mail(stack, LOLA, "Receipt: $9.00 for Locker rental")
    assert len(stack.mail_to(LOLA, "Welcome")) == 1

    page.goto(f"{stack.url}/membership/")
    also = page.get_by_role("region", name="Also billed")
    expect(also.get_by_role("heading", name="Locker rental")).to_be_visible()
    expect(also.get_by_text("$9.00 a month")).to_be_visible()
    expect(also.get_by_text("Next charge of $9.00 on")).to_be_visible()
    expect(page.get_by_text("Your next charge of $29.00")).to_be_visible()

    page.get_by_role("link", name="Cancel membership").click()
    expect(page.get_by_text("Locker rental ($9.00 a month) doesn’t end with this.")).to_be_visible()
    page.get_by_role("button", name="Cancel membership").click()
    expect(page.get_by_text("Your membership ends on").first).to_be_visible()
    expect(page.get_by_role("heading", name="Locker rental")).to_be_visible()
    mail = journey.newest_mail(stack, LOLA, "Your membership ends on")
    assert "Locker rental ($9.00 a month) continues." in mail["text"]
    assert not stack.stripe("GET", f"subscriptions/{locker}")["cancel_at_period_end"]


def test_who_has_only_the_locker_can_join(page: Page, stack: Stack) -> None:
    journey.sign_up(page, stack, "Olli Only", OLLI)
    # Their first purchase makes their customer.
    page.goto(f"{stack.url}/payments/new/?amount=5.00")
    page.get_by_label("What’s it for?").fill("Mat")
    page.get_by_role("button", name="Continue to payment").click()
    journey.pay(page)
    stack.settle()
    journey.sell_locker(stack, journey.customer_of(stack, OLLI))

    page.goto(f"{stack.url}/membership/")
    expect(page.get_by_role("heading", name="Locker rental")).to_be_visible()
    expect(page.get_by_role("button", name=re.compile("Subscribe"))).to_be_visible()
    journey.subscribe(page, stack)
    stack.settle()
    page.goto(f"{stack.url}/membership/")
    expect(page.get_by_text("Your next charge of $29.00")).to_be_visible()
    expect(page.get_by_role("heading", name="Locker rental")).to_be_visible()
    journey.newest_mail(stack, OLLI, "Welcome")
