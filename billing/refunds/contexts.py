"""What messages about refunds may say."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from emails.catalog import Kind
from emails.contexts import MessageContext


@dataclass(frozen=True, kw_only=True)
class ToMember(MessageContext):
    """What every message to a member about a refund may say."""

    name: str
    amount: str
    description: str
    url: str


@dataclass(frozen=True, kw_only=True)
class AndMembership(ToMember):
    """When the membership ends, if the member leaves with the refund."""

    leaves: bool
    goes_on_until: datetime | None
    because: str


@dataclass(frozen=True, kw_only=True)
class RefundReceived(AndMembership):
    """A request has arrived."""

    kind = Kind.REFUND_RECEIVED
    reason: str
    two_people: bool


@dataclass(frozen=True, kw_only=True)
class RefundApproved(AndMembership):
    """A request was approved, perhaps for less: `asked` is what the member wanted then."""

    kind = Kind.REFUND_APPROVED
    asked: str
    words: str
    method: str


@dataclass(frozen=True, kw_only=True)
class RefundDenied(ToMember):
    """A request was denied, or overtaken by another refund."""

    kind = Kind.REFUND_DENIED
    words: str
    is_closed: bool


@dataclass(frozen=True, kw_only=True)
class RefundSent(ToMember):
    """A refund takes longer, or needs the member's answer."""

    kind = Kind.REFUND_SENT
    sentence: str
    needs_answer: bool
    answered: bool
    until: datetime | None
    method: str
    by_zelle: bool = False


@dataclass(frozen=True, kw_only=True)
class RefundArrived(ToMember):
    """A refund has left for the bank, which shows it between two days."""

    kind = Kind.REFUND_ARRIVED
    words: str
    method: str
    from_: datetime
    until: datetime
    by_zelle: bool = False


@dataclass(frozen=True, kw_only=True)
class RefundFailed(ToMember):
    """A refund came back, was canceled, or was settled in another way."""

    kind = Kind.REFUND_FAILED
    sentence: str
    outlook: str
    is_closed: bool
    again_url: str
    method: str


@dataclass(frozen=True, kw_only=True)
class RefundWithdrawn(ToMember):
    """The member took the request back."""

    kind = Kind.REFUND_WITHDRAWN


@dataclass(frozen=True, kw_only=True)
class ToStaff(MessageContext):
    """What every message to staff about a refund may say."""

    headline: str
    sentence: str
    amount: str
    member: str
    description: str
    reason: str
    words: str
    asked_on: datetime
    url: str


@dataclass(frozen=True, kw_only=True)
class RefundToDecide(ToStaff):
    """A request waits for a decision."""

    kind = Kind.REFUND_TO_DECIDE


@dataclass(frozen=True, kw_only=True)
class RefundTakenBack(ToStaff):
    """A request doesn't wait for a decision anymore."""

    kind = Kind.REFUND_TAKEN_BACK


@dataclass(frozen=True, kw_only=True)
class RefundWaits(ToStaff):
    """A request has waited for too long."""

    kind = Kind.REFUND_WAITS


@dataclass(frozen=True, kw_only=True)
class RefundInTrouble(ToStaff):
    """A refund failed or is stuck."""

    kind = Kind.REFUND_IN_TROUBLE
