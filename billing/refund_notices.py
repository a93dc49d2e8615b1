"""What members and staff are told about refunds."""

from __future__ import annotations

from billing.transitions import RefundMoved


def announce(moved: RefundMoved) -> None:
    """Put the messages of a refund's step into the outbox, in the caller's transaction."""
