"""A lasting record of who signed in: sessions end, disputes come months later."""

from __future__ import annotations

from datetime import timedelta

from allauth.account.adapter import get_adapter
from allauth.account.authentication import get_authentication_records
from django.contrib.auth.models import User
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils import timezone

from business import rules
from members.models import SignIn

# allauth's names for the sign-in methods.
METHODS = {
    "password": "password",
    "code": "code by email",
    "email_verification": "code by email",
    "password_reset": "new password by emailed code",
    "mfa": "second step",
    "passkey": "passkey",
    "google": "Google",
    "apple": "Apple",
}

PASSKEY = "webauthn"  # allauth's name for the type of a second step


def record(request: HttpRequest, user: User, *, is_sign_up: bool) -> SignIn:
    """Record that a user has just signed in, from where, and how."""
    return SignIn.objects.create(
        user=user,
        ip=client_ip(request),
        user_agent=request.headers.get("User-Agent", "").replace("\x00", "")[:500],
        method="sign-up" if is_sign_up else _method(request, user),
    )


def client_ip(request: HttpRequest) -> str:
    """Return the address that a request came from, seen through trusted proxies."""
    return str(get_adapter().get_client_ip(request))


def forget_old() -> int:
    """Delete rows that are old enough; return how many."""
    deleted, _ = _older_than(rules.sign_ins_kept()).delete()
    return deleted


def count_old(kept: timedelta) -> int:
    """Return how many rows would be deleted if they were kept this long."""
    return _older_than(kept).count()


def _older_than(kept: timedelta) -> QuerySet[SignIn]:
    return SignIn.objects.filter(happened_at__lt=timezone.now() - kept)


def _method(request: HttpRequest, user: User) -> str:
    """Return how this session signed in: "password, second step"."""
    records = get_authentication_records(request, user)
    names = [
        "passkey"
        if one.get("type") == PASSKEY
        else str(one.get("provider") or one.get("method", ""))
        for one in records
    ]
    words = dict.fromkeys(METHODS.get(name, name.replace("_", " ")) for name in names if name)
    return ", ".join(words)[:100]
