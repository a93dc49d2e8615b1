"""Accessible to everyone: axe finds no faults in light and dark; nothing is cut off at 320 px."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Literal

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Page, StorageState, expect

from e2e import journey
from e2e.stack import Stack

# The page that shows what switching to yearly would cost.
SWITCH = "/membership/switch/yearly/"
VISITOR = [
    "/join/",
    "/accounts/login/",
    "/accounts/signup/",
    "/accounts/login/code/",
    "/help/",
    "/nowhere/",
]
MEMBER = [
    "/",
    "/membership/",
    "/membership/cancel/",
    SWITCH,
    "/payments/",
    "/payments/?q=nothing+of+the+kind",
    "/payments/new/",
    "/account/",
    "/account/billing/",
    "/account/cards/",
    "/accounts/2fa/",
    "/accounts/sessions/",
    "/account/notifications/",
    "/account/activity/",
    "/account/data/",
    "/account/close/",
    "/help/",
]
ADA = "ada@access.example"
ADAS_INVOICES = """
    SELECT billing_invoice.id, billing_invoice.stripe_id, date_part('year', paid_at)::int
    FROM billing_invoice JOIN billing_customer ON billing_customer.id = customer_id
    JOIN auth_user ON auth_user.id = user_id WHERE auth_user.email = %s
"""
ADAS_REFUND = """
    SELECT payment_id, billing_refund.id FROM billing_refund
    JOIN billing_customer ON billing_customer.id = customer_id
    JOIN auth_user ON auth_user.id = user_id WHERE auth_user.email = %s
"""
Theme = Literal["light", "dark"]


@pytest.fixture(scope="module")
def signed_in(browser: Browser, stack: Stack) -> Iterator[StorageState]:
    """The cookies of a member with a payment."""
    context = browser.new_context()
    page = context.new_page()
    journey.sign_up(page, stack, "Ada Axe", ADA)
    journey.subscribe(page, stack)
    stack.settle()
    [[_, invoice, _]] = stack.sql(ADAS_INVOICES, ADA)
    note = {"amount": "1500", "refund_amount": "1000", "credit_amount": "500"}
    stack.stripe("POST", "credit_notes", invoice=invoice, **note)
    stack.settle()
    yield context.storage_state()
    context.close()


def papers(stack: Stack) -> list[str]:
    """Return the pages about Ada's payment: invoice, statement, refund form, refund tracker."""
    [[invoice, _, year]] = stack.sql(ADAS_INVOICES, ADA)
    [[payment, refund]] = stack.sql(ADAS_REFUND, ADA)
    return [
        f"/payments/invoices/{invoice}/",
        f"/payments/statements/{year}/",
        f"/payments/{payment}/refund/",
        f"/refunds/{refund}/",
    ]


def address(stack: Stack, path: str) -> str:
    """Return a page's address; a switch's address has the plan's number."""
    if path == SWITCH:
        rows = stack.sql("SELECT id FROM billing_plan WHERE interval = 'year'")
        path = f"/membership/switch/{rows[0][0]}/"
    return f"{stack.url}{path}"


def faults(page: Page) -> list[str]:
    """Return axe's violations."""
    violations = Axe().run(page).response["violations"]
    return [f"{fault['id']}: {fault['nodes'][0]['html'][:200]}" for fault in violations]


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_axe_finds_nothing(
    browser: Browser, stack: Stack, signed_in: StorageState, theme: Theme
) -> None:
    seen: dict[str, list[str]] = {}
    for cookies, paths in ((None, VISITOR), (signed_in, MEMBER + papers(stack))):
        context = browser.new_context(
            storage_state=cookies, color_scheme=theme, reduced_motion="reduce"
        )
        page = context.new_page()
        for path in paths:
            page.goto(address(stack, path))
            seen[path] = faults(page)
        context.close()
    assert {path: reported for path, reported in seen.items() if reported} == {}


def test_nothing_is_cut_off_on_the_narrowest_phone(
    browser: Browser, stack: Stack, signed_in: StorageState
) -> None:
    for cookies, paths in ((None, VISITOR), (signed_in, MEMBER + papers(stack))):
        context = browser.new_context(storage_state=cookies, viewport={"width": 320, "height": 640})
        page = context.new_page()
        for path in paths:
            page.goto(address(stack, path))
            assert page.evaluate("document.documentElement.scrollWidth") <= 320, path
        context.close()


def test_the_sandboxs_panel_fits_a_window_of_1000_pixels(page: Page, stack: Stack) -> None:
    journey.sign_up(page, stack, "Wendy Wide", "wendy.wide@members.example")
    page.get_by_role("link", name="Membership").first.click()
    page.get_by_role("button", name=re.compile("Subscribe")).click()
    journey.pay(page)
    stack.settle()
    page.set_viewport_size({"width": 1000, "height": 800})
    page.goto(stack.sandbox_url)
    expect(page.get_by_text("wendy.wide@members.example").first).to_be_visible()
    assert page.evaluate("document.documentElement.scrollWidth") <= 1000
