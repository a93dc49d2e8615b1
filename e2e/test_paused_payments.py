"""Payments paused in Stripe's dashboard: member and staff see it, and that they resume."""

from __future__ import annotations

from playwright.sync_api import Browser, Page, expect

from e2e import journey
from e2e.stack import Stack

PIA = "pia@paused.example"
DAY = 86_400


def test_a_pause_is_seen_by_both_until_it_is_lifted(
    page: Page, browser: Browser, stack: Stack
) -> None:
    journey.become_a_member(page, stack, "Pia Paused", PIA)
    customer = journey.customer_of(stack, PIA)
    subscriptions = stack.stripe("GET", f"subscriptions?customer={customer}")["data"]
    subscription = subscriptions[0]["id"]
    until = str(stack.look("clock")["now"] + 60 * DAY)
    pause = {"pause_collection[behavior]": "void", "pause_collection[resumes_at]": until}
    stack.stripe("POST", f"subscriptions/{subscription}", **pause)
    stack.settle()

    for path in ("/", "/membership/"):
        page.goto(f"{stack.url}{path}")
        expect(page.get_by_text("Paused", exact=True).first).to_be_visible()
        expect(page.get_by_text("Nothing is charged until")).to_be_visible()
        expect(page.get_by_text("Next payment")).to_have_count(0)
    journey.newest_mail(stack, PIA, "Your payments are paused until")

    desk = journey.staff_desk(browser, stack, "Olga Owner", "olga@paused.example")
    expect(desk.get_by_role("link", name="Payments paused")).to_be_visible()
    desk.goto(f"{stack.url}/staff/billing/subscription/?paused=yes")
    row = desk.locator("#result_list tr", has_text="Pia Paused")
    expect(row.get_by_text("payments paused").first).to_be_visible()

    stack.stripe("POST", f"subscriptions/{subscription}", pause_collection="")
    stack.settle()
    page.goto(f"{stack.url}/")
    expect(page.get_by_text("Your next charge of $29.00")).to_be_visible()
    expect(page.get_by_text("Paused", exact=True)).to_have_count(0)
    journey.newest_mail(stack, PIA, "Your payments have resumed")
    desk.reload()
    expect(desk.locator("#result_list tr", has_text="Pia Paused")).to_have_count(0)
    desk.context.close()
