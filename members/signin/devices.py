"""Browsers that have signed in before: strangers' tries elsewhere don't block them.

Signing in sets a signed cookie with a random number, and a row says that this browser has signed in
as that user. It opens nothing. It only gives the browser its own limits where tries are counted
(`members.signin.budgets`), so nobody can lock anyone out by guessing; a thief of the cookie gets
those limits and no more. A new password and "sign out everywhere else" invalidate it. This follows
OWASP's "Slow Down Online Guessing Attacks with Device Cookies".
"""

from __future__ import annotations

import time
import uuid
from collections.abc import Mapping
from datetime import timedelta
from typing import Any

from django.conf import settings
from django.contrib.auth.models import User
from django.core.signing import BadSignature, Signer
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.utils import timezone
from django.utils.crypto import constant_time_compare, salted_hmac

from business import rules
from members.models import Device
from members.signin.allauth_internals import filter_users_by_email

COOKIE = "device"
# In a session: which browser signed in with it, and when.
KEY = "signed_in_with"
SALT = "members.devices"


def remember(request: HttpRequest, response: HttpResponse, user: User) -> None:
    """Record that this browser has signed in as a user, and set its cookie."""
    browser = _browser(request) or uuid.uuid4()
    values = {"password": _fingerprint(user), "seen_at": timezone.now()}
    Device.objects.update_or_create(user=user, browser=browser, defaults=values)
    request.session[KEY] = {"browser": browser.hex, "at": time.time()}
    response.set_cookie(
        COOKIE,
        Signer(salt=SALT).sign(browser.hex),
        max_age=rules.devices_kept(),
        path=reverse("account_login").removesuffix("login/"),
        secure=settings.SESSION_COOKIE_SECURE,
        httponly=True,
        samesite="Lax",
    )


def of_user(request: HttpRequest, user: User) -> Device | None:
    """Return this browser's row for a user if it's still valid."""
    browser = _browser(request)
    return _good(Device.objects.filter(user=user, browser=browser).first()) if browser else None


def of_address(request: HttpRequest, email: str) -> Device | None:
    """Return this browser's row for the user who signs in with an email address."""
    browser = _browser(request)
    if browser is None:
        return None
    users = filter_users_by_email(email, prefer_verified=True, for_login=True)
    rows = Device.objects.filter(browser=browser, user__in=users)
    return next((row for row in rows if _good(row)), None)


def renew(request: HttpRequest, user: User) -> None:
    """Keep this browser's row valid after its user set a new password in it."""
    browser = _browser(request)
    if browser:
        rows = Device.objects.filter(user=user, browser=browser)
        rows.update(password=_fingerprint(user))


def carry_over(old: User, user: User) -> None:
    """Keep a user's rows valid after the same password was hashed anew; `old` has that hash."""
    rows = Device.objects.filter(user=user, password=_fingerprint(old))
    rows.update(password=_fingerprint(user))


def forget(user: User, session: Mapping[str, Any]) -> None:
    """Forget the browser that signed in with a session, given what the session holds."""
    browser = session.get(KEY, {}).get("browser")
    if browser:
        Device.objects.filter(user=user, browser=uuid.UUID(browser)).delete()


def forget_others(request: HttpRequest, user: User) -> None:
    """Forget a user's other browsers."""
    rows = Device.objects.filter(user=user)
    browser = _browser(request)
    (rows.exclude(browser=browser) if browser else rows).delete()


def forget_old() -> int:
    """Delete rows that no cookie can refer to anymore; return how many."""
    deleted, _ = _older_than(rules.devices_kept()).delete()
    return deleted


def count_old(kept: timedelta) -> int:
    """Return how many browsers would be forgotten if they were kept this long."""
    return _older_than(kept).count()


def _older_than(kept: timedelta) -> QuerySet[Device]:
    return Device.objects.filter(seen_at__lt=timezone.now() - kept)


def _browser(request: HttpRequest) -> uuid.UUID | None:
    """Return the number in a browser's cookie, or None without one that we signed."""
    try:
        return uuid.UUID(Signer(salt=SALT).unsign(request.COOKIES.get(COOKIE, "")))
    except (BadSignature, ValueError):
        return None


def _good(row: Device | None) -> Device | None:
    """Return a row if it's not too old and its user's password hasn't changed."""
    if row is None or row.seen_at < timezone.now() - rules.devices_kept():
        return None
    return row if constant_time_compare(row.password, _fingerprint(row.user)) else None


def _fingerprint(user: User) -> str:
    """Return a value that changes with a user's password and reveals nothing about it."""
    return salted_hmac(SALT, f"{user.pk}:{user.password}", algorithm="sha256").hexdigest()
