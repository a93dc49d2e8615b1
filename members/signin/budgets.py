"""Whose tries a limit counts: those of a browser that has signed in before, or everybody else's.

The limits are `ACCOUNT_RATE_LIMITS`; for each that a stranger could use up there is one of the same
name and `_on_device`. allauth counts by IP address and by account, so that a stranger's wrong tries
shut out the owner, too, and so do a neighbor's behind the same address.
"""

from __future__ import annotations

from dataclasses import dataclass

from allauth.core import ratelimit
from allauth.core.internal import ratelimit as internal
from django.contrib.auth.models import User
from django.http import HttpRequest

from members.models import Device
from members.signin import devices

APP = "allauth.account"
ON_DEVICE = "_on_device"


@dataclass(frozen=True)
class Budget:
    """A limit of `ACCOUNT_RATE_LIMITS`, and the key that it counts by."""

    action: str
    key: str

    def spend(self, request: HttpRequest) -> internal.RateLimitUsage | None:
        """Count one try, which can be taken back; None: none is left."""
        return internal.consume(request, app=APP, action=self.action, key=self.key)

    def require(self, request: HttpRequest) -> None:
        """Count one try; raises RateLimited where none is left."""
        ratelimit.consume(request, action=self.action, key=self.key, raise_exception=True)


def for_address(request: HttpRequest, action: str, email: str) -> Budget:
    """Return what counts for who wants in, or a code, by an e-mail address."""
    return _choose(action, email.lower(), devices.of_address(request, email))


def for_user(request: HttpRequest, action: str, key: str, user: User | None) -> Budget:
    """Return what counts for a user whom we know already, by their password say."""
    return _choose(action, key, devices.of_user(request, user) if user else None)


def in_session(request: HttpRequest, action: str, user: User) -> Budget:
    """Return what counts for who is signed in: by their device, else by their session."""
    budget = for_user(request, action, user.email.lower(), user)
    if budget.action != action:
        return budget
    return Budget(f"{action}{ON_DEVICE}", f"session:{request.session.session_key}")


def _choose(action: str, key: str, device: Device | None) -> Budget:
    if device is None:
        return Budget(action, key)
    return Budget(f"{action}{ON_DEVICE}", f"device:{device.pk}:{key}")
