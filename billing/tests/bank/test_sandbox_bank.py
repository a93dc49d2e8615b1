"""What the sandbox's bank writes is read as a real bank's would be."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta

import pytest

from billing.bank import files, mails
from billing.bank.files.lines import Kind
from billing.bank.mails import trust
from billing.bank.mails.trust import Rules, Verdict
from conftest import Sandbox
from portal import bank_checks
from testing.bank import Bank

NAMES = ("Sam Doe", "Doe & Söhne, Inc.", "<b>Ada</b> O’Neill", "María-José  Núñez", "J")
RULES = Rules(
    domains=("chase.com",), recipients=("owner@harbor.example",), oldest=timedelta(days=7)
)


def verdict(bank: Bank, mail: bytes) -> Verdict:
    records = {name: text.encode() for name, text in bank.key().items()}
    return trust.check(mail, RULES, records.get, datetime.now(UTC))


def shown(name: str) -> str:
    """A name as it compares: capitals, and a period at the end, are the writer's choice."""
    return " ".join(name.split()).casefold().rstrip(".")


@pytest.mark.parametrize("kind", ["QUICKPAY_CREDIT", "PARTNERFI_TO_CHASE", "CHASE_TO_PARTNERFI"])
def test_every_mail_of_the_sandboxs_bank_is_verified_and_read(sandbox: Sandbox, kind: str) -> None:
    direction = "out" if kind == "CHASE_TO_PARTNERFI" else "in"
    made = [
        sandbox.bank.pay(name, amount, memo, kind=kind, direction=direction)
        for name in NAMES
        for amount, memo in ((2_900, "HY-7K3P-4"), (123_456_00, ""), (1, "Amount $9 <td>"))
    ]
    for transfer, mail in zip(made, sandbox.bank.mails(), strict=True):
        assert verdict(sandbox.bank, mail).is_verified
        notice = mails.read(mail)
        assert notice
        assert notice.kind == (Kind.ZELLE_IN if direction == "in" else Kind.ZELLE_OUT)
        assert shown(notice.name) == shown(transfer["name"])
        assert notice.amount == transfer["amount"]
        assert notice.transaction == transfer["transaction"]
        assert notice.memo == transfer["memo"]
        assert notice.sent_on
        assert notice.sent_on.isoformat() == transfer["day"]


def test_every_line_of_the_sandboxs_file_is_read(sandbox: Sandbox) -> None:
    bank = sandbox.bank
    made = [
        *(bank.pay(name, 2_900) for name in NAMES),
        *(bank.pay(name, 5_000, kind="PARTNERFI_TO_CHASE") for name in NAMES),
        *(bank.send(name, 700) for name in NAMES),
        *(bank.pay(name, 100, reference="") for name in NAMES),
    ]
    bank.pay("Pending", 100, pending=True)
    read = files.read(bank.file())
    assert not read.unreadable
    transfers = [line for line in read.lines if line.transfer]
    assert len(read.lines) - len(transfers) == 5
    for transfer, line in zip(reversed(made), transfers, strict=True):
        assert line.transfer
        assert shown(line.transfer.name) == shown(transfer["name"])
        assert line.transfer.transaction.casefold() == transfer["reference"].casefold()
        assert abs(line.amount) == transfer["amount"]


@pytest.mark.parametrize("forgery", ["unsigned", "other_key", "look_alike"])
def test_no_forged_mail_of_the_sandbox_counts(sandbox: Sandbox, forgery: str) -> None:
    sandbox.bank.pay("Sam Doe", 2_900, forged=forgery)
    (mail,) = sandbox.bank.mails()
    assert not verdict(sandbox.bank, mail).is_verified


def test_the_sandboxs_addresses_are_settings_as_they_are(sandbox: Sandbox) -> None:
    settings = {
        "BANK_MAIL_URL": sandbox.bank.imap_url,
        "BANK_MAIL_RECIPIENTS": "owner@harbor.example",
        "BANK_MAIL_KEYS": json.dumps(sandbox.bank.key()),
    }
    assert [*bank_checks.refusals(settings, is_live=False)] == []
