"""Google and Apple in a browser: out to another site and back, with its cookies and our policy."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Page, expect

from e2e import journey
from e2e.axe import faults
from e2e.stack import Stack
from e2e.test_second_step import restart_web
from sandbox.identity.keys import client_key

GINA = "gina.guest@gmail.com"


@pytest.fixture(scope="module")
def set_up(stack: Stack) -> Iterator[Stack]:
    """A portal that's registered with the sandbox's Google and Apple, which are another site."""
    stack.name = "localhost"
    stack.more = {
        "GOOGLE_CLIENT_ID": "portal.example",
        "GOOGLE_CLIENT_SECRET": "shh",
        "GOOGLE_AUTHORIZE_URL": f"{stack.sandbox_url}/google/auth",
        "GOOGLE_TOKEN_URL": f"{stack.sandbox_url}/google/token",
        "APPLE_CLIENT_ID": "portal.example",
        "APPLE_TEAM_ID": "TEAM",
        "APPLE_KEY_ID": "KEY",
        # As people write it into a file of settings.
        "APPLE_PRIVATE_KEY": client_key().replace("\n", "\\n"),
        "APPLE_API_BASE": f"{stack.sandbox_url}/apple",
    }
    restart_web(stack)
    yield stack
    stack.name, stack.more = "127.0.0.1", {}
    restart_web(stack)


@pytest.fixture
def phone(browser: Browser) -> Iterator[Page]:
    """A phone's browser."""
    context = browser.new_context(viewport={"width": 360, "height": 780})
    page = context.new_page()
    page.set_default_timeout(15_000)
    yield page
    context.close()


def test_a_visitor_joins_with_google_and_finds_the_plan_they_chose(
    phone: Page, set_up: Stack
) -> None:
    phone.goto(f"{set_up.url}/membership/")
    phone.get_by_role("main").get_by_role("link", name="Create an account").click()
    phone.wait_for_url(re.compile("/accounts/signup/"))
    phone.get_by_role("button", name="Continue with Google").click()
    phone.get_by_role("button", name=GINA).click()
    expect(phone).to_have_url(f"{set_up.url}/membership/")
    phone.get_by_role("button", name="Your menu").click()
    expect(phone.get_by_text("Gina Guest", exact=True)).to_be_visible()

    phone.goto(f"{set_up.url}/accounts/2fa/")
    section = phone.get_by_role("region", name="Connected accounts")
    expect(section).to_contain_text(GINA)
    assert faults(phone) == []
    section.get_by_role("button", name="Disconnect Google").click()
    phone.get_by_role("dialog").get_by_role("button", name="Disconnect").click()
    expect(phone.get_by_text("Google is disconnected.")).to_be_visible()
    section.get_by_role("button", name="Connect Google").click()
    phone.get_by_role("button", name=GINA).click()
    expect(phone.get_by_text("Google is connected.")).to_be_visible()
    phone.goto(f"{set_up.url}/account/activity/")
    expect(phone.get_by_text("An account was connected for sign-in")).to_be_visible()


def test_apples_page_posts_from_another_site(phone: Page, set_up: Stack) -> None:
    phone.goto(f"{set_up.url}/accounts/login/?next=/payments/")
    phone.get_by_role("button", name="Continue with Apple").click()
    phone.wait_for_url(re.compile(re.escape(f"{set_up.sandbox_url}/apple/")))
    phone.get_by_role("button", name="Ada Apple").click()
    phone.get_by_role("button", name="Continue").click()
    expect(phone).to_have_url(f"{set_up.url}/payments/")
    phone.get_by_role("button", name="Your menu").click()
    expect(phone.get_by_text("Ada Apple", exact=True)).to_be_visible()


def test_a_member_who_cancels_signs_in_with_their_password(phone: Page, set_up: Stack) -> None:
    email = "carl@social.example"
    journey.sign_up(phone, set_up, "Carl Cancel", email)
    phone.context.clear_cookies()
    phone.goto(f"{set_up.url}/accounts/login/?next=/payments/")
    phone.get_by_role("button", name="Continue with Google").click()
    phone.get_by_role("button", name="Cancel").click()
    expect(phone.get_by_text("You canceled signing in with Google.")).to_be_visible()
    journey.fill_sign_in(phone, email)
    expect(phone).to_have_url(f"{set_up.url}/payments/")


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_the_buttons_are_accessible_and_fit(browser: Browser, set_up: Stack, theme: str) -> None:
    context = browser.new_context(
        viewport={"width": 320, "height": 640},
        color_scheme="dark" if theme == "dark" else "light",
        reduced_motion="reduce",
    )
    page = context.new_page()
    for path in ("/accounts/login/", "/accounts/signup/"):
        page.goto(f"{set_up.url}{path}")
        for width in (1280, 320):
            page.set_viewport_size({"width": width, "height": 640})
            expect(page.get_by_role("button", name="Continue with Apple")).to_be_visible()
            assert faults(page) == []
            assert page.evaluate("document.documentElement.scrollWidth") <= width
    context.close()
