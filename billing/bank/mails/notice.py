"""What a bank's notification says, whatever bank it's from (pure)."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

from billing.bank.files.lines import Kind


@dataclass(frozen=True)
class Notice:
    """A transfer that a bank announces by mail."""

    bank: str
    kind: Kind
    name: str  # who it's from or to, as the bank writes it
    amount: int  # in cents, always positive
    sent_on: date | None = None
    transaction: str = ""  # the bank's own number
    memo: str = ""
