"""A bank that writes mails and files, for tests: in Chase's form, signed with their own key."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime
from email.utils import format_datetime
from typing import Any

from django.contrib.auth.models import Permission, User
from django.utils import timezone
from pytest_django import Settings

from billing.bank import references
from billing.core.bank_statuses import ExpectedState, ZellePurpose
from billing.models import BankAccount, BankTransfer, ExpectedTransfer
from billing.tests.bank import signed
from billing.tests.factories import make_member
from billing.zelle import allocating, importing
from conftest import run_jobs

OWNER = "owner@harbor.example"
PREFIX = "HY"
HEADER = "Details,Posting Date,Description,Amount,Type,Balance,Check or Slip #"


@dataclass(frozen=True)
class Money:
    """A transfer as the bank knows it. The amount is cents; negative went out."""

    name: str = "SAM DOE"
    amount: int = 2900
    number: str = "27250625041"
    memo: str = "N/A"
    on: date = date(2026, 3, 28)

    def mail(self, **changes: Any) -> bytes:
        """Return the notification, signed by the bank."""
        headers = changes.pop("headers", {})
        body = signed.html(
            name=self.name,
            amount=f"${abs(self.amount) / 100:,.2f}",
            sent_on=f"{self.on:%B %d, %Y}",
            number=self.number,
            memo=self.memo,
        )
        message_id = f"<{self.number or hash((self.name, self.on))}@alerts.chase.com>"
        usual = {"Date": format_datetime(timezone.now()), "Message_ID": message_id}
        message = signed.mail(body, **usual | headers)
        return signed.sign(message, **changes) if changes.pop("signs", True) else message

    def row(self, balance: int) -> str:
        """Return its line of the activity file."""
        way = "from" if self.amount > 0 else "to"
        kind = "QUICKPAY_CREDIT" if self.amount > 0 else "CHASE_TO_PARTNERFI"
        said = f"Zelle payment {way} {self.name} {self.number}".strip()
        details = "CREDIT" if self.amount > 0 else "DEBIT"
        return (
            f'{details},{self.on:%m/%d/%Y},"{said}",{self.amount / 100:.2f},{kind},'
            f"{balance / 100:.2f},,"
        )

    def but(self, **changes: Any) -> Money:
        """Return another one."""
        return replace(self, **changes)


def file_of(moved: Iterable[Money], start: int = 100_000) -> bytes:
    """Return an activity file: newest first, with balances."""
    rows, balance = [], start
    for one in moved:
        balance += one.amount
        rows.append(one.row(balance))
    return "\r\n".join([HEADER, *reversed(rows), ""]).encode()


def make_account(**changes: Any) -> BankAccount:
    """Return the business's account."""
    return BankAccount.objects.create(**{"name": "Chase checking"} | changes)


def expect(user: User, amount: int = 2900, **changes: Any) -> ExpectedTransfer:
    """Return a payment that a member has started."""
    values = {
        "purpose": ZellePurpose.AMOUNT,
        "amount": amount,
        "currency": "usd",
        "description": "Payment",
        "reference": references.new(),
        "state": ExpectedState.WAITING,
        "created_at": datetime(2026, 3, 28, 12, tzinfo=UTC),
    }
    return ExpectedTransfer.objects.create(user=user, **values | changes)


def memo_of(expected: ExpectedTransfer) -> str:
    """Return what the member writes into the memo."""
    return references.shown(PREFIX, expected.reference)


def trust(settings: Settings) -> None:
    """Let mails count that are signed with the tests' key and written to the owner."""
    settings.BANK_MAIL_DOMAINS = ["chase.com"]
    settings.BANK_MAIL_RECIPIENTS = [OWNER]
    settings.BANK_MAIL_DAYS = 7
    records = signed.keys(2048, "chase.com")
    settings.BANK_MAIL_KEYS = {name: record.decode() for name, record in records.items()}


def staff(name: str) -> User:
    """Return somebody who may match money, and decide on refunds of any amount."""
    user = make_member(name, is_staff=True)
    wanted = ["match_bank_transfer", "approve_refund", "approve_large_refund"]
    user.user_permissions.add(*Permission.objects.filter(codename__in=wanted))
    return User.objects.get(pk=user.pk)


def came(*moved: Money, start: int = 100_000) -> BankTransfer:
    """Import a file with these, and return the newest transfer."""
    account = BankAccount.objects.first() or make_account()
    importing.store(account, "a.csv", file_of(moved, start), None)
    return BankTransfer.objects.latest("pk")


def pay(expected: ExpectedTransfer, actor: User, **changes: Any) -> ExpectedTransfer:
    """Let money come for it and count, and book it."""
    transfer = came(Money(amount=expected.amount, **changes))
    allocating.allocate(transfer.pk, {expected.pk: expected.amount}, actor)
    run_jobs()
    return ExpectedTransfer.objects.get(pk=expected.pk)
