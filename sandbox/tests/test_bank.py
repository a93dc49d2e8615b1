"""The bank: payments by Zelle, what it mails about them, and the account's activity file."""

import csv
import io
import json
import re
import subprocess
import sys
from collections.abc import Iterator
from datetime import date, datetime, timedelta
from email import message_from_bytes, policy
from email.message import EmailMessage
from itertools import pairwise
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import dkim
import httpx
import pytest

from sandbox.tests.conftest import ROOT, Server
from testing.bank import Bank

HEADER = "Details,Posting Date,Description,Amount,Type,Balance,Check or Slip #"


@pytest.fixture
def bank(server: Server) -> Iterator[Bank]:
    with httpx.Client(timeout=60, trust_env=False) as http:
        yield Bank(server.url, server.imap_port, http)


def verified(bank: Bank, mail: bytes) -> bool:
    """Whether a mail has a good signature of the bank."""
    records = {f"{name}.".encode(): text.encode() for name, text in bank.key().items()}
    return bool(dkim.verify(mail, dnsfunc=lambda name, timeout=5: records.get(name)))


def parsed(mail: bytes) -> EmailMessage:
    message = message_from_bytes(mail, policy=policy.default)
    assert isinstance(message, EmailMessage)
    return message


def html_of(mail: bytes) -> str:
    body = parsed(mail).get_body(("html",))
    assert body
    return str(body.get_content())


def cells(mail: bytes) -> dict[str, str]:
    """The labels and values of a mail's table."""
    found = re.findall(r"<td[^>]*>([\w ]+)</td><td[^>]*>(.*?)</td>", html_of(mail))
    return {label: re.sub("<[^>]+>", "", value) for label, value in found}


def rows(bank: Bank, **days: date) -> list[list[str]]:
    return [*csv.reader(io.StringIO(bank.file(**days).decode()))][1:]


def zelle(bank: Bank, **days: date) -> list[list[str]]:
    return [row for row in rows(bank, **days) if "zelle" in row[2].lower()]


def today() -> date:
    return datetime.now(ZoneInfo("America/New_York")).date()


def test_a_payment_is_mailed_and_signed(bank: Bank) -> None:
    paid = bank.pay("Sam Doe", 123_456, "HY-7K3P-4")
    (mail,) = bank.mails()
    assert verified(bank, mail)
    assert not verified(bank, mail.replace(b"1,234.56", b"9,234.56"))
    message = parsed(mail)
    assert message["From"] == "Chase <no.reply.alerts@chase.com>"
    assert message["To"] == "owner@harbor.example"
    assert message["Subject"] == "You received money with Zelle®"
    assert ">SAM DOE sent you money with Zelle®</h1>" in html_of(mail)
    assert cells(mail) == {
        "Amount": "$1,234.56",
        "Sent on": f"{today():%b %-d, %Y}",
        "Transaction number": paid["transaction"],
        "Memo": "HY-7K3P-4",
    }
    assert re.fullmatch("[0-9]{11}", paid["transaction"])


def test_the_signature_covers_the_headers_that_are_shown(bank: Bank) -> None:
    bank.pay("Sam Doe", 2_900)
    (mail,) = bank.mails()
    signature = str(parsed(mail)["DKIM-Signature"])
    covered = re.sub(r"\s", "", signature).partition(";h=")[2].partition(";")[0]
    assert covered == "from:to:subject:date:message-id:mime-version:content-type"
    assert "c=relaxed/relaxed" in signature
    assert "d=chase.com" in signature
    assert not verified(bank, mail.replace(b"Subject: You", b"Subject: Yes, you"))


def test_money_that_the_business_sends_is_mailed_too(bank: Bank) -> None:
    sent = bank.send("Sam Doe", 700, "refund")
    (mail,) = bank.mails()
    assert verified(bank, mail)
    assert parsed(mail)["Subject"] == "You sent money with Zelle®"
    assert "You sent money to SAM DOE" in html_of(mail)
    ((details, _, description, amount, kind, *_),) = zelle(bank)
    assert (details, amount, kind) == ("DEBIT", "-7.00", "CHASE_TO_PARTNERFI")
    assert description == f"Zelle payment to Sam Doe {sent['transaction']}"


def test_a_mail_is_written_in_several_ways(bank: Bank) -> None:
    for _ in range(8):
        bank.pay("Sam & Söhne <b>", 5_000)
    mails = bank.mails()
    assert all(verified(bank, mail) for mail in mails)
    assert {parsed(mail).get_content_type() for mail in mails} == {
        "text/html",
        "multipart/alternative",
    }
    assert {cells(mail)["Amount"] for mail in mails} == {"$50", "$50.00"}
    assert {cells(mail)["Memo"] for mail in mails} == {"N/A"}
    assert {" at " in cells(mail)["Sent on"] for mail in mails} == {True, False}
    assert any("Sam &amp; Söhne &lt;b&gt; sent you money" in html_of(mail) for mail in mails)
    plain = next(part for mail in mails if (part := parsed(mail).get_body(("plain",))))
    assert "Sam & Söhne <b>".lower() in plain.get_content().lower()


def test_the_file_has_the_form_of_chase(bank: Bank) -> None:
    within = bank.pay("Sam Doe", 2_900, "HY-7K3P-4")
    elsewhere = bank.pay("Doe, Sam & Co", 5_000, kind="PARTNERFI_TO_CHASE")
    bank.pay("Ada Bell", 100, reference="")
    header, *lines = bank.file().decode().splitlines()
    assert header == HEADER
    assert all(line.endswith(",") for line in lines)
    assert {len(row) for row in csv.reader(lines)} == {len(header.split(",")) + 1}
    assert "HY-7K3P-4" not in bank.file().decode()
    third, second, first = zelle(bank)
    assert first[2] == f"Zelle payment from Sam Doe {within['transaction']}"
    assert first[1] == f"{today():%m/%d/%Y}"
    assert first[3:5] == ["29.00", "QUICKPAY_CREDIT"]
    assert second[4] == "PARTNERFI_TO_CHASE"
    assert re.fullmatch("BAC[A-Za-z0-9]{9}", elsewhere["reference"])
    assert f"Doe, Sam &amp; Co {elsewhere['reference']}".lower() in second[2].lower()
    assert third[2].lower() == "zelle payment from ada bell"


def test_balances_tie_and_not_everything_is_zelle(bank: Bank) -> None:
    bank.pay("Sam Doe", 2_900)
    bank.send("Sam Doe", 900)
    bank.pay("Sam Doe", 100, day=(today() - timedelta(days=10)).isoformat())
    posted = [row for row in rows(bank) if row[5].strip()]
    assert {row[0] for row in posted} == {"CREDIT", "DEBIT", "CHECK", "DSLIP"}
    days = [datetime.strptime(row[1], "%m/%d/%Y").date() for row in posted]  # noqa: DTZ007
    assert days == sorted(days, reverse=True)
    cents = [(int(row[3].replace(".", "")), int(row[5].replace(".", ""))) for row in posted]
    for (amount, balance), (_, before) in pairwise(cents):
        assert balance - amount == before


def test_pending_lines_have_no_balance_until_the_next_day(server: Server, bank: Bank) -> None:
    bank.pay("Sam Doe", 2_900, pending=True)
    assert [row[5] for row in rows(bank)[:2]] == [" ", " "]
    assert bank.transfers()[0]["state"] == "pending"
    # A day may have 25 hours.
    server.advance_days(2)
    (row,) = zelle(bank)
    assert row[5].strip()
    assert bank.transfers()[0]["state"] == "posted"


def test_other_lines_can_be_added(bank: Bank) -> None:
    bank.pay("PAPER & PENS", 1_000, kind="DEBIT_CARD")
    assert any(row[2:5] == ["PAPER &amp; PENS", "-10.00", "DEBIT_CARD"] for row in rows(bank))
    assert bank.mails() == []
    assert bank.transfers() == []


def test_a_file_can_be_limited_to_some_days(server: Server, bank: Bank) -> None:
    for ago in (3, 2, 1):
        bank.pay("Sam Doe", ago * 100, day=(today() - timedelta(days=ago)).isoformat())
    chosen = zelle(bank, first=today() - timedelta(days=2), last=today() - timedelta(days=2))
    assert [row[3] for row in chosen] == ["2.00"]
    answer = server.http.get("/bank/activity.csv", params={"from": "yesterday"})
    assert answer.status_code == 400
    whole = server.http.get("/bank/activity.csv")
    assert re.search(
        r'filename="Chase1234_Activity_\d{8}\.CSV"', whole.headers["Content-Disposition"]
    )


def test_a_payer_may_leave_the_memo_out_or_write_another(server: Server, bank: Bank) -> None:
    server.post("switches", bank_no_memo=True)
    bank.pay("Sam Doe", 2_900, "HY-7K3P-4")
    bank.pay("Sam Doe", 2_900, "HY-7K3P-4", no_memo=False)
    server.post("switches", bank_no_memo=False, bank_wrong_memo=True)
    bank.pay("Sam Doe", 2_900, "HY-7K3P-4")
    bank.pay("Sam Doe", 2_900, "HY-7K3P-4", wrong_memo="HY-7K3P-5")
    assert [cells(mail)["Memo"] for mail in bank.mails()] == [
        *("N/A", "HY-7K3P-4"),
        *("thanks for everything!", "HY-7K3P-5"),
    ]


def test_a_mail_may_name_another_amount_than_the_file(server: Server, bank: Bank) -> None:
    bank.pay("Sam Doe", 2_950, wrong_amount=99)
    server.post("switches", bank_wrong_amount=True)
    bank.pay("Sam Doe", 2_950)
    assert [cells(mail)["Amount"] for mail in bank.mails()] == ["$0.99", "$39.50"]
    assert [row[3] for row in zelle(bank)] == ["29.50", "29.50"]


def test_a_late_file_gets_its_lines_later(server: Server, bank: Bank) -> None:
    server.post("switches", bank_late_file=True)
    bank.pay("Sam Doe", 2_900)
    alone = bank.pay("Ada Bell", 100, late_file=True)
    assert zelle(bank) == []
    assert len(bank.mails()) == 2
    later = datetime.fromtimestamp(server.advance_days(2), ZoneInfo("America/New_York"))
    server.post("switches", bank_late_file=False)
    (row,) = zelle(bank)
    assert row[1] == f"{later:%m/%d/%Y}"
    assert bank.post(alone)["state"] == "posted"
    assert len(zelle(bank)) == 2


def test_mails_may_be_missing_or_doubled(server: Server, bank: Bank) -> None:
    bank.pay("Sam Doe", 2_900, no_mail=True)
    assert bank.mails() == []
    server.post("switches", bank_doubled_mail=True)
    paid = bank.pay("Sam Doe", 2_900)
    first, second = bank.mails()
    assert first == second
    bank.mail_again(paid)
    third = bank.mails()[2]
    assert cells(third) == cells(first)
    assert parsed(third)["Message-ID"] != parsed(first)["Message-ID"]


@pytest.mark.parametrize("forgery", ["unsigned", "other_key", "look_alike"])
def test_a_forged_mail_is_not_the_banks_and_brings_no_money(
    server: Server, bank: Bank, forgery: str
) -> None:
    server.post("switches", bank_forged=forgery)
    forged = bank.pay("Sam Doe", 2_900, "HY-7K3P-4")
    (mail,) = bank.mails()
    assert not verified(bank, mail)
    assert ("DKIM-Signature" in parsed(mail)) is (forgery != "unsigned")
    sender = str(parsed(mail)["From"])
    assert ("@chase.com>" in sender) is (forgery != "look_alike")
    assert forged["state"] == "no_money"
    assert zelle(bank) == []


def test_any_message_can_be_put_into_the_mailbox(bank: Bank) -> None:
    hostile = b"From: a@chase.com\r\nSubject: x\r\n\r\n\xff\x00 not a mail\nat all"
    assert bank.receive(hostile)["uid"] == 1
    bank.receive(hostile, sign=True)
    as_it_was, signed = bank.mails()
    assert as_it_was == hostile
    assert signed.endswith(hostile)
    assert verified(bank, signed)


@pytest.mark.parametrize(
    "wrong",
    [
        {"name": ""},
        {"name": "Sam\r\nBcc: x@y.example"},
        {"name": "x" * 141},
        {"amount": 0},
        {"amount": 29.5},
        {"amount": True},
        {"day": "tomorrow"},
        {"kind": "CHASE_TO_PARTNERFI", "direction": "in"},
        {"kind": "UNKNOWN"},
        {"direction": "sideways"},
        {"wrong_amount": -1},
        {"forged": "well"},
        {"colour": "red"},
    ],
)
def test_a_wrong_transfer_is_refused_with_a_sentence(
    server: Server, bank: Bank, wrong: dict[str, Any]
) -> None:
    answer = server.http.post(
        "/_sandbox/bank/transfers", json={"name": "Sam Doe", "amount": 2_900} | wrong
    )
    assert answer.status_code == 400
    assert answer.json()["error"].endswith(".")
    assert bank.transfers() == []
    assert bank.mails() == []


def test_people_pay_on_the_page(server: Server, bank: Bank) -> None:
    assert 'href="/bank/"' in server.http.get("/mailbox/").text
    form = {"name": "Sam Doe", "amount": "$1,029.00", "memo": "HY-7K3P-4", "day": str(today())}
    answer = server.http.post("/bank/pay", data=form | {"kind": "PARTNERFI_TO_CHASE"})
    assert answer.status_code == 303
    server.http.post("/bank/send", data={"name": "Ada Bell", "amount": "7"})
    sent, paid = bank.transfers()
    assert (paid["amount"], paid["kind"]) == (102_900, "PARTNERFI_TO_CHASE")
    assert (sent["amount"], sent["direction"]) == (700, "out")
    page = server.http.get(answer.headers["Location"]).text
    assert "The money has arrived." in page
    assert "$1,029.00" in page
    assert "−$7.00" in page
    assert page.count("in the file") == 2
    assert server.http.get("/bank/mails/1").content == bank.mails()[0]
    refused = server.http.post("/bank/pay", data=form | {"amount": "much"})
    assert refused.status_code == 400
    assert "The amount is written like 29.00." in refused.text
    assert 'value="much"' in refused.text
    assert server.http.get("/bank/mails/99").status_code == 404


def test_the_page_puts_a_late_transfer_into_the_file(server: Server, bank: Bank) -> None:
    late = bank.pay("Sam Doe", 2_900, late_file=True)
    assert "not in the file yet" in server.http.get("/bank/").text
    server.http.post(f"/bank/transfers/{late['id']}/post")
    server.http.post(f"/bank/transfers/{late['id']}/mail")
    assert len(zelle(bank)) == 1
    assert len(bank.mails()) == 2
    assert server.http.post("/bank/transfers/banktx_no/mail").status_code == 404


def test_the_page_says_what_a_mail_got_wrong(server: Server, bank: Bank) -> None:
    bank.pay("Sam Doe", 2_900, "HY-7K3P-4", wrong_amount=1, wrong_memo="x")
    bank.pay("Sam Doe", 2_900, "HY-7K3P-4", forged="other_key", no_memo=True)
    page = server.http.get("/bank/").text
    assert ": says $0.01, memo “x”" in page
    assert ": forged (other key), no memo" in page


def test_the_panel_has_the_banks_switches(server: Server) -> None:
    server.http.post("/switches", data={"bank_no_mail": "on", "bank_forged": "unsigned"})
    switches = server.get("switches")
    assert switches["bank_no_mail"] is True
    assert switches["bank_forged"] == "unsigned"
    assert server.http.post("/_sandbox/switches", json={"bank_forged": "x"}).status_code == 400


def test_emptying_the_sandbox_keeps_only_the_key(server: Server, bank: Bank) -> None:
    bank.pay("Sam Doe", 2_900)
    key = bank.key()
    server.post("reset")
    assert bank.transfers() == []
    assert bank.mails() == []
    assert bank.key() == key


@pytest.mark.slow
def test_a_restart_keeps_key_transfers_and_mails(tmp_path: Path) -> None:
    launched = subprocess.run(
        [sys.executable, "-m", "sandbox.bank.keys", "--data", str(tmp_path / "world")],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    server = Server(tmp_path / "world", SANDBOX_BANK_RECIPIENT="till@harbor.example")
    bank = Bank(server.url, server.imap_port, server.http)
    assert bank.key() == json.loads(launched.stdout)
    bank.pay("Sam Doe", 2_900)
    before = bank.transfers(), bank.mails(), bank.file(), bank.key()
    server.stop()
    again = Server(tmp_path / "world")
    try:
        bank = Bank(again.url, again.imap_port, again.http)
        assert (bank.transfers(), bank.mails(), bank.file(), bank.key()) == before
        assert parsed(bank.mails()[0])["To"] == "till@harbor.example"
        bank.pay("Ada Bell", 100)
        assert [mail["uid"] for mail in again.get("bank/mails")] == [1, 2]
    finally:
        again.stop()
    assert (tmp_path / "world" / "bank-key.pem").stat().st_mode & 0o077 == 0
