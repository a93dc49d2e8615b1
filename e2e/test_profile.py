"""The profile changes in place: the page says so, and the menu knows the new name."""

from __future__ import annotations

from playwright.sync_api import Page, Route, expect

from e2e import journey
from e2e.stack import Stack

PIA = "pia@profile.example"


def test_a_member_changes_their_name_and_time_zone_on_a_phone(page: Page, stack: Stack) -> None:
    page.set_viewport_size({"width": 360, "height": 780})
    journey.sign_up(page, stack, "Pia Profile", PIA)
    page.goto(f"{stack.url}/account/")
    name = page.get_by_label("Name")

    name.fill("pia.example")
    page.get_by_role("button", name="Save profile").click()
    expect(page.get_by_text("Enter your name only, without links or addresses.")).to_be_visible()
    expect(name).to_be_focused()

    sent: list[str] = []

    def slow(route: Route) -> None:
        sent.append(route.request.url)
        page.wait_for_timeout(500)
        route.continue_()

    page.route("**/account/profile/", slow)
    name.fill("Pia Miller")
    page.get_by_label("Time zone").select_option("Europe/Vienna")
    page.get_by_role("button", name="Save profile").dblclick()
    expect(page.get_by_text("Your profile is saved.")).to_be_visible()
    assert len(sent) == 1
    expect(page.get_by_role("heading", name="Profile")).to_be_focused()
    page.get_by_role("button", name="Your menu").click()
    expect(page.get_by_text("Pia Miller", exact=True)).to_be_visible()
    assert page.evaluate("document.documentElement.scrollWidth") <= 360
    page.reload()
    expect(name).to_have_value("Pia Miller")
    expect(page.get_by_label("Time zone")).to_have_value("Europe/Vienna")


def test_a_profile_typed_while_the_session_ended_is_kept(page: Page, stack: Stack) -> None:
    journey.sign_up(page, stack, "Paula Profile", f"paula-{PIA}")
    page.goto(f"{stack.url}/account/")
    page.get_by_label("Name").fill("Paula Miller")
    page.get_by_label("Time zone").select_option("Europe/Vienna")
    stack.sql("DELETE FROM django_session")
    page.get_by_role("button", name="Save profile").click()
    expect(page.locator("#profile [role=alert]")).to_contain_text("You’ve been signed out.")
    page.get_by_role("link", name="Sign in again").click()
    journey.fill_sign_in(page, f"paula-{PIA}")
    expect(page.get_by_label("Name")).to_have_value("Paula Miller")
    expect(page.get_by_label("Time zone")).to_have_value("Europe/Vienna")
    page.get_by_role("button", name="Save profile").click()
    expect(page.get_by_text("Your profile is saved.")).to_be_visible()
