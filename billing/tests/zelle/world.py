"""What tests of payments by Zelle start from: the owner's terms, and money that has come."""

from __future__ import annotations

from datetime import date
from itertools import count
from typing import Any

from django.utils import timezone

from billing.core.bank_statuses import AllocationState, ExpectedState
from billing.models import (
    Allocation,
    BankAccount,
    BankFile,
    BankLine,
    BankTransfer,
    ExpectedTransfer,
    ZelleTerms,
)

_numbers = count(1)
PNG = bytes.fromhex(
    "89504e470d0a1a0a0000000d4948445200000001000000010804000000b51c0c020000000b4944415478da6364"
    "6000000006000230815c910000000049454e44ae426082"
)


def make_terms(**fields: Any) -> ZelleTerms:
    """Take everything by Zelle, from $1.00 to $2,000.00."""
    values: dict[str, Any] = {
        "takes_amounts": True,
        "takes_requests": True,
        "takes_memberships": True,
        "name": "Harbor Yoga LLC",
        "address": "pay@harboryoga.example",
        "prefix": "hy",
        "code": PNG,
        "code_type": "image/png",
    }
    return ZelleTerms.objects.update_or_create(pk=1, defaults=values | fields)[0]


def make_transfer(amount: int, **fields: Any) -> BankTransfer:
    """Return money that's on the account."""
    account, _ = BankAccount.objects.get_or_create(name="Chase checking")
    file = BankFile.objects.create(account=account, name="Chase.CSV", digest="0" * 64)
    number = next(_numbers)
    line = BankLine.objects.create(
        account=account,
        file=file,
        identity=f"line{number}",
        number=number,
        posted_on=date(2026, 11, 24),
        amount=amount,
        kind="zelle_in",
        name="ALICE ARCHER",
    )
    values = {"direction": "in", "currency": "usd", "on": line.posted_on, "line": line}
    return BankTransfer.objects.create(amount=amount, **values | fields)


def receive(row: ExpectedTransfer, amount: int | None = None, state: str = "confirmed") -> None:
    """Let money count for a payment, or be proposed for it, as the back office does."""
    cents = row.amount if amount is None else amount
    Allocation.objects.create(
        transfer=make_transfer(cents), expected=row, amount=cents, state=AllocationState(state)
    )
    if state == "proposed":
        row.state, row.announced_at = ExpectedState.ANNOUNCED, timezone.now()
    elif row.received() >= row.amount:
        row.state, row.confirmed_at = ExpectedState.CONFIRMED, timezone.now()
    row.save()
