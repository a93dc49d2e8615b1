"""Browsers that have signed in before: what strangers try elsewhere does not stop them.

Whoever signs in gets a signed cookie with a number of chance, and a row says that this browser has
signed in as that user. It opens nothing. It only gives the browser budgets of its own where tries
are counted (`members.signin.budgets`), so that nobody can lock anybody out by trying in their
place; a stolen one gives its thief that budget and no more. A new password, and "sign out
everywhere else", make it worthless. After OWASP's "Slow Down Online Guessing Attacks with Device
Cookies".
"""

from __future__ import annotations

import uuid
from datetime import timedelta

from allauth.account.internal.userkit import filter_users_by_email
from django.conf import settings
from django.contrib.auth.models import User
from django.core.signing import BadSignature, Signer
from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.utils import timezone
from django.utils.crypto import constant_time_compare, salted_hmac

from members.models import Device

COOKIE = "device"
SALT = "members.devices"


def remember(request: HttpRequest, response: HttpResponse, user: User) -> None:
    """Write down that this browser has signed in as a user, and give it its cookie."""
    browser = _browser(request) or uuid.uuid4()
    values = {"password": _fingerprint(user), "seen_at": timezone.now()}
    Device.objects.update_or_create(user=user, browser=browser, defaults=values)
    response.set_cookie(
        COOKIE,
        Signer(salt=SALT).sign(browser.hex),
        max_age=_kept_for(),
        path=reverse("account_login").removesuffix("login/"),
        secure=settings.SESSION_COOKIE_SECURE,
        httponly=True,
        samesite="Lax",
    )


def of_user(request: HttpRequest, user: User) -> Device | None:
    """Return this browser's row if it has signed in as a user, and nothing has ended that."""
    browser = _browser(request)
    return _good(Device.objects.filter(user=user, browser=browser).first()) if browser else None


def of_address(request: HttpRequest, email: str) -> Device | None:
    """Return the same of the user whom an e-mail address signs in."""
    browser = _browser(request)
    if browser is None:
        return None
    users = filter_users_by_email(email, prefer_verified=True, for_login=True)
    rows = Device.objects.filter(browser=browser, user__in=users)
    return next((row for row in rows if _good(row)), None)


def renew(request: HttpRequest, user: User) -> None:
    """Keep this browser's row good through the new password that its user has just set in it."""
    browser = _browser(request)
    if browser:
        rows = Device.objects.filter(user=user, browser=browser)
        rows.update(password=_fingerprint(user))


def forget_others(request: HttpRequest, user: User) -> None:
    """Forget a user's other browsers."""
    rows = Device.objects.filter(user=user)
    browser = _browser(request)
    (rows.exclude(browser=browser) if browser else rows).delete()


def forget_old() -> int:
    """Delete what no cookie leads to anymore; return how many rows that were."""
    oldest = timezone.now() - timedelta(seconds=_kept_for())
    deleted, _ = Device.objects.filter(seen_at__lt=oldest).delete()
    return deleted


def _browser(request: HttpRequest) -> uuid.UUID | None:
    """Return the number that a browser's cookie holds; None without one that we have signed."""
    try:
        return uuid.UUID(Signer(salt=SALT).unsign(request.COOKIES.get(COOKIE, "")))
    except (BadSignature, ValueError):
        return None


def _good(row: Device | None) -> Device | None:
    """Return a row if its user still has the password of then, and it is not too old."""
    if row is None or row.seen_at < timezone.now() - timedelta(seconds=_kept_for()):
        return None
    return row if constant_time_compare(row.password, _fingerprint(row.user)) else None


def _fingerprint(user: User) -> str:
    """Return what tells one password of a user from the next, and nothing about either."""
    return salted_hmac(SALT, f"{user.pk}:{user.password}", algorithm="sha256").hexdigest()


def _kept_for() -> int:
    """Return for how many seconds a browser is remembered after it was signed in with."""
    days: int = settings.DEVICES_KEPT_DAYS
    return days * 24 * 60 * 60
