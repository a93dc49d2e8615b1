"""Where someone is signed in: the list of their sessions, when each was last used, and its end.

allauth keeps a row for each session. It would write that row with every page; here a process writes
it at most every ten minutes. It would also ask for each session by itself whether it's still there.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from allauth.core import context
from allauth.usersessions.adapter import DefaultUserSessionsAdapter
from allauth.usersessions.models import UserSession
from django.contrib.auth import HASH_SESSION_KEY, SESSION_KEY
from django.contrib.auth.models import User
from django.contrib.sessions.models import Session
from django.http import HttpRequest, HttpResponseBase
from django.utils import timezone
from django.utils.crypto import constant_time_compare

from members import places, sign_ins
from members.access import current_user
from members.display import device
from members.models import Device
from members.signin import devices
from members.signin.session_store import SessionStore

GetResponse = Callable[[HttpRequest], HttpResponseBase]
# How exactly "last used" is kept.
EVERY = timedelta(minutes=10)
# How many sessions a process remembers having written.
REMEMBERED = 10_000


@dataclass(frozen=True)
class SignedIn:
    """One place where someone is signed in."""

    pk: int
    device: str
    agent: str
    place: str
    ip: str
    signed_in_at: datetime
    used_at: datetime
    is_current: bool


def of_user(request: HttpRequest, user: User) -> list[SignedIn]:
    """Return a user's live sessions: this one first, then the latest used."""
    rows = _live(user)
    here = request.session.session_key
    found = [_signed_in(row, is_current=row.session_key == here) for row in rows]
    return sorted(found, key=lambda one: (one.is_current, one.used_at), reverse=True)


def end(user: User, pk: int) -> bool:
    """End one of a user's sessions, and forget its browser; return whether there was one."""
    row = UserSession.objects.filter(user=user, pk=pk).first()
    if row is None:
        return False
    stored = Session.objects.filter(session_key=row.session_key).first()
    devices.forget(user, stored.get_decoded() if stored else {})
    row.end()
    return True


def end_others(request: HttpRequest, user: User) -> None:
    """End all sessions of a user but this one, and forget the other browsers."""
    for row in UserSession.objects.filter(user=user).exclude(
        session_key=request.session.session_key
    ):
        row.end()
    devices.forget_others(request, user)


def count(user: User) -> int:
    """Return how many sessions sign a user in now."""
    return len(_live(user))


def end_all(user: User) -> None:
    """End all sessions of a user whose access was taken away, and forget their browsers."""
    for row in UserSession.objects.filter(user=user):
        row.end()
    Device.objects.filter(user=user).delete()


def carry_over(request: HttpRequest | None, user: User, before: str) -> None:
    """Keep a user signed in everywhere after the same password was hashed anew.

    Sessions and known browsers hold what's derived from the hash; `before` is the old one.
    """
    old = User(pk=user.pk, password=before)
    rows = UserSession.objects.filter(user=user).values("session_key")
    for stored in Session.objects.filter(session_key__in=rows):
        if _signs_in(stored, old):
            data = {**stored.get_decoded(), HASH_SESSION_KEY: user.get_session_auth_hash()}
            stored.session_data = SessionStore().encode(data)
            stored.save(update_fields=["session_data"])
    devices.carry_over(old, user)
    # This request's own session is in memory, and may be written after this.
    if request and request.session.get(SESSION_KEY) == str(user.pk):
        request.session[HASH_SESSION_KEY] = user.get_session_auth_hash()


def is_here(request: HttpRequest, user: User, pk: int) -> bool:
    """Whether this is the session that the request came with."""
    here = UserSession.objects.filter(user=user, session_key=request.session.session_key)
    return bool(here.filter(pk=pk).exists())


class UserSessionsAdapter(DefaultUserSessionsAdapter):  # type: ignore[misc]  # untyped
    """allauth's adapter for the sessions page."""

    def end_sessions(self, sessions: Sequence[UserSession]) -> None:
        """End a user's other sessions, and forget their browsers."""
        super().end_sessions(sessions)
        devices.forget_others(context.request, current_user(context.request))


class LastUseMiddleware:
    """Notes when a session was last used, and from where."""

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response
        self._written: dict[str, float] = {}

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        # Signing in notes the browser: without that, nobody has signed in with this session.
        if devices.KEY in request.session and request.user.is_authenticated:
            self._note(request, str(request.session.session_key))
        return self.get_response(request)

    def _note(self, request: HttpRequest, key: str) -> None:
        now = time.time()
        last = self._written.get(key)
        if last is not None and now < last + EVERY.total_seconds():
            return
        if len(self._written) >= REMEMBERED:
            self._written.clear()
        self._written[key] = now
        if last is None and _signed_in_lately(request):
            return
        ip = sign_ins.client_ip(request)
        old = UserSession.objects.filter(session_key=key, last_seen_at__lt=timezone.now() - EVERY)
        old.update(last_seen_at=timezone.now(), ip=ip)


def _signed_in_lately(request: HttpRequest) -> bool:
    """Whether the sign-in itself has just written the row."""
    at = request.session.get(devices.KEY, {}).get("at", 0)
    return bool(at > time.time() - EVERY.total_seconds())


def _live(user: User) -> list[UserSession]:
    """Return the rows of a user's sessions that still sign them in."""
    rows = list(UserSession.objects.filter(user=user))
    stored = Session.objects.filter(
        session_key__in=[row.session_key for row in rows], expire_date__gt=timezone.now()
    )
    good = {one.session_key for one in stored if _signs_in(one, user)}
    return [row for row in rows if row.session_key in good]


def _signs_in(stored: Session, user: User) -> bool:
    """Whether a session was made with the user's current password, as Django checks it."""
    found = str(stored.get_decoded().get(HASH_SESSION_KEY, ""))
    hashes = [user.get_session_auth_hash(), *user.get_session_auth_fallback_hash()]
    return any(constant_time_compare(found, one) for one in hashes)


def _signed_in(row: UserSession, *, is_current: bool) -> SignedIn:
    return SignedIn(
        pk=row.pk,
        device=device(row.user_agent),
        agent=row.user_agent,
        place=places.of(row.ip),
        ip=row.ip,
        signed_in_at=row.created_at,
        used_at=timezone.now() if is_current else row.last_seen_at,
        is_current=is_current,
    )
