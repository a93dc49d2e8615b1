"""Staff save a list as it is, on a screen and on a phone."""

from __future__ import annotations

import re
import uuid

import pytest
from playwright.sync_api import Browser, Page, expect

from e2e import journey
from e2e.stack import Stack

PAYMENTS = "/staff/billing/payment/?status__exact=succeeded"


@pytest.mark.parametrize("width", [1280, 360])
def test_a_list_is_saved_opened_and_deleted(browser: Browser, stack: Stack, width: int) -> None:
    email = f"desk-{uuid.uuid4().hex[:8]}@staff.example"
    state = journey.staff_desk(browser, stack, "Dora Desk", email).context.storage_state()
    context = browser.new_context(
        base_url=stack.url,
        viewport={"width": width, "height": 780},
        storage_state=state,
    )
    page: Page = context.new_page()
    name = f"Paid {uuid.uuid4().hex[:8]}"
    page.goto(PAYMENTS)
    views = page.get_by_role("navigation", name="Saved views")
    views.get_by_text("Save this view").click()
    views.get_by_label("Name").fill(name)
    views.get_by_role("button", name="Save view").click()
    expect(page.get_by_text(f"Saved as “{name}”.")).to_be_visible()
    page.goto("/staff/billing/payment/")
    views.get_by_role("link", name=name).click()
    expect(page).to_have_url(re.compile(re.escape(PAYMENTS)))
    expect(views.get_by_role("link", name=name)).to_have_attribute("aria-current", "page")
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    views.get_by_role("link", name="Manage views").click()
    page.get_by_role("link", name=name).first.click()
    page.goto(page.url.replace("/change/", "/delete/"))
    page.get_by_role("button", name=re.compile("Yes|Delete", re.IGNORECASE)).first.click()
    page.goto("/staff/billing/payment/")
    expect(page.get_by_role("link", name=name)).to_have_count(0)
    context.close()
