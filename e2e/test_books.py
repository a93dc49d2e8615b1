"""A bookkeeper's month in the browser: the statement, its files, tax, journal, and downloads."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import openpyxl
import pytest
from playwright.sync_api import Browser, BrowserContext, Page, expect

from e2e import journey
from e2e.axe import faults
from e2e.browser import LONGEST_WAIT
from e2e.stack import Stack

OWNER, MEMBER = "owner@books.example", "mia@books.example"
BOOKS = "/staff/billing/balancetransaction/months/"
# Unfold's own frame aside: its parts aren't ours to mend.
INSIDE = (
    "() => axe.run({include: [['.staff-card'], ['.staff-lead']]}, {resultTypes: ['violations']})"
)
# Tables of the books fit their cards, too.
WIDE = """() => [...document.querySelectorAll('.staff-scroll')]
    .map(card => card.scrollWidth - card.clientWidth)"""
# Where a row's caption stands beside its amount, it leaves it room.
COVERED = """() => [...document.querySelectorAll('.staff-stacks td[data-caption]')]
    .filter(cell => getComputedStyle(cell).display === 'grid'
        && getComputedStyle(cell, '::before').whiteSpace === 'nowrap')
    .map(cell => cell.dataset.caption)"""
OVER = "document.documentElement.scrollWidth - document.documentElement.clientWidth"
# Where to leave pictures, for whoever looks at them.
PICTURES = os.environ.get("BOOKS_PICTURES", "")


@pytest.fixture(scope="module")
def office(browser: Browser, stack: Stack) -> Iterator[BrowserContext]:
    """The owner's browser, in a business with a payment and a refund."""
    stack.manage(
        "shell",
        "-c",
        "from members.accounts import open_account;"
        f"open_account('{OWNER}', 'Olga Owner', '{journey.PASSWORD}',"
        " is_staff=True, is_superuser=True)",
    )
    context = browser.new_context()
    page = context.new_page()
    journey.become_a_member(page, stack, "Mia Member", MEMBER)
    stack.settle()
    # Other tests of this stack have members and payments of their own.
    [(intent,)] = stack.sql(
        "SELECT p.stripe_id FROM billing_payment p JOIN billing_customer c ON c.id = p.customer_id"
        " JOIN auth_user u ON u.id = c.user_id WHERE u.email = %s",
        MEMBER,
    )
    stack.stripe("POST", "refunds", payment_intent=str(intent), amount="900")
    stack.settle()
    stack.manage("shell", "-c", "from billing.sync import balance; balance.read_balance()")
    context.clear_cookies()
    page.goto(f"{stack.url}/staff/")
    journey.fill_sign_in(page, OWNER)
    expect(page).to_have_url(f"{stack.url}/staff/")
    page.close()
    yield context
    context.close()


@pytest.fixture
def desk(office: BrowserContext) -> Iterator[Page]:
    """A new page of the owner's browser: no other test has left it narrow, dark, or elsewhere."""
    page = office.new_page()
    page.set_default_timeout(LONGEST_WAIT)
    yield page
    page.close()


def open_month(desk: Page, stack: Stack) -> None:
    desk.goto(f"{stack.url}{BOOKS}")
    desk.locator("table a").first.click()
    expect(desk.get_by_role("heading", name="Stripe’s balance in USD")).to_be_visible()


def test_a_month_and_its_files_say_the_same(desk: Page, stack: Stack, tmp_path: Path) -> None:
    open_month(desk, stack)
    closing = desk.get_by_role("row", name="Closing balance").locator("td").inner_text()
    for kind in ("PDF", "CSV", "XLSX"):
        with desk.expect_download() as download:
            desk.get_by_role("link", name=kind, exact=True).click()
        saved = tmp_path / download.value.suggested_filename
        download.value.save_as(saved)
        assert saved.suffix == f".{kind.lower()}"
        assert saved.stat().st_size > 100
    [book] = [openpyxl.load_workbook(one) for one in tmp_path.glob("*.xlsx")]
    sheet = book.worksheets[0]
    amounts = {row[2]: row[4] for row in sheet.iter_rows(values_only=True)}
    assert f"${amounts['Closing balance']:,.2f}" == closing
    desk.goto(f"{stack.url}/staff/portal/download/")
    expect(desk.locator("#result_list")).to_contain_text("The books of")
    expect(desk.locator("#result_list")).to_contain_text("Olga Owner")


def test_tax_and_journal_open_from_the_month(desk: Page, stack: Stack) -> None:
    open_month(desk, stack)
    desk.get_by_role("link", name="Sales tax included").click()
    expect(desk.get_by_role("heading", name="Sales tax in USD")).to_be_visible()
    desk.get_by_role("link", name="See the quarter").click()
    expect(desk.get_by_role("link", name="See the month")).to_be_visible()
    open_month(desk, stack)
    desk.get_by_role("link", name="Journal for your bookkeeping").click()
    together = desk.get_by_role("row", name="Together").locator("td")
    expect(together.nth(1)).to_be_visible()
    debit, credit = together.nth(0).inner_text(), together.nth(1).inner_text()
    assert debit == credit != "$0.00"
    with desk.expect_download() as download:
        desk.get_by_role("link", name="QuickBooks Online").click()
    assert download.value.suggested_filename.endswith("-USD-quickbooks.csv")
    desk.get_by_role("link", name="Names of the accounts").click()
    accounts = f"{stack.url}/staff/business/bookaccountsversion/"
    # All of them, whatever view somebody has made the list's own.
    expect(desk).to_have_url(f"{accounts}?q=")
    desk.goto(f"{accounts}add/")
    desk.get_by_label("Refunds: name").fill("Returns")
    desk.get_by_role("button", name="Save", exact=True).click()
    expect(desk).not_to_have_url(f"{accounts}add/")
    open_month(desk, stack)
    desk.get_by_role("link", name="Journal for your bookkeeping").click()
    expect(desk.get_by_role("row", name="Returns")).to_be_visible()


def test_a_filtered_list_downloads(desk: Page, stack: Stack, tmp_path: Path) -> None:
    desk.goto(f"{stack.url}/staff/billing/refund/?q=Mia")
    with desk.expect_download() as download:
        desk.get_by_role("link", name="XLSX", exact=True).click()
    saved = tmp_path / "refunds.xlsx"
    download.value.save_as(saved)
    _head, *rows = openpyxl.load_workbook(saved).worksheets[0].iter_rows(values_only=True)
    assert len(rows) == 1
    assert 9 in rows[0]
    desk.goto(f"{stack.url}/staff/portal/download/")
    expect(desk.locator("#result_list")).to_contain_text("Search: Mia")


@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize("width", [1280, 360])
def test_the_pages_fit_and_axe_finds_nothing_serious(
    desk: Page, stack: Stack, width: int, theme: str
) -> None:
    desk.set_viewport_size({"width": width, "height": 900})
    desk.emulate_media(color_scheme="dark" if theme == "dark" else "light")
    open_month(desk, stack)
    month = desk.url
    addresses = {
        "months": f"{stack.url}{BOOKS}",
        "month": month,
        "tax": f"{month}tax/quarter/",
        "journal": f"{month}journal/",
        "downloads": f"{stack.url}/staff/portal/download/",
        "accounts": f"{stack.url}/staff/business/bookaccountsversion/add/",
        "refunds": f"{stack.url}/staff/billing/refund/",
    }
    for name, address in addresses.items():
        desk.goto(address, wait_until="networkidle")
        if PICTURES:
            desk.screenshot(path=f"{PICTURES}/{name}-{width}-{theme}.png", full_page=True)
        assert desk.evaluate(OVER) <= 0, name
        if not address.startswith(f"{stack.url}{BOOKS}"):
            continue
        assert desk.evaluate(COVERED) == [], name
        assert max(desk.evaluate(WIDE), default=0) <= 0, name
        faults(desk)
        violations = desk.evaluate(INSIDE)["violations"]
        assert [(name, one["id"]) for one in violations] == []
