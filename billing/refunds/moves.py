"""A step of a refund, as messages are told of it."""

from __future__ import annotations

from dataclasses import dataclass

from billing.core.statuses import RefundAction, RefundState
from billing.models import Refund


@dataclass(frozen=True)
class RefundMoved:
    """A refund has taken a step; `before` is its state before it, None where it is new."""

    refund: Refund
    action: RefundAction
    before: RefundState | None
