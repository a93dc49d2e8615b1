"""Passkeys in a browser with a virtual authenticator: added, signed in with, asked for, removed."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, CDPSession, Page, expect

from e2e import journey
from e2e.stack import Stack
from e2e.test_second_step import restart_web

PIA = "pia@passkeys.example"
# A phone's own: it knows its owner, and keeps the passkey.
PHONE = {
    "protocol": "ctap2",
    "transport": "internal",
    "hasResidentKey": True,
    "hasUserVerification": True,
    "isUserVerified": True,
    "automaticPresenceSimulation": True,
}


@pytest.fixture
def named(stack: Stack) -> Iterator[Stack]:
    """A portal at a name: browsers allow no passkeys for an IP address."""
    stack.name = "localhost"
    restart_web(stack)
    yield stack
    stack.name = "127.0.0.1"
    restart_web(stack)


def plug_in(page: Page) -> tuple[CDPSession, str]:
    """Give the browser an authenticator; return its session and number."""
    session = page.context.new_cdp_session(page)
    session.send("WebAuthn.enable")
    made = session.send("WebAuthn.addVirtualAuthenticator", {"options": PHONE})
    return session, made["authenticatorId"]


def recognizes(session: CDPSession, authenticator: str, *, its_owner: bool) -> None:
    """Set whether the device recognizes who holds it."""
    words = {"authenticatorId": authenticator, "isUserVerified": its_owner}
    session.send("WebAuthn.setUserVerified", words)


def test_a_member_adds_one_signs_in_with_it_and_removes_it(browser: Browser, named: Stack) -> None:
    context = browser.new_context(viewport={"width": 360, "height": 780})
    page = context.new_page()
    page.set_default_timeout(15_000)
    session, phone = plug_in(page)
    journey.sign_up(page, named, "Pia Passkey", PIA)
    page.goto(f"{named.url}/accounts/2fa/")
    page.get_by_role("link", name="Add a passkey").click()
    assert Axe().run(page).response["violations"] == []
    page.get_by_label("Name").fill("My phone")
    page.get_by_role("button", name="Create passkey").click()
    expect(page.get_by_role("heading", name="Recovery codes")).to_be_visible()
    page.goto(f"{named.url}/accounts/2fa/")
    expect(page.get_by_text("My phone").first).to_be_visible()
    assert Axe().run(page).response["violations"] == []
    assert page.evaluate("document.documentElement.scrollWidth") <= 360
    journey.newest_mail(named, PIA, "A passkey was added")
    # The same device makes no second one.
    page.get_by_role("link", name="Add a passkey").click()
    page.get_by_role("button", name="Create passkey").click()
    expect(page.get_by_text("already has a passkey")).to_be_visible()

    # Signing in where they wanted to go; a device that doesn't know its owner is refused first.
    context.clear_cookies()
    page.goto(f"{named.url}/payments/")
    assert Axe().run(page).response["violations"] == []
    recognizes(session, phone, its_owner=False)
    button = page.get_by_role("button", name="Sign in with a passkey")
    button.click()
    expect(page.get_by_role("alert").get_by_text("canceled or took too long")).to_be_visible()
    expect(button).to_be_focused()
    recognizes(session, phone, its_owner=True)
    button.press("Enter")
    expect(page).to_have_url(f"{named.url}/payments/")

    # After a password it's the second step.
    context.clear_cookies()
    page.goto(f"{named.url}/accounts/login/")
    journey.fill_sign_in(page, PIA)
    expect(page.get_by_role("heading", name="One more step")).to_be_visible()
    assert Axe().run(page).response["violations"] == []
    page.get_by_role("button", name="Use a passkey").click()
    expect(page).to_have_url(f"{named.url}/")

    page.goto(f"{named.url}/accounts/2fa/")
    page.get_by_role("link", name="Remove My phone").click()
    page.get_by_role("link", name="Use my passkey").click()
    page.get_by_role("button", name="Use a passkey").click()
    expect(page.get_by_role("heading", name="Remove “My phone”?")).to_be_visible()
    assert Axe().run(page).response["violations"] == []
    page.get_by_role("button", name="Remove passkey").click()
    expect(page.get_by_text("No password to type")).to_be_visible()
    journey.newest_mail(named, PIA, "A passkey was removed")
    context.close()


def test_what_a_page_says_if_the_portal_cannot_be_reached(page: Page, named: Stack) -> None:
    plug_in(page)
    page.goto(f"{named.url}/accounts/login/")
    page.route("**/webauthn/login/", lambda route: route.abort())
    page.get_by_role("button", name="Sign in with a passkey").click()
    expect(page.get_by_text("couldn’t get through")).to_be_visible()
    page.unroute("**/webauthn/login/")
    page.get_by_role("button", name="Sign in with a passkey").click()
    # This device has none.
    expect(page.get_by_text("canceled or took too long")).to_be_visible()


def test_without_scripts_the_other_ways_stand_alone(browser: Browser, named: Stack) -> None:
    context = browser.new_context(java_script_enabled=False)
    page = context.new_page()
    journey.sign_up(page, named, "Nora Noscript", "nora@passkeys.example")
    page.goto(f"{named.url}/accounts/2fa/webauthn/add/")
    expect(page.get_by_text("Passkeys need JavaScript")).to_be_visible()
    expect(page.get_by_role("button", name="Create passkey")).to_be_hidden()
    context.clear_cookies()
    page.goto(f"{named.url}/accounts/login/")
    expect(page.get_by_role("button", name="Sign in with a passkey")).to_be_hidden()
    expect(page.get_by_role("link", name="Email me a code instead")).to_be_visible()
    context.close()
