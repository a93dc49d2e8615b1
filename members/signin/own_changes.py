"""Changes that people make to their own sign-in are recorded; staff's are announced to owners.

Anyone who can read a colleague's mail can get a new password, or a sign-in, with an emailed code.
So a new way in that took nothing else counts as made by someone else. allauth notifies the person.
"""

from __future__ import annotations

from typing import Any

from allauth.account.authentication import get_authentication_records
from allauth.account.models import EmailAddress
from allauth.account.signals import email_changed
from allauth.mfa.signals import authenticator_reset
from django.contrib.auth.models import User
from django.dispatch import receiver
from django.http import HttpRequest

from members import access_changes, activity
from members.models import AccessOrigin, ActivityKind
from members.signin import mfa, password_links

# Proofs in a session besides reading mail, by allauth's names and ours.
PROOFS = frozenset({"password", "mfa", "sign_up"})
LINKED = "account_reset_password_from_key"
CHANGED = "account_change_password"


def password_set(request: HttpRequest, user: User) -> None:
    """Record that a new password was set; call it in that transaction."""
    activity.record(user, ActivityKind.PASSWORD, request=request)
    view = request.resolver_match.view_name if request.resolver_match else ""
    if view == LINKED:
        password_links.used(user)
        return
    # The change form asks for the old one.
    is_proven = view == CHANGED or is_proven_by_more_than_mail(request, user)
    _record(user, "Set a new password.", is_proven=is_proven)


def second_step_added(user: User, what: str, *, is_proven: bool) -> None:
    """Record a new app or passkey; `is_proven`: whether the session proved more than a code."""
    _record(user, f"Added {what}.", is_proven=is_proven)


def second_step_removed(user: User, what: str) -> None:
    """Record that someone removed their app or a passkey, which takes one of them."""
    left = "" if mfa.is_set_up(user) else " It was the last second step."
    _record(user, f"Removed {what}.{left}", is_proven=True)


def way_in_removed(user: User, what: str) -> None:
    """Record that someone disconnected an account elsewhere that signed them in."""
    _record(user, f"Removed {what}.", is_proven=True)


def is_proven_by_more_than_mail(request: HttpRequest, user: User) -> bool:
    """Whether this session proves more than access to the mailbox."""
    records = get_authentication_records(request, user) if request.user == user else []
    return mfa.is_set_up(user) or any(one.get("method") in PROOFS for one in records)


@receiver(authenticator_reset)
def codes_made_anew(request: HttpRequest, user: User, **_rest: Any) -> None:
    """Record that someone made new recovery codes."""
    activity.record(user, ActivityKind.CODES_MADE, request=request)
    is_proven = is_proven_by_more_than_mail(request, user)
    _record(user, "Made new recovery codes.", is_proven=is_proven)


@receiver(email_changed)
def address_changed(
    request: HttpRequest, user: User, from_email_address: EmailAddress | None, **_rest: Any
) -> None:
    """Record that someone now signs in with another address, already set on their account."""
    if from_email_address:
        # At sign-up there's none: the first address is no change.
        activity.record(user, ActivityKind.EMAIL, request=request)
    is_proven = is_proven_by_more_than_mail(request, user)
    _record(user, "Changed the email address.", is_proven=is_proven)


def _record(user: User, what: str, *, is_proven: bool) -> None:
    if not (user.is_staff or user.is_superuser):
        return
    if is_proven:
        access_changes.record(user, user, what, tells_person=False)
    else:
        way = AccessOrigin.MAILBOX
        access_changes.record(user, None, what, origin=way, tells_person=False)
