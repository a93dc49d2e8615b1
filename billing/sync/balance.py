"""Reads balance transactions and payouts from Stripe and writes them.

Balance transactions have no events. They're read when an event says that money moved, every few
minutes from a little before the newest one, and with the payout that pays them out. They belong to
the account rather than to a member, so no member's lock is taken.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import datetime, timedelta
from functools import partial
from itertools import islice
from typing import Any, TypeVar

from django.db import models, transaction
from django.db.models import Exists, Max, OuterRef, Subquery, Sum

from billing.models import (
    BalanceReading,
    BalanceTransaction,
    Dispute,
    Payment,
    Payout,
    Refund,
)
from billing.stripe import gateway, snapshots
from billing.sync import writing
from billing.sync.columns import columns_of
from common.one_by_one import OneByOne

BALANCE = "balance"  # Stripe's name for it; an account has only one
PAYMENTS = "payments"  # Other kinds of balance are kept apart from this one.
# A transaction may be listed a little after others that were made later.
OVERLAP = timedelta(hours=1)
PAGE = 100
ASKED_AT_ONCE = 20  # charges whose payment is asked for each time
# An event brings the payment of a new charge by then.
TOLD_WITHIN = timedelta(hours=1)
# What a transaction's source may be, by the column that links to it.
SOURCES: dict[str, tuple[type[models.Model], str]] = {
    "payment": (Payment, "charge_id"),
    "refund": (Refund, "stripe_id"),
    "dispute": (Dispute, "stripe_id"),
    "payout": (Payout, "stripe_id"),
}
NO_SOURCE = dict.fromkeys(SOURCES)

Entry = TypeVar("Entry")


def read_balance(*, everything: bool = False) -> None:
    """Read the transactions and payouts made since the last time, and the balance itself.

    The first time it reads from the beginning; if it's interrupted, the next one does it again.

    Raises:
        gateway.StripeError: Stripe didn't answer.
        SomeFailed: some can't be read; the others were.
    """
    read_at = writing.database_now()
    last = BalanceReading.objects.filter(stripe_id=BALANCE).first()
    read_until = last.read_until if last and not everything else None
    since = read_until - OVERLAP if read_until else None
    bad: list[gateway.Unreadable] = []
    for batch in _batches(gateway.list_transactions(since, bad=bad)):
        write_transactions(batch, read_at)
    run = OneByOne(ended_by=gateway.ENDS_ALL)
    for payout in gateway.list_payouts(since, bad):
        with run.each(f"payout {payout.id}"):
            _write_payout(payout, read_at)
    link()
    newest = BalanceTransaction.objects.aggregate(newest=Max("created_at"))["newest"]
    totals = gateway.read_totals()
    lacking = lacking_of(totals)
    since_when = (last.differs_since if last else None) or read_at
    values = {
        "totals": totals,
        "read_until": newest,
        "differences": lacking,
        "differs_since": since_when if lacking else None,
    }
    with transaction.atomic():
        writing.write(BalanceReading, BALANCE, read_at, values)
    # What Stripe refuses from here on takes nothing from what's read.
    _ask_for_intents(run)
    link()
    run.failures += [f"{one.id} can't be read: {one.reason}" for one in bad]
    run.finish()


def lacking_of(totals: dict[str, int]) -> dict[str, int]:
    """Return what our transactions lack of Stripe's totals, by currency; empty if they agree."""
    rows = BalanceTransaction.objects.filter(balance_type=PAYMENTS).order_by()
    ours = dict(rows.values("currency").annotate(sum=Sum("net")).values_list("currency", "sum"))
    lacks = {one: totals.get(one, 0) - ours.get(one, 0) for one in sorted({*totals, *ours})}
    return {currency: amount for currency, amount in lacks.items() if amount}


def sync_transaction(transaction_id: str) -> None:
    """Read a balance transaction and write it."""
    read_at = writing.database_now()
    write_transactions([gateway.read_transaction(transaction_id)], read_at)
    link()


def sync_payout(payout_id: str) -> Payout:
    """Read a payout with what it pays out, and write both."""
    read_at = writing.database_now()
    payout = _write_payout(gateway.read_payout(payout_id), read_at, again=True)
    link()
    return payout


def _write_payout(
    snapshot: snapshots.PayoutSnapshot, read_at: datetime, *, again: bool = False
) -> Payout:
    with transaction.atomic():
        payout = writing.write(Payout, snapshot.id, read_at, columns_of(snapshot, "id"))[1]
    if snapshot.names_transactions:
        _write_paid_out(payout, read_at, again=again)
    return payout


def _write_paid_out(payout: Payout, read_at: datetime, *, again: bool) -> None:
    """Write what a payout pays out. What's complete never changes, so that's asked once."""
    rows = BalanceTransaction.objects.filter(paid_out_in=payout)
    if not again and rows.exists() and not sum(rows.values_list("net", flat=True)):
        return
    listed: set[str] = set()
    for batch in _batches(gateway.list_transactions(payout_id=payout.stripe_id)):
        write_transactions(batch, read_at)
        ids = [one.id for one in batch]
        listed.update(ids)
        BalanceTransaction.objects.filter(stripe_id__in=ids).update(paid_out_in=payout)
    rows.exclude(stripe_id__in=listed).update(paid_out_in=None)


def write_transactions(batch: list[snapshots.TransactionSnapshot], read_at: datetime) -> None:
    """Write transactions; only what's new or differs takes a statement."""
    wanted = {one.id: columns_of(one, "id") for one in batch}
    with transaction.atomic():
        rows = BalanceTransaction.objects.select_for_update().order_by("stripe_id")
        known = {row.stripe_id: row for row in rows.filter(stripe_id__in=wanted)}
        BalanceTransaction.objects.bulk_create(
            [
                BalanceTransaction(stripe_id=key, read_at=read_at, **values)
                for key, values in wanted.items()
                if key not in known
            ],
            ignore_conflicts=True,
        )
        for key, row in known.items():
            values = wanted[key]
            differs = any(getattr(row, name) != value for name, value in values.items())
            if differs and row.read_at <= read_at:
                BalanceTransaction.objects.filter(pk=row.pk).update(read_at=read_at, **values)


def link() -> None:
    """Link transactions to what caused them, where that got its row by now."""
    for column, (model, name) in SOURCES.items():
        _link(column, model._default_manager.filter(**{name: OuterRef("source_id")}))
    _link("payment", Payment.objects.filter(stripe_id=OuterRef("intent_id")))


def _link(column: str, sources: models.QuerySet[Any]) -> None:
    first = Subquery(sources.order_by("pk").values("pk")[:1])
    _unlinked().filter(Exists(sources)).update(**{column: first})


def _unlinked() -> models.QuerySet[BalanceTransaction]:
    return BalanceTransaction.objects.filter(**NO_SOURCE).exclude(source_id="")


def _ask_for_intents(run: OneByOne) -> None:
    """Ask which payments the charges are of that no payment has as its latest one.

    A bank debit that counted, failed, and was made good by another charge is known by the latter
    alone if all of it happened before the import. Each charge is asked for once, some at a time.
    """
    before = writing.database_now() - TOLD_WITHIN
    of_charges = models.Q(source_id__startswith="ch_") | models.Q(source_id__startswith="py_")
    rows = _unlinked().filter(of_charges, intent_id=None, created_at__lt=before)
    charges = rows.order_by("source_id").values_list("source_id", flat=True).distinct()
    for charge in charges[:ASKED_AT_ONCE]:
        with run.each(f"charge {charge}"):
            intent = gateway.patiently(partial(gateway.intent_of_charge, charge))
            BalanceTransaction.objects.filter(source_id=charge).update(intent_id=intent)


def _batches(entries: Iterable[Entry]) -> Iterator[list[Entry]]:
    iterator = iter(entries)
    while batch := list(islice(iterator, PAGE)):
        yield batch
