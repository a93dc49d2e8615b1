"""How the bank's money is called on staff pages: states in color, and reasons in sentences."""

from __future__ import annotations

from collections.abc import Iterable

from django.utils.safestring import SafeString

from billing.bank.matching import Reason
from billing.core.bank_statuses import (
    AllocationState,
    Direction,
    ExpectedState,
    MailState,
    ZellePurpose,
)
from billing.models import Allocation, BankTransfer, ExpectedTransfer
from common.money import Money
from common.staff import show

EXPECTED = {
    ExpectedState.WAITING: "info",
    ExpectedState.ANNOUNCED: "warning",
    ExpectedState.CONFIRMED: "success",
}
ALLOCATION = {
    AllocationState.PROPOSED: "warning",
    AllocationState.CONFIRMED: "success",
}
MAIL = {
    MailState.VERIFIED: "success",
    MailState.UNVERIFIED: "danger",
    MailState.UNREADABLE: "warning",
}
UNKNOWN = "An unknown account"
PURPOSES = {
    ZellePurpose.AMOUNT: "A single payment",
    ZellePurpose.REQUEST: "A payment request",
    ZellePurpose.MEMBERSHIP: "The membership's first period",
    ZellePurpose.INVOICE: "An open invoice",
}
REASONS = {
    Reason.REFERENCE: "The memo has this payment's reference.",
    Reason.OTHER_REFERENCE: "The memo has another payment's reference.",
    Reason.EXACT_AMOUNT: "The amount is exactly what's due.",
    Reason.TOO_LITTLE: "It's less than what's due.",
    Reason.TOO_MUCH: "It's more than what's due.",
    Reason.KNOWN_PAYER: "This payer has paid for this member before.",
    Reason.SAME_NAME: "The payer has the name that we expect.",
    Reason.LIKE_NAME: "The payer's name is close to the one that we expect.",
    Reason.SAID_NAME: "The member says that it comes from a payer with this name.",
    Reason.OTHER_NAME: "The payer's name is different from the one that we expect.",
    Reason.EARLIER: "The money came days before the member chose to pay.",
    Reason.LATER: "The money came weeks after the member chose to pay.",
    Reason.AMBIGUOUS: "Another payment fits just as well.",
}
# What speaks against a match.
AGAINST = frozenset(
    {
        Reason.OTHER_REFERENCE,
        Reason.TOO_LITTLE,
        Reason.TOO_MUCH,
        Reason.OTHER_NAME,
        Reason.EARLIER,
        Reason.LATER,
        Reason.AMBIGUOUS,
    }
)


def sentences(reasons: Iterable[str]) -> list[tuple[str, bool]]:
    """Return reasons in sentences, each with whether it speaks against the match."""
    known = [Reason(one) for one in reasons]
    return [(REASONS[one], one in AGAINST) for one in known]


def way(transfer: BankTransfer) -> str:
    """Return "from Jane Doe" or "to Jane Doe"."""
    name = transfer.name or "an unknown account"
    return f"{'from' if transfer.direction == Direction.IN else 'to'} {name}"


def signed(transfer: BankTransfer) -> str:
    """Return the amount; below zero it went out."""
    is_out = transfer.direction == Direction.OUT
    return str(Money(-transfer.amount if is_out else transfer.amount, transfer.currency))


def standing_words(transfer: BankTransfer, counted: int, proposed: int) -> tuple[str, str]:
    """Return what became of a transfer, and its color.

    Of the `counted` cents, those `proposed` count only once somebody confirms them.
    """
    if transfer.set_aside_at:
        return ("Partly matched, rest set aside", "") if counted else ("Set aside", "")
    if transfer.direction == Direction.OUT:
        return "Sent", "info"
    if proposed:
        return "To confirm", "warning"
    if counted >= transfer.amount:
        return "Matched", "success"
    return ("Partly matched", "warning") if counted else ("To match", "warning")


def standing(transfer: BankTransfer, counted: int, proposed: int) -> SafeString:
    """Return what became of a transfer, as a badge."""
    return show.badge(*standing_words(transfer, counted, proposed))


def proof(transfer: BankTransfer) -> SafeString:
    """Return whether the money is on the account, or only announced."""
    if transfer.is_proved:
        return show.badge("On the account", "success")
    return show.badge("Announced by email", "info")


def waits_for(row: Allocation) -> str:
    """Say whom a proposed match waits for."""
    if row.state != AllocationState.PROPOSED:
        return ""
    if row.first_confirmed_by:
        return f"{show.name_of(row.first_confirmed_by)} confirmed it. Someone else must, too."
    return "The memo names this payment. Someone on your team must confirm it."


def counts_by(row: Allocation) -> str:
    """Say who made a match count."""
    if row.state == AllocationState.PROPOSED:
        return show.NOTHING
    people = [one for one in (row.first_confirmed_by, row.confirmed_by) if one]
    if not people:
        return "Automatically, by reference and amount" if row.confirmed_at else show.NOTHING
    return " and ".join(map(show.name_of, people))


def due(expected: ExpectedTransfer, received: int) -> str:
    """Return "$40.00", or "$15.00 of $40.00" after a part of it came."""
    if not received or received >= expected.amount:
        return str(expected.money)
    return f"{Money(expected.amount - received, expected.currency)} of {expected.money}"


def came_to(row: Allocation) -> str:
    """Say what confirming did."""
    if row.state == AllocationState.PROPOSED:
        return f"You confirmed {row.money}. Someone else must, too."
    return f"{row.money} counts now. The member is told."
