"""The link beside the emailed sign-in code: one click on its page signs in, in any browser.

Our team can send one without a code, which works longer.
A row of the cache stands for a link, under the digest of its token, and expires with the code.
Taking it deletes the row, which only one request can do. Link and code of one email are one key:
whichever is used, the other opens nothing anymore.
"""

from __future__ import annotations

import hashlib
import secrets
import time
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from allauth.account import app_settings
from allauth.account.models import Login
from allauth.account.utils import get_next_redirect_url
from django.contrib.auth.models import User
from django.core.cache import cache
from django.http import HttpRequest, HttpResponse
from django.utils.translation import gettext as _

from common.links import portal_url
from members import places, sign_ins
from members.display import device
from members.signin.allauth_internals import (
    clear_login,
    filter_users_by_email,
    perform_login,
    record_authentication,
    verify_email_indirectly,
)

# In the session that asked for the code: the link that was sent with it.
SESSION_KEY = "sign_in_link"


class LinkRefused(Exception):
    """A link that signs nobody in; the text is for the visitor."""


@dataclass(frozen=True)
class Link:
    """A link that still works: whom it signs in, and who asked for it, or that our team did."""

    key: str
    user: User
    email: str
    target: str
    device: str
    place: str
    asked_at: datetime
    is_from_here: bool
    is_from_team: bool


@dataclass(frozen=True)
class Made:
    """A link that our team sends: where it leads, and its row."""

    url: str
    key: str


def make_for(user: User, works_for: timedelta) -> Made:
    """Make a link for a member that nobody asked for in a browser."""
    token = secrets.token_urlsafe(32)
    made = Made(portal_url("account_login_link", token), _key(token))
    held = {
        "user": user.pk,
        "email": user.email,
        "target": "",
        "agent": "",
        "ip": "",
        "at": time.time(),
        "is_from_team": True,
    }
    cache.set(made.key, held, timeout=works_for.total_seconds())
    return made


def end(made: Made) -> None:
    """End a link that wasn't sent."""
    cache.delete(made.key)


def make(request: HttpRequest, email: str) -> str:
    """Return the address of a new link for the code that's being sent.

    For an address without an account, the same is written, which opens nothing: otherwise the
    response time would reveal who has one.
    """
    user = _user(email)
    token = secrets.token_urlsafe(32)
    key = _key(token)
    held = {
        "user": user.pk if user else None,
        "email": email,
        "target": get_next_redirect_url(request) or "",
        "agent": request.headers.get("User-Agent", "")[:500],
        "ip": sign_ins.client_ip(request),
        "at": time.time(),
    }
    cache.set(key, held, timeout=app_settings.LOGIN_BY_CODE_TIMEOUT)
    request.session[SESSION_KEY] = key
    return portal_url("account_login_link", token)


def find(request: HttpRequest, token: str) -> Link:
    """Return a link that works, and use nothing up.

    Raises:
        LinkRefused: it's expired or used, or the account can't be signed in to.
    """
    key = _key(token)
    held = cache.get(key)
    user = _user(held["email"]) if held else None
    # The address may belong to another account by now.
    if user is None or user.pk != held["user"]:
        raise LinkRefused(_("This link has expired or was already used."))
    return Link(
        key=key,
        user=user,
        email=held["email"],
        target=held["target"],
        device=device(held["agent"]),
        place=places.of(held["ip"]) or held["ip"],
        asked_at=datetime.fromtimestamp(held["at"], UTC),
        is_from_here=request.session.get(SESSION_KEY) == key,
        is_from_team=bool(held.get("is_from_team")),
    )


def sign_in(request: HttpRequest, token: str) -> HttpResponse:
    """Use a link up and sign in, which may lead to the second step.

    Raises:
        LinkRefused: it's expired or used, or the account can't be signed in to.
    """
    link = find(request, token)
    if not cache.delete(link.key):
        raise LinkRefused(_("This link has expired or was already used."))
    cache.set(_used(link.key), True, timeout=app_settings.LOGIN_BY_CODE_TIMEOUT)
    clear_login(request)
    record_authentication(request, link.user, method="code", email=link.email)
    verify_email_indirectly(request, link.user, link.email)
    login = Login(user=link.user, redirect_url=link.target or None, email=link.email)
    response: HttpResponse = perform_login(request, login)
    return response


def is_used(request: HttpRequest) -> bool:
    """Whether the link of the code that waits in this browser has signed someone in."""
    key = str(request.session.get(SESSION_KEY, ""))
    return bool(key) and bool(cache.get(_used(key)))


def drop(request: HttpRequest) -> None:
    """End the link of the code that was just entered in this browser."""
    if key := request.session.pop(SESSION_KEY, None):
        cache.delete(key)


def _user(email: str) -> User | None:
    """Return who signs in with an address, as for the code."""
    users: list[Any] = filter_users_by_email(
        email, is_active=True, prefer_verified=True, for_login=True
    )
    return users[0] if users else None


def _key(token: str) -> str:
    return f"members.signin.link:{hashlib.sha256(token.encode()).hexdigest()}"


def _used(key: str) -> str:
    return f"{key}:used"
