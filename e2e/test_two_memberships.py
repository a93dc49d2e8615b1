"""Two live memberships of one member: both see them, and staff end one with a refund."""

from __future__ import annotations

import re

from playwright.sync_api import Browser, Page, expect

from e2e import journey
from e2e.stack import Stack, eventually

TARA = "tara@twice.example"
YEARLY = "price_membership_yearly"


def test_staff_end_one_with_a_refund(page: Page, browser: Browser, stack: Stack) -> None:
    journey.become_a_member(page, stack, "Tara Twice", TARA)
    journey.save_policy(stack, TARA)
    customer = journey.customer_of(stack, TARA)
    journey.keep_card(stack, customer)
    year = stack.stripe(
        "POST", "subscriptions", **{"customer": customer, "items[0][price]": YEARLY}
    )["id"]
    stack.settle()

    page.goto(f"{stack.url}/")
    expect(page.get_by_text("You have two memberships")).to_be_visible()
    both = "You’re charged for both: $290.00 a year and $29.00 a month."
    expect(page.get_by_text(both)).to_be_visible()

    desk = journey.staff_desk(browser, stack, "Olga Owner", "olga@twice.example")
    desk.get_by_role("link", name=re.compile("charged for two memberships")).click()
    expect(desk.get_by_text("is charged for both of these.")).to_be_visible()
    card = desk.get_by_role("region", name="Membership, $290.00 a year")
    expect(desk.get_by_role("region", name="Membership, $29.00 a month")).to_be_visible()
    expect(card.get_by_text("is for the time that’s left of its paid period.")).to_be_visible()
    card.get_by_label("Part of it", exact=True).check()
    card.get_by_label("If part of it").fill("2800")
    card.get_by_role("button", name="Review before ending").click()
    expect(desk.get_by_text("Enter an amount up to $290.00.")).to_be_visible()
    card.get_by_label("If part of it").fill("280")
    card.get_by_role("button", name="Review before ending").click()

    expect(desk.get_by_text("Membership for $290.00 a year ends right away")).to_be_visible()
    expect(desk.get_by_text("$280.00 of its $290.00 payment")).to_be_visible()
    expect(desk.get_by_text("Membership for $29.00 a month. Next charge of $29.00")).to_be_visible()
    assert stack.stripe("GET", f"subscriptions/{year}")["status"] == "active"
    desk.get_by_label("Note").fill("Bought twice by mistake.")
    posts: list[str] = []
    desk.on("request", lambda sent: posts.append(sent.url) if sent.method == "POST" else None)
    desk.get_by_role("button", name="End it now and refund $280.00").dblclick()
    expect(desk.get_by_text("Membership has ended. The member is told.")).to_be_visible()
    assert len(posts) == 1, "Pressed twice, sent twice."
    stack.settle()

    assert stack.stripe("GET", f"subscriptions/{year}")["status"] == "canceled"
    made = "SELECT state, amount, origin FROM billing_refund WHERE amount = 28000"
    eventually(lambda: stack.sql(made) == [("succeeded", 28000, "staff")], "the refund")
    mail = journey.newest_mail(stack, TARA, "One of your memberships has ended")
    assert "Your other membership ($29.00 a month) continues." in mail["text"]
    journey.newest_mail(stack, TARA, "$280.00")
    page.goto(f"{stack.url}/membership/")
    expect(page.get_by_text("Your next charge of $29.00")).to_be_visible()
    expect(page.get_by_text("You have two memberships")).to_have_count(0)
    desk.goto(f"{stack.url}/staff/")
    expect(desk.get_by_text("charged for two memberships")).to_have_count(0)
    desk.context.close()
