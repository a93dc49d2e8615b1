"""A bank that writes mails and files, for tests: in Chase's form, signed with their own key."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime
from email.utils import format_datetime
from typing import Any

from django.contrib.auth.models import User
from django.utils import timezone

from billing.bank import references
from billing.core.bank_statuses import ExpectedState, ZellePurpose
from billing.models import BankAccount, ExpectedTransfer
from billing.tests.bank import signed

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
