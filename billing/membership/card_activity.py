"""Records what a member does with their cards in their list of activity, once for two clicks."""

from __future__ import annotations

from datetime import datetime, timedelta

from django.contrib.auth.models import User
from django.db import transaction
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils import timezone

from billing.models.locks import lock_member
from members import activity
from members.models import AccountActivity, ActivityBy, ActivityKind

TWO_CLICKS = timedelta(seconds=10)


def added(user: User, card: str, at: datetime, request: HttpRequest | None) -> None:
    """Record a card that was saved at a moment: coming back to our page again adds nothing."""
    with transaction.atomic():
        lock_member(user.pk)
        if not _own(user, ActivityKind.CARD_ADDED, card).filter(happened_at=at).exists():
            activity.record(user, ActivityKind.CARD_ADDED, request=request, detail=card, at=at)


def removed(user: User, card: str, request: HttpRequest | None) -> None:
    """Record that a card was removed."""
    with transaction.atomic():
        lock_member(user.pk)
        _record(user, ActivityKind.CARD_REMOVED, card, request)


def chosen(user: User, card: str, since: datetime, request: HttpRequest | None) -> None:
    """Record which card is charged from now on.

    What the sync has recorded `since` the member asked for it is this same change.
    """
    with transaction.atomic():
        lock_member(user.pk)
        rows = AccountActivity.objects.filter(user=user, kind=ActivityKind.CARD, detail=card)
        rows.filter(by=ActivityBy.STRIPE, happened_at__gte=since).delete()
        _record(user, ActivityKind.CARD, card, request)


def _record(user: User, kind: ActivityKind, card: str, request: HttpRequest | None) -> None:
    just_now = timezone.now() - TWO_CLICKS
    if not _own(user, kind, card).filter(happened_at__gte=just_now).exists():
        activity.record(user, kind, request=request, detail=card)


def _own(user: User, kind: ActivityKind, card: str) -> QuerySet[AccountActivity]:
    return AccountActivity.objects.filter(user=user, kind=kind, by=ActivityBy.MEMBER, detail=card)
