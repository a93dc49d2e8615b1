"""A lasting record of what changed about an account, for its owner to look through."""

from __future__ import annotations

from datetime import datetime, timedelta

from django.conf import settings
from django.contrib.auth.models import User
from django.http import HttpRequest
from django.utils import timezone

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
    """Delete rows older than SIGN_INS_KEPT_DAYS; return how many."""
    oldest = timezone.now() - timedelta(days=settings.SIGN_INS_KEPT_DAYS)
    deleted, _ = AccountActivity.objects.filter(happened_at__lt=oldest).delete()
    return deleted
