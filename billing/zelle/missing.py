"""Money that the bank announced, and that no file of the account has had."""

from __future__ import annotations

from datetime import datetime, timedelta

from django.db import transaction
from django.utils import timezone

from billing.core.bank_statuses import AllocationState, Direction
from billing.facts import zelle
from billing.models import BankTransfer
from billing.models.bank import TransferQuerySet
from billing.zelle import contexts
from common.links import portal_url
from common.one_by_one import OneByOne
from emails import outbox


def transfers(now: datetime) -> TransferQuerySet:
    """Return what came in longer ago than the owner's days, and isn't on the account yet."""
    since = now - timedelta(days=zelle.terms().days_to_prove)
    rows = BankTransfer.objects.filter(direction=Direction.IN, line=None, set_aside_at=None)
    return rows.filter(created_at__lt=since)


def tell() -> None:
    """Tell staff of each once.

    Raises:
        SomeFailed: all others were told.
    """
    run, now = OneByOne(), timezone.now()
    for row in transfers(now).filter(told_stale_at=None).select_related("mail").order_by("pk"):
        with run.each(f"Transfer {row.pk}"), transaction.atomic():
            _tell(row, now)
    run.finish()


def _tell(row: BankTransfer, now: datetime) -> None:
    outbox.put_staff(
        contexts.MoneyMissing(
            amount=str(row.money),
            payer=row.name or "somebody",
            number=row.transaction,
            announced_on=row.created_at,
            days=(now - row.created_at).days,
            counts=row.allocations.filter(state=AllocationState.CONFIRMED).exists(),
            url=portal_url("admin:billing_banktransfer_change", row.pk),
        ),
        cause=f"transfer{row.pk}",
        happened_at=now,
    )
    BankTransfer.objects.filter(pk=row.pk).update(told_stale_at=now)
