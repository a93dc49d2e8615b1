"""Money by Zelle, from the member's bank to ours: mails, the account's file, and matching."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest
from playwright.sync_api import Browser, Locator, Page, expect

from e2e import journey, test_staff_refunds
from e2e.stack import Stack, eventually
from e2e.test_zelle import TERMS

READ_NOW = """
    SELECT procrastinate_defer_jobs_v1(ARRAY[ROW(
        'default', 'billing.tasks.read_bank_mail', 0, 'read_bank_mail', 'read_bank_mail',
        '{}'::jsonb, NULL)::procrastinate_job_to_defer_v1])
"""
STATE = """
    SELECT state FROM billing_expectedtransfer JOIN auth_user ON auth_user.id = user_id
    WHERE email = %s ORDER BY billing_expectedtransfer.id DESC LIMIT 1
"""


@pytest.fixture
def terms(stack: Stack) -> Iterator[None]:
    """Take Zelle, in this test alone; what came stays."""
    stack.sql(TERMS)
    yield
    stack.sql("DELETE FROM billing_zelleterms")


def start(page: Page, stack: Stack, dollars: str, what: str) -> str:
    """Start a payment by Zelle, say that it's sent, and return its reference."""
    page.goto(f"{stack.url}/payments/new/")
    page.get_by_label("Amount", exact=True).fill(dollars)
    page.get_by_label("What’s it for?").fill(what)
    page.get_by_role("button", name="Pay by Zelle").click()
    reference = page.locator(".copy-strong").inner_text()
    page.get_by_role("button", name="I’ve sent it").click()
    expect(page.get_by_text("We’re looking out for it")).to_be_visible()
    return reference


def payments_with_invoice(page: Page, stack: Stack, what: str) -> Locator:
    """Open the list of payments; return the row of one, whose invoice follows within seconds."""
    row = page.get_by_role("row").filter(has_text=what)

    def is_there() -> bool:
        stack.settle()
        page.goto(f"{stack.url}/payments/")
        return row.count() > 0

    eventually(is_there, f"the invoice of {what}")
    return row


def open_what_can_be_refunded(page: Page, stack: Stack, what: str) -> None:
    """Open a payment once its invoice and the payment of it are both here."""

    def is_paid() -> bool:
        payments_with_invoice(page, stack, what).get_by_role("link").first.click()
        page.wait_for_load_state()
        return page.get_by_role("link", name="Ask for a refund").count() > 0

    eventually(is_paid, f"the payment of {what}")


def yesterday() -> str:
    """Return a day that is past whatever other tests made of the sandbox's clock."""
    return (datetime.now(UTC) - timedelta(days=1)).date().isoformat()


def read_mails(stack: Stack) -> None:
    """Let the worker read the bank's mailbox now, unless it's about to anyway."""
    waiting = "SELECT 1 FROM procrastinate_jobs WHERE queueing_lock = 'read_bank_mail'"
    if not stack.sql(f"{waiting} AND status = 'todo'"):
        stack.sql(READ_NOW)


def state_of(stack: Stack, email: str) -> str:
    return str(stack.sql(STATE, email)[0][0])


def import_file(desk: Page, stack: Stack) -> None:
    """Import the account's activity as it is now."""
    desk.goto(f"{stack.url}/staff/billing/bankfile/")
    desk.get_by_role("link", name="Import a file").first.click()
    file = {"name": "Chase_Activity.CSV", "mimeType": "text/csv", "buffer": stack.bank.file()}
    desk.locator("input[type=file]").set_input_files(file)  # type: ignore[arg-type]
    desk.get_by_role("button", name="Show what’s in it").click()
    desk.get_by_role("button", name="Import").click()
    desk.wait_for_url("**/bankfile/*/change/**")


@pytest.mark.usefixtures("terms")
def test_money_that_names_its_payment_is_announced_by_mail_and_proved_by_the_file(
    page: Page, browser: Browser, stack: Stack
) -> None:
    email = "mona@zelle.example"
    journey.sign_up(page, stack, "Mona Moreau", email)
    reference = start(page, stack, "62.50", "Guest pass")

    # A forged mail changes nothing, and staff see it.
    stack.bank.pay("MONA MOREAU", 6250, reference, forged="unsigned", day=yesterday())
    read_mails(stack)
    eventually(lambda: stack.sql("SELECT 1 FROM billing_bankmail"), "the forged mail", 90)
    assert state_of(stack, email) == "waiting"

    # The true one turns the member's open page.
    memo = reference.lower().replace("-", " ")
    stack.bank.pay("MONA MOREAU", 6250, memo, day=yesterday())
    read_mails(stack)
    expect(page.get_by_text("Received, being confirmed").first).to_be_visible(timeout=90_000)
    assert state_of(stack, email) == "announced"

    desk = journey.staff_desk(browser, stack, "Bo Keeper", "bo@zelle.example")
    desk.goto(f"{stack.url}/staff/billing/bankmail/")
    expect(desk.get_by_text("It isn't signed.").first).to_be_visible()
    import_file(desk, stack)
    expect(page.get_by_text("Thank you").first).to_be_visible(timeout=60_000)
    assert state_of(stack, email) == "confirmed"
    receipt = journey.newest_mail(stack, email, "Receipt: $62.50")
    assert "$62.50" in receipt["text"]
    row = payments_with_invoice(page, stack, "Guest pass")
    expect(row.get_by_text("Paid")).to_be_visible()
    row.get_by_role("link").first.click()
    expect(page.get_by_text("You paid this by Zelle")).to_be_visible()
    desk.context.close()


@pytest.mark.usefixtures("terms")
def test_staff_choose_for_another_name_and_ask_for_the_rest(
    page: Page, browser: Browser, stack: Stack
) -> None:
    email = "nils@zelle.example"
    journey.sign_up(page, stack, "Nils Nordahl", email)
    start(page, stack, "47.10", "Workshop")
    stack.bank.pay("N NORDAHL", 4000, no_memo=True, day=yesterday())
    desk = journey.staff_desk(browser, stack, "Mo Matcher", "mo@zelle.example")
    import_file(desk, stack)
    desk.goto(f"{stack.url}/staff/billing/allocation/to-match/")
    desk.get_by_role("button", name="Match with Nils Nordahl").first.click()
    expect(page.get_by_text("Partly received").first).to_be_visible(timeout=30_000)
    expect(page.get_by_text("$7.10").first).to_be_visible()
    rest = journey.newest_mail(stack, email)
    assert "$7.10" in rest["text"]

    stack.bank.pay("N NORDAHL", 710, no_memo=True, day=yesterday())
    import_file(desk, stack)
    desk.goto(f"{stack.url}/staff/billing/allocation/to-match/")
    desk.get_by_role("button", name="Match the checked ones").click()
    expect(page.get_by_text("Thank you").first).to_be_visible(timeout=30_000)

    # What comes back is sent by people, and the file proves it.
    open_what_can_be_refunded(page, stack, "Workshop")
    test_staff_refunds.ask(page, "I was ill.")
    test_staff_refunds.open_case(desk, stack, "Nils Nordahl")
    test_staff_refunds.press(test_staff_refunds.dialog(desk, "Approve"), "Approve")
    expect(desk.get_by_text("Approved. Now send $47.10").first).to_be_visible()
    expect(page.get_by_text("We’ll send it from our bank by Zelle").first).to_be_visible(
        timeout=30_000
    )
    sent = test_staff_refunds.dialog(desk, "I've sent it")
    sent.get_by_label("Zelle number").fill("30000000777")
    test_staff_refunds.press(sent, "I've sent it")
    expect(desk.get_by_text("$47.10 is marked as sent").first).to_be_visible()
    expect(page.get_by_text("Sent by Zelle").first).to_be_visible(timeout=60_000)
    stack.bank.send("NILS NORDAHL", 4710, reference="30000000777", day=yesterday())
    import_file(desk, stack)
    expect(page.get_by_text("At your bank").first).to_be_visible(timeout=60_000)
    assert stack.sql("SELECT state FROM billing_refund WHERE reference = '30000000777'") == [
        ("succeeded",)
    ]
    desk.context.close()
