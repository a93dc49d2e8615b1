"""Whose tries a limit counts: a known browser's, or everyone else's.

The limits are `ACCOUNT_RATE_LIMITS`; each one that a stranger could use up has a twin with the
suffix `_on_device`. allauth counts by IP address and account, so a stranger's wrong tries lock out
the owner too, and so do those of a neighbor behind the same address.
"""

from __future__ import annotations

from dataclasses import dataclass

from allauth.core import ratelimit
from django.contrib.auth.models import User
from django.http import HttpRequest

from members.models import Device
from members.signin import devices
from members.signin.allauth_internals import ratelimit as internal

APP = "allauth.account"
ON_DEVICE = "_on_device"


@dataclass(frozen=True)
class Budget:
    """A limit from `ACCOUNT_RATE_LIMITS`, and the key that it counts by."""

    action: str
    key: str

    def spend(self, request: HttpRequest) -> internal.RateLimitUsage | None:
        """Count one try, which can be undone; return None if none is left."""
        return internal.consume(request, app=APP, action=self.action, key=self.key)

    def require(self, request: HttpRequest) -> None:
        """Count one try. Raises RateLimited if none is left."""
        ratelimit.consume(request, action=self.action, key=self.key, raise_exception=True)


def for_address(request: HttpRequest, action: str, email: str) -> Budget:
    """Return the budget for signing in, or requesting a code, with an email address."""
    return _choose(action, email.lower(), devices.of_address(request, email))


def for_user(request: HttpRequest, action: str, key: str, user: User | None) -> Budget:
    """Return the budget for a user we already know, for example by their password."""
    return _choose(action, key, devices.of_user(request, user) if user else None)


def in_session(request: HttpRequest, action: str, user: User) -> Budget:
    """Return the budget of a signed-in user: by device, or else by session."""
    budget = for_user(request, action, user.email.lower(), user)
    if budget.action != action:
        return budget
    return Budget(f"{action}{ON_DEVICE}", f"session:{request.session.session_key}")


def _choose(action: str, key: str, device: Device | None) -> Budget:
    if device is None:
        return Budget(action, key)
    return Budget(f"{action}{ON_DEVICE}", f"device:{device.pk}:{key}")
