"""Use case: staff leave a payment that a bank reports as fraud, or look at it again."""

from __future__ import annotations

from django.contrib.auth.models import User
from django.core.exceptions import PermissionDenied
from django.db import transaction
from django.utils import timezone

from billing.models import FraudWarning
from billing.models.locks import locked_customer

MAY_LEAVE = "billing.change_fraudwarning"
LONGEST = 300


class WarningError(Exception):
    """The warning can't be left; the text is for staff."""


@transaction.atomic
def leave(warning_pk: int, actor: User, because: str) -> FraudWarning:
    """Note that a payment isn't refunded for now, and why: the warning no longer waits.

    Raises:
        PermissionDenied: the actor may not.
        WarningError: the reason is missing, or the warning asks for nothing anymore.
    """
    row = _locked(warning_pk, actor)
    because = because.strip()
    if not because:
        raise WarningError("Say why, for your team.")
    if not row.is_open:
        raise WarningError("This warning doesn’t ask for anything anymore.")
    row.left_at, row.left_by, row.left_because = timezone.now(), actor, because[:LONGEST]
    row.save(update_fields=["left_at", "left_by", "left_because"])
    return row


@transaction.atomic
def take_up(warning_pk: int, actor: User) -> FraudWarning:
    """Let a warning that was left wait for somebody again.

    Raises:
        PermissionDenied: the actor may not.
    """
    row = _locked(warning_pk, actor)
    row.left_at, row.left_by, row.left_because = None, None, ""
    row.save(update_fields=["left_at", "left_by", "left_because"])
    return row


def _locked(warning_pk: int, actor: User) -> FraudWarning:
    if not actor.has_perm(MAY_LEAVE):
        raise PermissionDenied("Leaving a fraud warning takes a permission.")
    customer_pk = FraudWarning.objects.values_list("customer_id", flat=True).get(pk=warning_pk)
    locked_customer(pk=customer_pk)
    return FraudWarning.objects.select_related("payment").get(pk=warning_pk)
