"""Two-step sign-in in a browser: added with an app, asked for, replaced by a recovery code."""

from __future__ import annotations

from collections.abc import Iterator

import httpx
import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, expect

from e2e import journey
from e2e.stack import Stack, eventually
from members.tests.authenticator import code_of

SUE = "sue@second.example"
OLGA = "olga@second.example"


def restart_web(stack: Stack) -> None:
    """Restart the web server with the current environment."""
    stack.stop("web")
    stack.start("web")

    def answers() -> bool:
        try:
            return httpx.get(f"{stack.url}/healthz/", timeout=5, trust_env=False).is_success
        except httpx.TransportError:
            return False

    eventually(answers, "the portal")


@pytest.fixture
def strict(stack: Stack) -> Iterator[Stack]:
    """A portal whose owner requires a second step for staff."""
    with pytest.MonkeyPatch.context() as environment:
        environment.setenv("STAFF_NEED_SECOND_FACTOR", "true")
        restart_web(stack)
    yield stack
    restart_web(stack)


def test_a_member_adds_it_signs_in_with_it_and_once_without_the_phone(
    browser: Browser, stack: Stack
) -> None:
    context = browser.new_context(viewport={"width": 360, "height": 780})
    page = context.new_page()
    journey.sign_up(page, stack, "Sue Second", SUE)
    page.goto(f"{stack.url}/account/")
    page.get_by_role("main").get_by_role("link", name="Two-step sign-in").last.click()
    page.get_by_role("link", name="Add an app").click()
    secret = page.locator(".key").inner_text()
    picture = page.locator(".qr")
    assert picture.evaluate("image => image.decode().then(() => image.naturalWidth > 0)")
    assert Axe().run(page).response["violations"] == []
    page.get_by_label("Code").fill(code_of(secret))
    page.get_by_role("button", name="Turn it on").click()
    expect(page.get_by_role("heading", name="Recovery codes")).to_be_visible()
    spare = page.locator(".keys .key").all_inner_texts()
    assert len(spare) == 10
    expect(page.locator(".toast").first).to_be_visible()
    # In the page's flow a message covers no button.
    assert page.locator(".toasts").evaluate("box => getComputedStyle(box).position") == "static"
    assert page.evaluate("document.documentElement.scrollWidth") <= 360
    assert Axe().run(page).response["violations"] == []
    page.get_by_role("link", name="I’ve saved them").click()
    expect(page.get_by_text("You have 10 left")).to_be_visible()
    journey.newest_mail(stack, SUE, "Two-step sign-in is on")

    context.clear_cookies()
    page.goto(f"{stack.url}/payments/")
    journey.fill_sign_in(page, SUE)
    expect(page.get_by_role("heading", name="One more step")).to_be_visible()
    assert Axe().run(page).response["violations"] == []
    journey.enter_code(page, "000000")
    expect(page.get_by_text("That code isn’t correct")).to_be_visible()
    journey.enter_code(page, code_of(secret, steps=1))
    # Where they wanted to go.
    expect(page).to_have_url(f"{stack.url}/payments/")

    context.clear_cookies()
    page.goto(f"{stack.url}/accounts/login/")
    journey.fill_sign_in(page, SUE)
    journey.enter_code(page, spare[0])
    expect(page).to_have_url(f"{stack.url}/")
    context.close()


def test_staff_are_led_to_it_and_then_come_in_with_it(browser: Browser, strict: Stack) -> None:
    strict.manage(
        "shell",
        "-c",
        "from members.accounts import open_account;"
        f"open_account('{OLGA}', 'Olga Owner', '{journey.PASSWORD}',"
        " is_staff=True, is_superuser=True)",
    )
    context = browser.new_context()
    page = context.new_page()
    page.goto(f"{strict.url}/staff/")
    journey.fill_sign_in(page, OLGA)
    expect(page.get_by_text("The staff site needs two-step sign-in")).to_be_visible()
    secret = page.locator(".key").inner_text()
    page.get_by_label("Code").fill(code_of(secret))
    page.get_by_role("button", name="Turn it on").click()
    expect(page.get_by_role("heading", name="Recovery codes")).to_be_visible()
    page.goto(f"{strict.url}/staff/")
    expect(page).to_have_url(f"{strict.url}/staff/")
    expect(page.get_by_role("link", name="Refunds").first).to_be_visible()

    context.clear_cookies()
    page.goto(f"{strict.url}/staff/billing/refund/")
    journey.fill_sign_in(page, OLGA)
    journey.enter_code(page, code_of(secret, steps=1))
    expect(page).to_have_url(f"{strict.url}/staff/billing/refund/")
    context.close()
