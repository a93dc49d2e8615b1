"""States of transfers by Zelle and of what's awaited (pure)."""

from __future__ import annotations

from enum import StrEnum


class ZellePurpose(StrEnum):
    """What a member pays by Zelle."""

    AMOUNT = "amount"  # a single payment of what they chose
    REQUEST = "request"  # a payment request, or an item from the list
    MEMBERSHIP = "membership"  # its first period
    INVOICE = "invoice"  # an open invoice, such as the next period's


class ExpectedState(StrEnum):
    """The state of a payment that a member said they'd make by Zelle."""

    WAITING = "waiting"
    ANNOUNCED = "announced"  # the bank's mail names it; nobody has confirmed it yet
    CONFIRMED = "confirmed"
    EXPIRED = "expired"
    CANCELED = "canceled"


# Money is still awaited.
EXPECTED_OPEN = frozenset({ExpectedState.WAITING, ExpectedState.ANNOUNCED})
# Money that comes now would be a surprise, but may still be meant for it.
EXPECTED_GONE = frozenset({ExpectedState.EXPIRED, ExpectedState.CANCELED})


class AllocationState(StrEnum):
    """Whether a transfer's money counts for a payment."""

    PROPOSED = "proposed"  # by a reference, or by the first of two people
    CONFIRMED = "confirmed"
    UNDONE = "undone"


class MailState(StrEnum):
    """What became of a bank's mail, or of one that claims to be a bank's."""

    VERIFIED = "verified"
    UNVERIFIED = "unverified"
    UNREADABLE = "unreadable"  # truly the bank's, but not in a form that we know
    REPEATED = "repeated"  # truly the bank's, about a transfer that another mail told of


class Direction(StrEnum):
    """Which way a transfer's money goes."""

    IN = "in"
    OUT = "out"
