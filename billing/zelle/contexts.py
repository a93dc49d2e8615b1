"""What messages about payments by Zelle may say."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import TypedDict

from billing.notices.contexts import Welcome
from emails.catalog import Kind
from emails.contexts import MessageContext


class Payee(TypedDict):
    """Whom the member pays."""

    to_name: str
    to_address: str


class Sending(Payee):
    """The facts of a payment that the member is to make."""

    name: str
    amount: str
    description: str
    reference: str
    until: datetime | None
    url: str


@dataclass(frozen=True, kw_only=True)
class ToSend(MessageContext):
    """A payment that the member is to make: how much, to whom, and what the memo must say."""

    name: str
    amount: str
    description: str
    reference: str
    to_name: str
    to_address: str
    until: datetime | None
    url: str


@dataclass(frozen=True, kw_only=True)
class ZelleStarted(ToSend):
    """How to pay."""

    kind = Kind.ZELLE_STARTED


@dataclass(frozen=True, kw_only=True)
class ZelleReminder(ToSend):
    """Nothing has come yet, and there's little time left."""

    kind = Kind.ZELLE_REMINDER


@dataclass(frozen=True, kw_only=True)
class ZelleReceived(MessageContext):
    """The receipt. `begins`: a membership follows from it; `invoice_number`: of an open invoice."""

    kind = Kind.ZELLE_RECEIVED
    name: str
    amount: str
    description: str
    reference: str
    invoice_number: str
    begins: bool
    received_on: datetime
    receipt_url: str = ""
    url: str


@dataclass(frozen=True, kw_only=True)
class ZelleJoined(Welcome, ZelleReceived):
    """A membership has started with a payment by Zelle: a welcome and a receipt."""

    kind = Kind.ZELLE_JOINED


@dataclass(frozen=True, kw_only=True)
class ZellePartReceived(MessageContext):
    """Less came than was asked for. `amount` is what has come."""

    kind = Kind.ZELLE_PART_RECEIVED
    name: str
    amount: str
    total: str
    missing: str
    description: str
    reference: str
    to_name: str
    to_address: str
    url: str


@dataclass(frozen=True, kw_only=True)
class ZelleExpired(MessageContext):
    """Nothing came in time. `is_invoice`: what it was for is still owed."""

    kind = Kind.ZELLE_EXPIRED
    name: str
    amount: str
    description: str
    reference: str
    is_invoice: bool
    said_sent: bool
    url: str


@dataclass(frozen=True, kw_only=True)
class ZelleUndone(MessageContext):
    """Money that counted for a payment turned out to be for something else."""

    kind = Kind.ZELLE_UNDONE
    name: str
    missing: str
    total: str
    description: str
    is_open: bool
    url: str


@dataclass(frozen=True, kw_only=True)
class MoneyMissing(MessageContext):
    """To staff: the bank announced money that no file of the account has had."""

    kind = Kind.MONEY_MISSING
    amount: str
    payer: str
    number: str
    announced_on: datetime
    days: int
    counts: bool
    url: str
