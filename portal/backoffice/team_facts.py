"""Who's on the team: the page's one reader."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from allauth.mfa.models import Authenticator
from allauth.usersessions.models import UserSession
from django.contrib.auth.models import User
from django.contrib.sessions.models import Session
from django.db.models import Max, Min, Q
from django.utils import timezone

from members.access_changes import HOLD
from members.models import AccessChange, Device, SignIn
from members.signin import mfa
from portal.models import InvitationState, StaffInvitation


@dataclass(frozen=True)
class Colleague:
    """Somebody on the team. `since`: their first change of access; "" in `steps` if none."""

    user: User
    roles: tuple[str, ...]
    is_superuser: bool
    signed_in_at: datetime | None
    steps: frozenset[str]
    sessions: int
    devices: int
    since: datetime
    held_until: datetime | None


@dataclass(frozen=True)
class Team:
    """Everyone on the team, and who is invited to it."""

    people: tuple[Colleague, ...]
    invited: tuple[StaffInvitation, ...]


def read() -> Team:
    """Read the team in eight statements, however many they are."""
    users = list(
        User.objects.filter(Q(is_staff=True) | Q(is_superuser=True), is_active=True)
        .prefetch_related("groups")
        .order_by("first_name", "last_name", "pk")
    )
    rows = {"user__in": users}
    last = _by_user(SignIn.objects.filter(**rows).values("user").annotate(value=Max("happened_at")))
    since = _by_user(
        AccessChange.objects.filter(**rows).values("user").annotate(value=Min("happened_at"))
    )
    held = _by_user(
        AccessChange.objects.filter(**rows, holds=True, happened_at__gt=timezone.now() - HOLD)
        .values("user")
        .annotate(value=Max("happened_at"))
    )
    steps: dict[int, set[str]] = defaultdict(set)
    found = Authenticator.objects.filter(**rows, type__in=mfa.STEPS)
    for user_id, kind in found.values_list("user_id", "type"):
        steps[user_id].add(str(kind))
    live = Session.objects.filter(expire_date__gt=timezone.now()).values("session_key")
    sessions = Counter(
        UserSession.objects.filter(**rows, session_key__in=live).values_list("user_id", flat=True)
    )
    devices = Counter(Device.objects.filter(**rows).values_list("user_id", flat=True))
    people = [
        Colleague(
            user=user,
            roles=tuple(group.name for group in user.groups.all()),
            is_superuser=user.is_superuser,
            signed_in_at=last.get(user.pk, user.last_login),
            steps=frozenset(steps[user.pk]),
            sessions=sessions[user.pk],
            devices=devices[user.pk],
            since=since.get(user.pk, user.date_joined),
            held_until=held[user.pk] + HOLD if user.pk in held else None,
        )
        for user in users
    ]
    waiting = StaffInvitation.objects.filter(state=InvitationState.WAITING)
    return Team(tuple(people), tuple(waiting.select_related("role__group", "invited_by")))


def _by_user(rows: Iterable[Any]) -> dict[int, datetime]:
    return {row["user"]: row["value"] for row in rows}
