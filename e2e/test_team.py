"""The team in browsers: an invitation, from sending to joining, and a morning of each role."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, expect

from e2e import journey
from e2e.axe import faults
from e2e.stack import Stack
from members.tests.authenticator import code_of

OLGA, NINA = "olga@team.example", "nina@team.example"
ROLES = ("auditor", "support", "billing", "finance", "owner")
PEOPLE = f"""
from django.contrib.auth.models import Group
from members.accounts import open_account
from portal.models import SupportMessage
for role in {ROLES!r}:
    name = f"{{role.capitalize()}} Example"
    user = open_account(f"{{role}}@team.example", name, {journey.PASSWORD!r}, is_staff=True)
    user.groups.add(Group.objects.get(staffrole__key=role))
open_account({OLGA!r}, "Olga Owner", {journey.PASSWORD!r}, is_staff=True, is_superuser=True)
SupportMessage.objects.create(name="Mia", email="mia@team.example", words="May I bring a friend?")
"""
Morning = Callable[[Page, str], None]


@pytest.fixture(scope="module")
def staff(stack: Stack) -> None:
    stack.manage("shell", "-c", PEOPLE)


@pytest.fixture
def come_in(browser: Browser, stack: Stack, staff: None) -> Iterator[Callable[[str], Page]]:
    """Sign somebody in to the staff site, in a browser of their own."""
    contexts: list[BrowserContext] = []

    def sign_in(email: str) -> Page:
        context = browser.new_context(viewport={"width": 1280, "height": 900})
        contexts.append(context)
        page = context.new_page()
        page.set_default_timeout(15_000)
        page.goto(f"{stack.url}/staff/")
        journey.fill_sign_in(page, email)
        expect(page).to_have_url(f"{stack.url}/staff/")
        return page

    yield sign_in
    for context in contexts:
        context.close()


def refused(page: Page, path: str) -> None:
    answer = page.goto(path)
    assert answer is not None
    assert answer.status == 403, path


def test_an_invitation_from_sending_to_the_staff_site(
    browser: Browser, stack: Stack, come_in: Callable[[str], Page]
) -> None:
    olga = come_in(OLGA)
    olga.goto(f"{stack.url}/staff/portal/staffinvitation/team/")
    olga.get_by_role("link", name="Invite someone").click()
    olga.get_by_label("Email address").fill(NINA)
    olga.get_by_label("Role").select_option("support")
    olga.get_by_role("button", name="Invite someone").click()
    expect(olga.get_by_text(f"We emailed an invitation to {NINA}.")).to_be_visible()
    expect(olga.get_by_role("region", name="Invited").get_by_text(NINA)).to_be_visible()

    mail = journey.newest_mail(stack, NINA, "invites you to the team")
    link = re.search(r"\S+/team/\S+", mail["text"])
    assert link, mail["text"]
    context = browser.new_context(viewport={"width": 360, "height": 780})
    nina = context.new_page()
    nina.set_default_timeout(15_000)
    nina.goto(link.group())
    expect(nina.get_by_text("Olga Owner invites you as")).to_be_visible()
    assert faults(nina) == []
    assert nina.evaluate("document.documentElement.scrollWidth") <= 360
    nina.get_by_role("main").get_by_role("link", name="Create an account").click()
    nina.get_by_label("Your name").fill("Nina New")
    nina.get_by_label("Email").first.fill(NINA)
    nina.get_by_label("Password").first.fill(journey.PASSWORD)
    nina.get_by_role("button", name="Create account").click()
    journey.enter_code(nina, journey.code_in(journey.newest_mail(stack, NINA, "code")["text"]))

    expect(nina).to_have_url(link.group())
    nina.get_by_role("link", name="Use an authenticator app").click()
    secret = nina.locator(".key").inner_text()
    nina.get_by_label("Code").fill(code_of(secret))
    nina.get_by_role("button", name="Turn it on").click()
    nina.get_by_role("link", name="I’ve saved them").click()
    expect(nina.get_by_text("You were about to join the team.")).to_be_visible()
    nina.get_by_role("main").get_by_role("link", name="Continue").click()
    assert faults(nina) == []
    nina.get_by_role("button", name="Join the team").click()
    expect(nina).to_have_url(f"{stack.url}/staff/")
    expect(nina.get_by_text("Welcome to the team.")).to_be_visible()

    # The link is used up; the page of the team says so, and a change of role shows on it.
    nina.goto(link.group())
    expect(nina.get_by_text("This invitation was accepted already.")).to_be_visible()
    olga.goto(f"{stack.url}/staff/portal/staffinvitation/team/")
    row = olga.get_by_role("row").filter(has_text=NINA)
    expect(row.get_by_text("Authenticator app")).to_be_visible()
    expect(row.get_by_text("No decisions on money until")).to_be_visible()
    row.get_by_role("link", name="End access").click()
    olga.get_by_role("button", name="End access").click()
    expect(olga.get_by_text("Revoked: The staff site").first).to_be_visible()
    nina.goto(f"{stack.url}/staff/")
    expect(nina).to_have_url(re.compile("/accounts/login/"))
    context.close()


def auditor(page: Page, url: str) -> None:
    page.goto(f"{url}/staff/billing/refundentry/")
    expect(page.get_by_role("heading", name="Ledger entries").first).to_be_visible()
    refused(page, f"{url}/staff/billing/refundpolicy/add/")


def support(page: Page, url: str) -> None:
    page.goto(f"{url}/staff/portal/supportmessage/")
    page.locator("#result_list a[href*='/change/']").first.click()
    expect(page.get_by_text("May I bring a friend?")).to_be_visible()
    page.get_by_role("link", name=re.compile("Mark as answered")).first.click()
    page.locator("form").get_by_role("button", name="Mark as answered").first.click()
    expect(page.get_by_text("The message is marked as answered.")).to_be_visible()
    # What was done is shown on the object.
    changed = page.get_by_role("region", name="Changed by staff")
    expect(changed.get_by_text("Marked as answered.")).to_be_visible()
    expect(changed.get_by_text("Support Example")).to_be_visible()
    refused(page, f"{url}/staff/billing/refundpolicy/add/")


def billing(page: Page, url: str) -> None:
    page.goto(f"{url}/staff/billing/refund/")
    expect(page.get_by_role("heading", name="Refunds").first).to_be_visible()
    page.goto(f"{url}/staff/billing/refundpolicy/add/")
    expect(page.get_by_role("button", name="See what it would have decided")).to_be_visible()
    refused(page, f"{url}/staff/billing/bankfile/import/")


def finance(page: Page, url: str) -> None:
    page.goto(f"{url}/staff/billing/balancetransaction/months/")
    expect(page.get_by_role("heading", name=re.compile("[Mm]onths")).first).to_be_visible()
    page.goto(f"{url}/staff/billing/bankfile/import/")
    expect(page.get_by_role("button", name="Show what’s in it")).to_be_visible()
    refused(page, f"{url}/staff/billing/refund/approve-selected/")


def owner(page: Page, url: str) -> None:
    page.goto(f"{url}/staff/portal/staffinvitation/team/")
    expect(page.get_by_role("row").filter(has_text="support@team.example")).to_be_visible()
    page.goto(f"{url}/staff/billing/item/add/")
    page.get_by_label("Name").fill("Towel")
    page.get_by_label("Price").fill("4.00")
    page.get_by_role("button", name="Save", exact=True).click()
    page.locator("#result_list").get_by_role("link", name="Towel").click()
    page.get_by_label("Price").fill("5.00")
    page.get_by_role("button", name="Save and continue editing").click()
    changed = page.get_by_role("region", name="Changed by staff")
    expect(changed.get_by_text("Price: 4.00 → 5.00.")).to_be_visible()
    # Superusers are beyond an owner.
    page.goto(f"{url}/staff/portal/staffinvitation/team/")
    row = page.get_by_role("row").filter(has_text=OLGA)
    expect(row.get_by_role("link", name="Change role")).to_have_count(0)


@pytest.mark.parametrize("morning", [auditor, support, billing, finance, owner])
def test_a_morning_of_each_role(
    morning: Morning, stack: Stack, come_in: Callable[[str], Page]
) -> None:
    morning(come_in(f"{morning.__name__}@team.example"), stack.url)
