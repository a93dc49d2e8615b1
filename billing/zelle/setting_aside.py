"""Sets aside all money from before a day: a first file has years of it that's for nothing here."""

from __future__ import annotations

from datetime import date

from django.contrib.auth.models import User
from django.db import transaction
from django.utils import timezone

from billing.models import BankTransfer
from billing.models.bank import TransferQuerySet
from billing.zelle import checks
from billing.zelle.locks import bank_lock


def older_than(day: date) -> TransferQuerySet:
    """Return the money that came before a day, and of which nothing counts or is proposed."""
    return BankTransfer.objects.uncounted().filter(on__lt=day)


@transaction.atomic
def set_aside_older(day: date, actor: User, because: str) -> int:
    """Set it aside, and return how many transfers that were. Each can be brought back.

    Raises:
        PermissionDenied: the actor may not.
        AllocationError: the reason is missing.
    """
    checks.require(actor)
    checks.check_reason(because)
    bank_lock()
    rows = BankTransfer.objects.filter(pk__in=older_than(day).order_by().values("pk"))
    return rows.update(
        set_aside_at=timezone.now(), set_aside_by=actor, set_aside_because=because[:300]
    )
