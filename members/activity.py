"""A lasting record of what changed about an account, for its owner to look through."""

from __future__ import annotations

from datetime import datetime, timedelta

from django.contrib.auth.models import User
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils import timezone

from business import rules
from members import sign_ins
from members.models import AccountActivity, ActivityBy, ActivityKind


def record(
    user: User,
    kind: ActivityKind,
    *,
    request: HttpRequest | None = None,
    by: ActivityBy | str = ActivityBy.MEMBER,
    detail: str = "",
    at: datetime | None = None,
) -> None:
    """Record a change; call it in its transaction. With a request, also where it came from."""
    agent = request.headers.get("User-Agent", "") if request else ""
    AccountActivity.objects.create(
        user=user,
        kind=kind,
        by=by,
        detail=detail[:200],
        ip=sign_ins.client_ip(request) if request else None,
        user_agent=agent.replace("\x00", "")[:500],
        happened_at=at or timezone.now(),
    )


def forget_old() -> int:
    """Delete rows that are old enough; return how many."""
    deleted, _ = _older_than(rules.sign_ins_kept()).delete()
    return deleted


def count_old(kept: timedelta) -> int:
    """Return how many rows would be deleted if they were kept this long."""
    return _older_than(kept).count()


def _older_than(kept: timedelta) -> QuerySet[AccountActivity]:
    return AccountActivity.objects.filter(happened_at__lt=timezone.now() - kept)
