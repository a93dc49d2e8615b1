"""Lets money count, or proposes it, where a transfer names the payment that it pays exactly."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import timedelta

from django.db.models import Sum
from django.utils import timezone

from billing.core.bank_statuses import AllocationState, Direction
from billing.facts import zelle
from billing.models import Allocation, BankTransfer
from billing.zelle import allocating, candidates, outgoing

A_DAY = timedelta(hours=24)


def look_at(transfers: Iterable[BankTransfer]) -> None:
    """Look at transfers that came or changed. Call it under the bank's lock.

    A transfer that's on the account and names a payment counts by itself. One that's only
    announced does so up to the owner's limits, if they switched that on; otherwise it's proposed.
    """
    rows = list(transfers)
    for transfer in rows:
        if transfer.direction == Direction.IN and not transfer.set_aside_at:
            _look_at(transfer)
    # These write into the ledger of refunds, whose lock comes after all members'.
    outgoing.look_at_all([row for row in rows if row.direction == Direction.OUT])


def _look_at(transfer: BankTransfer) -> None:
    live = transfer.allocations.exclude(state=AllocationState.UNDONE)
    if transfer.is_proved:
        for row in live.filter(state=AllocationState.PROPOSED):
            allocating.count_proposed(row)
    if live.exists() or transfer.allocations.exists():
        # What staff have undone isn't proposed again.
        return
    if named := candidates.named(transfer):
        counts = transfer.is_proved or _is_trusted(transfer)
        allocating.count_named(transfer, named.awaited.pk, named.reasons, counts=counts)


def _is_trusted(transfer: BankTransfer) -> bool:
    """Whether an announced transfer counts before a file has it, within the owner's limits."""
    terms = zelle.terms()
    if not terms.confirms_by_itself or transfer.amount > terms.trusted_amount:
        return False
    lately = Allocation.objects.filter(
        state=AllocationState.CONFIRMED,
        confirmed_by=None,
        transfer__line=None,
        confirmed_at__gt=timezone.now() - A_DAY,
    )
    total = int(lately.aggregate(sum=Sum("amount", default=0))["sum"])
    return total + transfer.amount <= terms.trusted_a_day
