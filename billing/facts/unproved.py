"""Money that the bank announced by email, and that no file of the account has had in time."""

from __future__ import annotations

from datetime import timedelta

from django.db.models import DateTimeField, ExpressionWrapper, Subquery, Value
from django.db.models.functions import Coalesce

from billing.core.bank_statuses import Direction
from billing.models import BankTransfer, ZelleTerms
from billing.models.bank import TransferQuerySet
from common.reads import Moment


def unproved(now: Moment) -> TransferQuerySet:
    """Return it; the owner says how many days a file may take."""
    days = Subquery(ZelleTerms.objects.values("days_to_prove")[:1])
    usual = ZelleTerms._meta.get_field("days_to_prove").default
    at = now if hasattr(now, "resolve_expression") else Value(now)
    since = ExpressionWrapper(
        at - Coalesce(days, Value(usual)) * Value(timedelta(days=1)),
        output_field=DateTimeField(),
    )
    announced = BankTransfer.objects.filter(direction=Direction.IN, line=None, set_aside_at=None)
    return announced.filter(created_at__lt=since)
