"""A payment is disputed: staff are told, see the deadline and take the evidence along."""

from __future__ import annotations

import csv
import io
import re
import time
import zipfile
from pathlib import Path
from typing import Any

from playwright.sync_api import Browser, Page, ViewportSize, expect

from e2e import journey
from e2e.stack import Stack

DAY = 86_400
DISPUTED_CARD = "4000 0000 0000 0259"
MEMBER, STAFF = "dora@disputes.example", "olga@disputes.example"
PHONED, OTHER_STAFF = "dan@disputes.example", "bea@disputes.example"
OFFICE = "office@harbor-yoga.example"
PHONE: ViewportSize = {"width": 360, "height": 740}


def make_staff(stack: Stack) -> None:
    stack.manage(
        "shell",
        "-c",
        "from members.accounts import open_account;"
        f"open_account('{STAFF}', 'Olga Owner', '{journey.PASSWORD}',"
        " is_staff=True, is_superuser=True)",
    )


def dispute_of(stack: Stack, email: str) -> dict[str, Any]:
    """Return somebody's dispute at Stripe: others may have one, too."""
    customer = journey.customer_of(stack, email)
    [found] = [
        one
        for one in stack.stripe("GET", "disputes?limit=100&expand[]=data.charge")["data"]
        if one["charge"]["customer"] == customer
    ]
    return dict(found)


def become_a_disputed_member(page: Page, stack: Stack) -> None:
    page.goto(f"{stack.url}/accounts/signup/")
    expect(page.get_by_text("By creating an account, you agree to our terms")).to_be_visible()
    journey.sign_up(page, stack, "Dora Doubt", MEMBER)
    page.goto(f"{stack.url}/membership/")
    expect(page.get_by_text("By joining, you agree to our terms")).to_be_visible()
    journey.subscribe(page, stack, DISPUTED_CARD)
    stack.control("clock", advance_seconds=10)
    stack.settle()


def see_the_dispute_as_the_member(page: Page, stack: Stack) -> None:
    page.goto(f"{stack.url}/payments/")
    page.locator("a[href*='/payments/invoices/']").first.click()
    expect(page.get_by_text("This payment is disputed with the bank")).to_be_visible()


def sign_in_as_staff(page: Page, stack: Stack) -> None:
    page.goto(f"{stack.url}/staff/")
    journey.fill_sign_in(page, STAFF)
    expect(page).to_have_url(f"{stack.url}/staff/")


def go_from_the_mail_to_the_dispute(page: Page, stack: Stack) -> None:
    mail = journey.newest_mail(stack, OFFICE, "Dispute: $29.00 from Dora Doubt, answer by")
    link = re.search(r"http://\S+/staff/billing/dispute/\d+/change/", mail["text"])
    assert link, mail["text"]
    page.goto(link.group())
    # The sandbox's clock may be ahead, and so is its deadline. A day may just be over.
    dispute = dispute_of(stack, MEMBER)
    days = int((dispute["evidence_details"]["due_by"] - time.time()) // DAY)
    expect(page.get_by_text(re.compile(f"({days}|{days - 1}) days left")).first).to_be_visible()


def take_the_evidence(page: Page, folder: Path) -> dict[str, bytes]:
    with page.expect_download() as waiting:
        page.get_by_role("link", name=re.compile("Download evidence")).first.click()
    saved = folder / waiting.value.suggested_filename
    waiting.value.save_as(saved)
    with zipfile.ZipFile(saved) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def test_from_the_disputed_payment_to_the_evidence_and_the_banks_decision(
    browser: Browser, stack: Stack, tmp_path: Path
) -> None:
    make_staff(stack)
    theirs = browser.new_context()
    page = theirs.new_page()
    become_a_disputed_member(page, stack)
    see_the_dispute_as_the_member(page, stack)

    ours = browser.new_context(accept_downloads=True)
    staff = ours.new_page()
    sign_in_as_staff(staff, stack)
    expect(staff.get_by_text(re.compile("disputes? to answer: answer by"))).to_be_visible()
    staff.get_by_text("Answer the bank").first.click()
    expect(staff.get_by_text("Dora Doubt").first).to_be_visible()
    go_from_the_mail_to_the_dispute(staff, stack)

    files = take_the_evidence(staff, tmp_path)
    assert files["evidence.pdf"].startswith(b"%PDF-")
    sign_ins = list(csv.DictReader(io.StringIO(files["sign-ins.csv"].decode("utf-8-sig"))))
    assert sign_ins[0]["ip address"] == "127.0.0.1"
    assert b"2026-01-01" in files["terms.csv"]
    assert any("joined" in name for name in files)

    dispute = dispute_of(stack, MEMBER)["id"]
    stack.stripe(
        "POST", f"disputes/{dispute}", **{"evidence[uncategorized_text]": "winning_evidence"}
    )
    stack.control("clock", advance_seconds=30)
    stack.settle()
    staff.reload()
    expect(staff.get_by_text("The bank decided for us. The money is back.")).to_be_visible()
    journey.newest_mail(stack, OFFICE, "Dispute won: $29.00 from Dora Doubt")
    page.reload()
    expect(page.get_by_text("The bank decided that this payment stands")).to_be_visible()
    theirs.close()
    ours.close()


def fits(page: Page) -> None:
    """Nothing may be wider than the phone."""
    wide = page.evaluate("document.documentElement.scrollWidth - window.innerWidth")
    assert wide <= 0, f"{page.url} is {wide} px too wide."


def test_staff_answer_on_a_phone_and_the_bank_gets_exactly_that(
    browser: Browser, stack: Stack
) -> None:
    page = browser.new_context().new_page()
    journey.sign_up(page, stack, "Dan Doubtful", PHONED)
    page.goto(f"{stack.url}/membership/")
    journey.subscribe(page, stack, DISPUTED_CARD)
    stack.control("clock", advance_seconds=10)
    stack.settle()

    staff = journey.staff_desk(browser, stack, "Bea Billing", OTHER_STAFF)
    staff.set_viewport_size(PHONE)
    [(number,)] = stack.sql(
        "SELECT id FROM billing_dispute WHERE stripe_id = %s", dispute_of(stack, PHONED)["id"]
    )
    staff.goto(f"{stack.url}/staff/billing/dispute/{number}/answer/")
    fits(staff)
    expect(staff.get_by_label("Customer’s name")).to_have_value("Dan Doubtful")
    staff.get_by_label("What happened").fill("winning_evidence")
    staff.get_by_label("Messages with the customer").set_input_files(
        {"name": "chat.pdf", "mimeType": "application/pdf", "buffer": b"no pdf at all"}
    )
    staff.get_by_role("button", name="Save draft").click()
    expect(staff.get_by_text("Choose a PDF, JPEG, or PNG file.")).to_be_visible()
    fits(staff)
    staff.get_by_role("button", name="Save draft").click()
    expect(staff.get_by_text("Nothing has been sent to the bank.")).to_be_visible()
    staff.get_by_role("button", name="Save and take a last look").click()
    expect(staff.get_by_role("heading", name="Last look")).to_be_visible()
    fits(staff)
    expect(staff.get_by_text("winning_evidence")).to_be_visible()
    expect(staff.get_by_role("link", name="receipt.pdf")).to_be_visible()
    assert dispute_of(stack, PHONED)["evidence_details"]["has_evidence"] is False

    staff.get_by_role("button", name="Send to the bank").dblclick()
    expect(staff.get_by_text(re.compile("Sent to the bank by Bea Billing"))).to_be_visible()
    fits(staff)
    sent = dispute_of(stack, PHONED)
    assert sent["evidence"]["uncategorized_text"] == "winning_evidence"
    assert sent["evidence"]["receipt"].startswith("file_")
    assert sent["evidence_details"]["submission_count"] == 1
    stack.control("clock", advance_seconds=30)
    stack.settle()
    staff.goto(f"{stack.url}/staff/billing/dispute/{number}/change/")
    expect(staff.get_by_text("The bank decided for us. The money is back.")).to_be_visible()
    expect(staff.get_by_text("Answer sent to the bank.")).to_be_visible()
    staff.context.close()
    page.context.close()
