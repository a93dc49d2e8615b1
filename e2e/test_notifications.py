"""Choosing what one is told, on a phone: in place, without scripts, and from a mail's own link."""

from __future__ import annotations

import os
import re
from pathlib import Path

from playwright.sync_api import Browser, Locator, Page, ViewportSize, expect

from e2e import journey
from e2e.axe import faults
from e2e.stack import HTTP, Stack, eventually

PHONE = "+12025550177"
SMALL: ViewportSize = {"width": 360, "height": 740}
NORA, MILA = "nora@notify.example", "mila@notify.example"


def switch(page: Page, topic: str, channel: str = "Email") -> Locator:
    """Return a switch by what a screen reader calls it."""
    return page.get_by_role("switch", name=f"{topic} {channel}", exact=True)


def shoot(page: Page, name: str) -> None:
    """Keep a picture of the page where somebody wants to look at it."""
    if folder := os.environ.get("PICTURES"):
        page.screenshot(path=Path(folder) / f"{name}.png", full_page=True)


def test_a_member_chooses_on_a_phone_and_each_switch_says_what_is_now_true(
    browser: Browser, stack: Stack
) -> None:
    context = browser.new_context(viewport=SMALL, color_scheme="dark", reduced_motion="reduce")
    page = context.new_page()
    journey.sign_up(page, stack, "Nora Note", NORA, PHONE)
    page.goto(f"{stack.url}/account/")
    page.get_by_role("link", name="Notifications Which emails").click()

    receipts = switch(page, "Receipts")
    expect(receipts).to_be_checked()
    receipts.focus()
    page.keyboard.press("Space")
    expect(page.get_by_role("status").get_by_text("“Receipts” emails are off.")).to_be_visible()
    expect(switch(page, "Receipts")).to_be_focused()
    expect(switch(page, "Receipts")).not_to_be_checked()
    switch(page, "Failed payments", "Text").click()
    expect(page.locator(".toast").last).to_contain_text("“Failed payments” texts are off.")
    expect(switch(page, "Failed payments")).to_have_count(0)
    assert faults(page) == []
    shoot(page, "notifications-phone-dark")

    page.reload()
    expect(switch(page, "Receipts")).not_to_be_checked()
    expect(switch(page, "Failed payments", "Text")).not_to_be_checked()
    page.get_by_role("button", name="Stop all texts").click()
    expect(page.get_by_role("status").get_by_text("Text messages are off.")).to_be_visible()
    expect(switch(page, "Receipts", "Text")).to_be_disabled()
    shoot(page, "notifications-phone-texts-off")
    page.set_viewport_size({"width": 1280, "height": 900})
    shoot(page, "notifications-desktop-dark")
    context.close()


def test_a_switch_that_cannot_be_saved_says_so_and_tries_again(
    browser: Browser, stack: Stack
) -> None:
    context = browser.new_context(viewport=SMALL)
    page = context.new_page()
    journey.sign_up(page, stack, "Olga Off", "olga@notify.example")
    page.goto(f"{stack.url}/account/notifications/")
    context.set_offline(True)
    switch(page, "Receipts").click()
    expect(page.get_by_text("You’re offline.")).to_be_visible()
    shoot(page, "notifications-phone-offline")
    context.set_offline(False)
    page.get_by_role("button", name="Try again").click()
    expect(page.get_by_text("“Receipts” emails are off.")).to_be_visible()
    context.close()


def test_without_scripts_a_button_saves_the_switches(browser: Browser, stack: Stack) -> None:
    with_scripts = browser.new_context()
    page = with_scripts.new_page()
    journey.sign_up(page, stack, "Piet Plain", "piet@notify.example")
    context = browser.new_context(
        viewport=SMALL, java_script_enabled=False, storage_state=with_scripts.storage_state()
    )
    plain = context.new_page()
    plain.goto(f"{stack.url}/account/notifications/")
    switch(plain, "Expiring card").uncheck()
    shoot(plain, "notifications-phone-plain")
    plain.get_by_role("button", name="Save notifications").click()
    expect(plain.get_by_text("“Expiring card” emails are off.")).to_be_visible()
    expect(switch(plain, "Expiring card")).not_to_be_checked()
    for one in (context, with_scripts):
        one.close()


def test_a_receipts_own_link_turns_it_off_without_a_sign_in_and_can_be_undone(
    browser: Browser, stack: Stack
) -> None:
    context = browser.new_context()
    journey.become_a_member(context.new_page(), stack, "Mila Mute", MILA)
    stack.settle()
    # The first receipt is in the welcome, which everybody gets.
    stack.control("clock", advance="month")
    stack.settle()
    mail = journey.newest_mail(stack, MILA, "Receipt", than=1)
    header = mail["headers"]["List-Unsubscribe"]
    assert mail["headers"]["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"
    link = re.findall(r"<(http\S+)>", header)[0]

    visitor = browser.new_context(viewport=SMALL)
    page = visitor.new_page()
    page.goto(link)
    expect(page.get_by_role("heading", name="Turn off “Receipts” emails?")).to_be_visible()
    assert faults(page) == []
    shoot(page, "unsubscribe-ask")
    page.get_by_role("button", name="Turn off").click()
    expect(page.get_by_role("heading", name="“Receipts” emails are off")).to_be_visible()
    shoot(page, "unsubscribe-off")
    page.get_by_role("button", name="Undo").click()
    expect(page.get_by_role("heading", name="“Receipts” emails are on")).to_be_visible()
    page.goto(link.replace(".receipts.", ".renewals."))
    expect(page.get_by_role("heading", name="This link doesn’t work")).to_be_visible()
    shoot(page, "unsubscribe-nonsense")

    # As a mail program does it: a form, no cookies.
    answer = HTTP.post(link, data={"List-Unsubscribe": "One-Click"})
    assert answer.status_code == 200
    off = "SELECT topic, channel, is_on FROM emails_notificationchoice JOIN auth_user"
    off += " ON auth_user.id = user_id WHERE auth_user.email = %s"
    assert eventually(lambda: stack.sql(off, MILA), "the choice") == [("receipts", "email", False)]
    for one in (visitor, context):
        one.close()
