"""A customer that was deleted in Stripe's dashboard: the member joins and pays again."""

from __future__ import annotations

from playwright.sync_api import Page, expect

from e2e import journey
from e2e.stack import Stack

DORA = "dora@deleted.example"


def test_who_was_deleted_joins_and_pays_again(page: Page, stack: Stack) -> None:
    journey.become_a_member(page, stack, "Dora Deleted", DORA)
    gone = journey.customer_of(stack, DORA)
    stack.stripe("DELETE", f"customers/{gone}")
    stack.settle()

    page.goto(f"{stack.url}/membership/")
    expect(page.get_by_text("Your membership ended on")).to_be_visible()
    journey.subscribe(page, stack)
    stack.settle()
    page.goto(f"{stack.url}/membership/")
    expect(page.get_by_text("Your next charge of $29.00")).to_be_visible()
    assert journey.customer_of(stack, DORA) != gone

    page.goto(f"{stack.url}/payments/new/?amount=12.00")
    page.get_by_label("What’s it for?").fill("Mat")
    page.get_by_role("button", name="Continue to payment").click()
    journey.pay(page)
    stack.settle()
    journey.newest_mail(stack, DORA, "Receipt: $12.00 for Mat")

    # What was paid before is still theirs.
    page.goto(f"{stack.url}/payments/")
    expect(page.locator("#list tbody tr")).to_have_count(3)
    kept = stack.stripe("GET", f"customers?email={DORA}")["data"]
    assert [one["id"] for one in kept] == [journey.customer_of(stack, DORA)]
