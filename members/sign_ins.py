"""A lasting record of who signed in: sessions end, disputes come months later."""

from __future__ import annotations

import time
from datetime import timedelta

from allauth.account import app_settings
from allauth.account.adapter import get_adapter
from allauth.account.authentication import get_authentication_records
from django.conf import settings
from django.contrib.auth.models import User
from django.http import HttpRequest
from django.utils import timezone

from members.models import SignIn

# allauth's names of the ways to sign in.
METHODS = {
    "password": "password",
    "code": "code by e-mail",
    "email_verification": "code by e-mail",
    "password_reset": "new password by e-mailed code",
    "mfa": "second step",
    "passkey": "passkey",
}


def record(request: HttpRequest, user: User, *, is_sign_up: bool) -> SignIn:
    """Write down that a user has just signed in, from where and how."""
    return SignIn.objects.create(
        user=user,
        ip=client_ip(request),
        user_agent=request.headers.get("User-Agent", "").replace("\x00", "")[:500],
        method="sign-up" if is_sign_up else _method(request, user),
    )


def client_ip(request: HttpRequest) -> str:
    """Return the address that a request came from, behind the proxies that we trust."""
    return str(get_adapter().get_client_ip(request))


def forget_old() -> int:
    """Delete what is older than SIGN_INS_KEPT_DAYS; return how many rows that were."""
    oldest = timezone.now() - timedelta(days=settings.SIGN_INS_KEPT_DAYS)
    deleted, _ = SignIn.objects.filter(happened_at__lt=oldest).delete()
    return deleted


def is_fresh(request: HttpRequest) -> bool:
    """Whether somebody signed in, or confirmed that it is them, as lately as allauth asks for."""
    found = get_authentication_records(request, request.user)
    return bool(found) and time.time() - found[-1]["at"] < app_settings.REAUTHENTICATION_TIMEOUT


def _method(request: HttpRequest, user: User) -> str:
    """Return how this session was signed in to: "password, second step"."""
    names = [str(one.get("method", "")) for one in get_authentication_records(request, user)]
    words = dict.fromkeys(METHODS.get(name, name.replace("_", " ")) for name in names if name)
    return ", ".join(words)[:100]
