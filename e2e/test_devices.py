"""Where somebody is signed in, and the link in the email: walked in several browsers."""

from __future__ import annotations

import re

from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Page, expect

from e2e import journey
from e2e.stack import Stack

DAN = "dan@devices.example"
IPHONE = (
    "Mozilla/5.0 (iPhone; CPU iPhone OS 18_0 like Mac OS X) AppleWebKit/605.1.15 "
    "(KHTML, like Gecko) Version/18.0 Mobile/15E148 Safari/604.1"
)
WINDOWS = (
    "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) "
    "Chrome/130.0.0.0 Safari/537.36"
)


def signed_in(browser: Browser, stack: Stack, agent: str) -> Page:
    page = browser.new_context(user_agent=agent).new_page()
    page.set_default_timeout(15_000)
    journey.sign_in(page, stack, DAN)
    return page


def is_out(page: Page, stack: Stack) -> bool:
    page.goto(f"{stack.url}/account/")
    return page.url.startswith(f"{stack.url}/accounts/login/")


def test_a_member_signs_out_a_lost_phone_then_everything_else(
    browser: Browser, stack: Stack
) -> None:
    here = browser.new_context(viewport={"width": 360, "height": 780}).new_page()
    here.set_default_timeout(15_000)
    journey.sign_up(here, stack, "Dan Devices", DAN)
    phone, laptop = signed_in(browser, stack, IPHONE), signed_in(browser, stack, WINDOWS)
    here.goto(f"{stack.url}/accounts/sessions/")
    assert Axe().run(here).response["violations"] == []
    assert here.evaluate("document.documentElement.scrollWidth") <= 360
    here.get_by_role("button", name="Sign out Safari on an iPhone").press("Enter")
    outcome = here.get_by_role("status").filter(has_text="That device is signed out.")
    expect(outcome).to_be_focused()
    expect(here.get_by_text("iPhone")).to_have_count(0)
    assert is_out(phone, stack)
    assert not is_out(laptop, stack)
    here.get_by_role("button", name="Sign out everywhere else").click()
    expect(here.get_by_text("signed out everywhere else")).to_be_visible()
    assert is_out(laptop, stack)
    assert not is_out(here, stack)

    # The link in the email: asked for on the laptop, opened on the phone.
    laptop.goto(f"{stack.url}/accounts/login/code/?next=/payments/")
    laptop.get_by_label("Email").fill(DAN)
    laptop.get_by_role("button", name="Email me a code").click()
    mail = journey.newest_mail(stack, DAN, "sign-in code")
    found = re.search(r"http://\S+/accounts/login/link/\S+", mail["text"])
    assert found
    phone.goto(found.group())
    expect(phone.get_by_text("This was requested just now with Chrome on Windows")).to_be_visible()
    assert Axe().run(phone).response["violations"] == []
    phone.get_by_role("main").get_by_role("button", name="Sign in").click()
    expect(phone).to_have_url(f"{stack.url}/payments/")
    journey.enter_code(laptop, journey.code_in(mail["subject"]))
    expect(laptop.get_by_text("You already used the link")).to_be_visible()

    here.goto(f"{stack.url}/account/activity/")
    expect(here.get_by_text("Signed in with an emailed code or link").first).to_be_visible()
    expect(here.get_by_text("You signed up")).to_be_visible()
    assert Axe().run(here).response["violations"] == []
    for page in (here, phone, laptop):
        page.context.close()
