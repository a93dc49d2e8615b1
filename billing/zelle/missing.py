"""Money that the bank announced, and that no file of the account has had."""

from __future__ import annotations

from datetime import datetime

from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from billing.core.bank_statuses import AllocationState
from billing.facts.unproved import unproved
from billing.models import BankTransfer
from billing.zelle import contexts
from common.links import portal_url
from common.one_by_one import OneByOne
from emails import outbox


def tell() -> None:
    """Tell staff of each once.

    Raises:
        SomeFailed: all others were told.
    """
    run, now = OneByOne(), timezone.now()
    for row in unproved(now).filter(told_stale_at=None).select_related("mail").order_by("pk"):
        with run.each(f"Transfer {row.pk}"), transaction.atomic():
            _tell(row, now)
    run.finish()


def _tell(row: BankTransfer, now: datetime) -> None:
    outbox.put_staff(
        lambda: contexts.MoneyMissing(
            amount=str(row.money),
            payer=row.name or _("Someone"),
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
