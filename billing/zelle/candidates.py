"""Which awaited payments a transfer may be for."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from datetime import timedelta
from typing import Any

from django.db.models import Q, Sum
from django.db.models.functions import Coalesce
from django.utils import timezone

from billing.bank import references
from billing.bank.matching import Awaited, Candidate, Incoming, KnownPayers, Reason, candidates
from billing.core.bank_statuses import EXPECTED_OPEN, AllocationState, ExpectedState
from billing.facts import zelle
from billing.models import BankTransfer, ExpectedTransfer, KnownPayer

# Money for a payment that expired counts if it names the payment and comes so soon after.
LATE = timedelta(days=60)


def payable(**which: Any) -> list[ExpectedTransfer]:
    """Return the payments that money can still be for, with their members, oldest first."""
    lately = timezone.now() - LATE
    late = Q(state=ExpectedState.EXPIRED, closed_at__gt=lately)
    rows = ExpectedTransfer.objects.filter(Q(state__in=sorted(EXPECTED_OPEN)) | late, **which)
    return list(rows.select_related("user").order_by("created_at", "pk"))


def awaited(rows: Sequence[ExpectedTransfer]) -> list[Awaited]:
    """Return payments as the matching sees them: with what's still missing of each."""
    counted = ExpectedTransfer.objects.filter(pk__in=[row.pk for row in rows]).annotate(
        counted=Coalesce(
            Sum("allocations__amount", filter=~Q(allocations__state=AllocationState.UNDONE)), 0
        )
    )
    sums = dict(counted.values_list("pk", "counted"))
    missing = {row.pk: row.amount - sums.get(row.pk, 0) for row in rows}
    return [
        Awaited(
            pk=row.pk,
            member_pk=row.user_id,
            reference=row.reference,
            amount=missing[row.pk],
            since=row.created_at.date(),
            names=tuple(filter(None, (row.user.get_full_name(),))),
            said=row.payer_name,
        )
        for row in rows
        if missing[row.pk] > 0
    ]


def known_payers(names: Iterable[str] | None = None) -> KnownPayers:
    """Return whose names have paid for which members, of these keys or of all."""
    rows = KnownPayer.objects.all() if names is None else KnownPayer.objects.filter(key__in=names)
    found: dict[str, set[int]] = defaultdict(set)
    for key, user_id in rows.values_list("key", "user_id"):
        found[key].add(user_id)
    return KnownPayers({key: frozenset(members) for key, members in found.items()})


def of_transfers(
    transfers: Iterable[BankTransfer],
) -> Iterator[tuple[BankTransfer, list[Candidate]]]:
    """Yield incoming transfers with the payments that each may be for, the likeliest first.

    What all of them need is read once: there may be thousands.
    """
    open_payments, known, prefix = awaited(payable()), known_payers(), zelle.terms().prefix
    for row in transfers:
        money = Incoming(row.amount, row.name, row.on, row.memo)
        yield row, candidates(money, open_payments, known, prefix)


def no_longer_awaited(transfers: Iterable[BankTransfer]) -> dict[int, ExpectedTransfer]:
    """Return payments that memos name, and that are paid or given up, by the transfers' keys."""
    prefix = zelle.terms().prefix
    names = {row.pk: references.read(row.memo, prefix) for row in transfers}
    wanted = {one for found in names.values() for one in found}
    rows = ExpectedTransfer.objects.filter(reference__in=wanted).select_related("user")
    over = {row.reference: row for row in rows.exclude(state__in=sorted(EXPECTED_OPEN))}
    found = {
        pk: next((over[one] for one in some if one in over), None) for pk, some in names.items()
    }
    return {pk: row for pk, row in found.items() if row}


def suggestions(transfer: BankTransfer) -> list[Candidate]:
    """Return the payments that a transfer may be for, with scores and reasons."""
    return next(found for _, found in of_transfers([transfer]))


def sure() -> list[tuple[BankTransfer, Candidate]]:
    """Return the unmatched transfers whose payment is sure, each with it.

    A payment that two transfers would be sure to pay isn't sure for either.
    """
    uncounted = BankTransfer.objects.uncounted().order_by("on", "pk")
    likeliest = ((row, found[0]) for row, found in of_transfers(uncounted) if found)
    found = [(row, best) for row, best in likeliest if best.is_sure]
    times: dict[int, int] = defaultdict(int)
    for _, best in found:
        times[best.awaited.pk] += 1
    return [(row, best) for row, best in found if times[best.awaited.pk] == 1]


def named(transfer: BankTransfer) -> Candidate | None:
    """Return the payment that a transfer names by reference and pays exactly, if there's one.

    Only payments that the memo names are looked at: no other could be as likely.
    """
    prefix = zelle.terms().prefix
    found = references.read(transfer.memo, prefix)
    if not found:
        return None
    rows = awaited(payable(reference__in=found))
    money = Incoming(transfer.amount, transfer.name, transfer.on, transfer.memo)
    best = next(iter(candidates(money, rows, KnownPayers(), prefix)), None)
    return best if best and best.is_sure and Reason.REFERENCE in best.reasons else None
