"""A button pressed after another tab signed out: back to its page, with a sentence."""

from __future__ import annotations

import re

from playwright.sync_api import Browser, expect

from e2e import journey
from e2e.stack import Stack

WILLA = "willa@back.example"


def test_a_tab_that_was_left_open_leads_back_to_its_form(browser: Browser, stack: Stack) -> None:
    context = browser.new_context(viewport={"width": 360, "height": 780})
    page, other = context.new_page(), context.new_page()
    journey.sign_up(page, stack, "Willa Way", WILLA)
    page.goto(f"{stack.url}/membership/")

    other.goto(f"{stack.url}/accounts/logout/")
    other.get_by_role("main").get_by_role("button", name="Sign out").click()
    other.wait_for_url(re.compile("/accounts/login/"))

    page.get_by_role("button", name=re.compile("Subscribe")).click()
    expect(page.get_by_text("You’ve been signed out. Sign in again")).to_be_visible()
    page.get_by_role("link", name="Sign in again").click()
    journey.fill_sign_in(page, WILLA)
    expect(page).to_have_url(f"{stack.url}/membership/")

    # The other tab has the token of before: it has expired, and comes back as well.
    other.goto(f"{stack.url}/account/")
    page.goto(f"{stack.url}/accounts/logout/")
    page.get_by_role("main").get_by_role("button", name="Sign out").click()
    page.wait_for_url(re.compile("/accounts/login/"))
    journey.fill_sign_in(page, WILLA)
    expect(page).to_have_url(f"{stack.url}/")
    other.get_by_label("Name").fill("Willa Weg")
    other.get_by_role("button", name="Save").first.click()
    expect(
        other.get_by_text("This page has expired. Load it again; what you typed is kept.")
    ).to_be_visible()
    other.get_by_role("button", name="Load the page again").click()
    expect(other.get_by_text("We kept what you typed.")).to_be_visible()
    expect(other.get_by_label("Name")).to_have_value("Willa Weg")
    expect(other).to_have_url(f"{stack.url}/account/")

    # An address that only takes forms, typed.
    page.goto(f"{stack.url}/membership/subscribe/")
    expect(page).to_have_url(f"{stack.url}/membership/")
    assert stack.sql("SELECT first_name, last_name FROM auth_user WHERE email = %s", WILLA) == [
        ("Willa", "Way")
    ]
    bought = (
        "SELECT count(*) FROM billing_checkout JOIN billing_customer"
        " ON customer_id = billing_customer.id WHERE email = %s"
    )
    assert stack.sql(bought, WILLA) == [(0,)]
    context.close()
