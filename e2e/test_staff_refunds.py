"""Refunds in two browsers: the member asks, staff decide, and the member sees it arrive."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, BrowserContext, Locator, Page, expect

from e2e import journey
from e2e.stack import Stack

# Name, address, role: Sue supports, Mona decides on large refunds, Olga owns.
STAFF = [
    ("Sue Support", "sue@refunds.example", "support"),
    ("Mona Manager", "mona@refunds.example", "billing"),
    ("Olga Owner", "olga@refunds.example", ""),
]
PEOPLE = f"""
from django.contrib.auth.models import Group
from members.accounts import open_account
from portal.backoffice.roles import make_groups
make_groups()
for name, email, role in {STAFF!r}:
    user = open_account(email, name, {journey.PASSWORD!r}, is_staff=True, is_superuser=not role)
    user.groups.add(*Group.objects.filter(staffrole__key=role))
"""


@pytest.fixture(scope="module")
def staff(stack: Stack) -> Iterator[None]:
    """Staff accounts; people decide everything, and two people from $100.00 up."""
    stack.manage("shell", "-c", PEOPLE)
    with stack.left_as_found():
        journey.save_policy(stack, "olga@refunds.example", two_people_from=10_000)
        yield


@pytest.fixture
def desks(browser: Browser, stack: Stack, staff: None) -> Iterator[dict[str, Page]]:
    """A signed-in browser for each staff member."""
    contexts: list[BrowserContext] = []
    pages = {}
    for name, email, _group in STAFF:
        context = browser.new_context()
        contexts.append(context)
        page = context.new_page()
        page.set_default_timeout(15_000)
        page.goto(f"{stack.url}/staff/")
        journey.fill_sign_in(page, email)
        expect(page).to_have_url(f"{stack.url}/staff/")
        pages[name.partition(" ")[0]] = page
    yield pages
    for context in contexts:
        context.close()


def pay(page: Page, stack: Stack, name: str, email: str, amount: str) -> None:
    """Sign up and make a single payment; end on its page."""
    journey.sign_up(page, stack, name, email)
    page.goto(f"{stack.url}/payments/new/?amount={amount}")
    page.get_by_label("What’s it for?").fill("Workshop in May")
    page.get_by_role("button", name="Continue to payment").click()
    journey.pay(page)
    stack.settle()
    page.get_by_role("link", name="See the payment").click()
    expect(page.get_by_role("heading", name="Workshop in May")).to_be_visible()


def ask(page: Page, words: str) -> None:
    """Request a full refund of the payment on screen; end on the refund's page."""
    page.get_by_role("link", name="Ask for a refund").click()
    page.get_by_label("Why?").select_option("not_used")
    page.get_by_label("Anything we should know").fill(words)
    page.get_by_role("button", name=re.compile("Request refund")).click()
    expect(page.get_by_text("In review").first).to_be_visible()


def open_case(page: Page, stack: Stack, name: str) -> None:
    """Go from the home page's task to a member's refund."""
    page.goto(f"{stack.url}/staff/")
    page.get_by_role("link", name=re.compile("refund request.* wait")).click()
    page.locator("#result_list a[href*='/change/']", has_text=name).first.click()
    expect(page.get_by_text(f"for {name}").first).to_be_visible()


def link(page: Page, button: str) -> Locator:
    """Return a button's link, whose accessible name begins with its icon's name."""
    return page.get_by_role("link", name=re.compile(rf"\b{button}$"))


def dialog(page: Page, button: str) -> Locator:
    """Open the dialog of a button."""
    link(page, button).click()
    opened = page.locator("#dialog")
    expect(opened).to_be_visible()
    return opened


def press(opened: Locator, button: str) -> None:
    """Say yes in a dialog."""
    opened.get_by_role("button", name=button, exact=True).click()


def test_member_asks_staff_approve_less_and_it_arrives(
    page: Page, stack: Stack, desks: dict[str, Page]
) -> None:
    pay(page, stack, "Rita Refund", "rita@refunds.example", "40.00")
    payment = page.url
    ask(page, "I was ill that day.")

    sue = desks["Sue"]
    open_case(sue, stack, "Rita Refund")
    expect(sue.get_by_text("I was ill that day.").first).to_be_visible()
    approval = dialog(sue, "Approve")
    approval.get_by_label("Amount that goes back").fill("50")
    approval.get_by_label("Words to the member").fill("The material was used up.")
    press(approval, "Approve")
    expect(approval.get_by_text("Up to $40.00 was asked for.")).to_be_visible()
    expect(approval.get_by_label("Words to the member")).to_have_value("The material was used up.")
    approval.get_by_label("Amount that goes back").fill("25")
    press(approval, "Approve")
    expect(sue.get_by_text("$25.00 goes back. The member is told.").first).to_be_visible()

    expect(page.get_by_text("At your bank").first).to_be_visible(timeout=60_000)
    page.goto(payment)
    expect(page.get_by_text("$25.00").first).to_be_visible()
    sue.reload()
    expect(sue.get_by_text("Told by Stripe")).to_be_visible()
    rows = stack.sql("SELECT state, amount FROM billing_refund WHERE amount_asked = 4000")
    assert rows == [("succeeded", 2500)]


def test_denied_with_words_that_the_member_reads(
    page: Page, stack: Stack, desks: dict[str, Page]
) -> None:
    pay(page, stack, "Dina Denied", "dina@refunds.example", "41.00")
    ask(page, "I changed my mind.")
    sue = desks["Sue"]
    open_case(sue, stack, "Dina Denied")
    denial = dialog(sue, "Deny")
    press(denial, "Deny")
    expect(sue.locator("#dialog").get_by_text("This field is required.")).to_be_visible()
    sue.locator("#dialog").get_by_label("Why").fill("The workshop took place as announced.")
    press(sue.locator("#dialog"), "Deny")
    expect(sue.get_by_text("The refund is denied. The member is told why.").first).to_be_visible()
    expect(link(sue, "Deny")).to_have_count(0)
    page.reload()
    expect(page.get_by_text("The workshop took place as announced.").first).to_be_visible()


def test_a_large_one_takes_two_people(page: Page, stack: Stack, desks: dict[str, Page]) -> None:
    pay(page, stack, "Lara Large", "lara@refunds.example", "150.00")
    ask(page, "I broke my ankle.")
    sue, mona = desks["Sue"], desks["Mona"]
    open_case(sue, stack, "Lara Large")
    press(dialog(sue, "Approve"), "Approve")
    expect(sue.get_by_text("Somebody else has to agree, too.").first).to_be_visible()
    expect(link(sue, "Approve")).to_have_count(0)

    mona.goto(f"{stack.url}/staff/billing/refund/?needs=second")
    row = mona.locator("#result_list tr", has_text="Lara Large")
    expect(row.get_by_text("1 of 2 approved")).to_be_visible()
    row.locator("a[href*='/change/']").first.click()
    press(dialog(mona, "Approve"), "Approve")
    expect(mona.get_by_text("$150.00 goes back.").first).to_be_visible()
    expect(page.get_by_text("At your bank").first).to_be_visible(timeout=60_000)


def test_a_stale_sign_in_is_confirmed_on_the_way_to_the_decision(
    page: Page, stack: Stack, desks: dict[str, Page]
) -> None:
    pay(page, stack, "Stella Stale", "stella@refunds.example", "42.00")
    ask(page, "I paid twice.")
    sue = desks["Sue"]
    open_case(sue, stack, "Stella Stale")
    case = sue.url.partition("?")[0]
    stack.manage(
        "shell",
        "-c",
        "from django.contrib.sessions.backends.db import SessionStore\n"
        f"session = SessionStore({_session_of(sue)!r})\n"
        "for record in session['account_authentication_methods']: record['at'] -= 3600\n"
        "session.save()",
    )
    link(sue, "Approve").click()
    expect(sue).to_have_url(re.compile("/accounts/reauthenticate/"))
    sue.get_by_label("Password").fill(journey.PASSWORD)
    sue.get_by_role("button", name="Continue").click()
    expect(sue).to_have_url(re.sub("change/$", "approve/", case))
    expect(sue.get_by_text("Nothing has been done yet")).to_be_visible()
    sue.get_by_role("button", name="Approve", exact=True).click()
    expect(sue.get_by_text("$42.00 goes back.").first).to_be_visible()


def test_several_are_approved_after_a_look_at_all_of_them(
    page: Page, browser: Browser, stack: Stack, desks: dict[str, Page]
) -> None:
    for name, amount in (("Bea Bulk", "31.00"), ("Ben Bulk", "120.00")):
        context = browser.new_context()
        member = context.new_page()
        pay(member, stack, name, f"{name[:3].lower()}@refunds.example", amount)
        ask(member, "I was ill that day.")
        context.close()
    sue = desks["Sue"]
    sue.goto(f"{stack.url}/staff/billing/refund/?needs=decision")
    for name in ("Bea Bulk", "Ben Bulk"):
        row = sue.locator("#result_list tr", has_text=name).first
        row.locator("input.action-select").check()
    sue.locator("select[name=action]").select_option("approve_selected")
    sue.get_by_role("button", name=re.compile("^(Run|Go)")).first.click()
    expect(sue.get_by_text("$31.00 goes back at once, by 1 refund.")).to_be_visible()
    expect(sue.get_by_text("1 refund of $120.00 needs a second person after you.")).to_be_visible()
    sue.get_by_role("button", name="Approve", exact=True).click()
    expect(sue.get_by_text("1 refund approved: $31.00 goes back.")).to_be_visible()
    expect(sue.get_by_text("1 refund of $120.00 waits for a second person.")).to_be_visible()


def test_a_policy_is_tried_on_the_past_and_put_in_force(
    page: Page, stack: Stack, desks: dict[str, Page]
) -> None:
    pay(page, stack, "Paul Past", "paul@refunds.example", "43.00")
    ask(page, "I moved away.")
    mona = desks["Mona"]
    mona.goto(f"{stack.url}/staff/billing/refundpolicy/add/")
    single = mona.locator("fieldset", has_text="Single payments")
    single.get_by_label("Approved at once, up to").fill("45.00")
    single.get_by_label("So many times a year").fill("2")
    mona.get_by_role("button", name="See what it would have decided").click()
    expect(mona.get_by_text(re.compile(r"\$[\d,.]+ more would go back at once\."))).to_be_visible()
    expect(mona.locator("#backtest").get_by_text("Paul Past")).to_be_visible()
    mona.get_by_label("What changes, and why").fill("Small ones need nobody.")
    mona.get_by_role("button", name="Put it in force").click()
    expect(mona.get_by_text(re.compile(r"Version \d+ is in force\."))).to_be_visible()
    expect(mona.get_by_text("Up to $45.00 of a payment is approved automatically")).to_be_visible()


def _session_of(page: Page) -> str:
    """Return the key of a browser's session."""
    cookies = {cookie["name"]: cookie["value"] for cookie in page.context.cookies()}
    return next(value for name, value in cookies.items() if name.endswith("sessionid"))


def test_a_members_page_runs_without_an_error_for_those_who_only_see_it(
    page: Page, stack: Stack, desks: dict[str, Page]
) -> None:
    journey.sign_up(page, stack, "Vera Viewed", "vera@refunds.example")
    [(pk,)] = stack.sql("SELECT id FROM auth_user WHERE email = 'vera@refunds.example'")
    complaints: list[str] = []
    for name in ("Sue", "Mona", "Olga"):
        desk = desks[name]
        desk.on("pageerror", lambda error: complaints.append(str(error)))
        desk.goto(f"{stack.url}/staff/auth/user/{pk}/change/", wait_until="networkidle")
        expect(desk.get_by_text("vera@refunds.example").first).to_be_visible()
    assert complaints == []
    # Who may decide sees what groups allow for staff only.
    expect(desks["Olga"].get_by_text("Superuser status")).to_be_hidden()
