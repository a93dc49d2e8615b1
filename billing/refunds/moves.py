"""A refund's step, as messages see it."""

from __future__ import annotations

from dataclasses import dataclass

from billing.core.statuses import RefundAction, RefundState
from billing.models import Refund


@dataclass(frozen=True)
class RefundMoved:
    """A refund has moved; `before` is its previous state, or None if it's new."""

    refund: Refund
    action: RefundAction
    before: RefundState | None
