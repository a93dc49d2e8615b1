"""Signing in with Google or Apple: what's offered, which account it joins, and what's connected.

An answer joins an existing account by itself only if both sides know the address's owner: the
provider runs the mailbox, and our account's address is verified. Otherwise the member signs in
first, in the same browser, and it's connected then. Staff always sign in first.
"""

from __future__ import annotations

import time
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from allauth.account.adapter import get_adapter as get_account_adapter
from allauth.account.models import EmailAddress
from allauth.socialaccount.models import SocialAccount, SocialApp, SocialLogin
from allauth.socialaccount.signals import social_account_added, social_account_removed
from django.conf import settings
from django.contrib import messages
from django.contrib.auth.models import User
from django.db import transaction
from django.dispatch import receiver
from django.http import HttpRequest
from django.utils.translation import gettext as _

from common import addresses
from members import activity, mailboxes
from members.models import ActivityKind
from members.signin import own_changes, passkeys
from members.signin.social_providers import is_relay

NAMES = {"google": "Google", "apple": "Apple"}
# In a signed-out session: what's connected once its owner has signed in.
SESSION_KEY = "sign_in_with"
WAITS_FOR = 15 * 60


class LastWayInError(Exception):
    """Without this connection, its owner couldn't sign in anymore. The text is for them."""


@dataclass(frozen=True)
class Connection:
    """An account at a provider that signs a member in."""

    pk: int
    provider: str
    name: str
    email: str
    added_at: datetime
    used_at: datetime


def offered() -> dict[str, str]:
    """Return the providers that the owner has set up, by allauth's names for them."""
    return {key: name for key, name in NAMES.items() if key in settings.SIGN_IN_WITH}


def apps() -> list[SocialApp]:
    """Return what allauth needs to know of us at each provider, from the settings alone."""
    return [_app(key, settings.SIGN_IN_WITH[key]) for key in offered()]


def _app(provider: str, registered: dict[str, str]) -> SocialApp:
    return SocialApp(
        provider=provider,
        name=NAMES[provider],
        client_id=registered["client_id"],
        secret=registered["secret"],
        key=registered.get("team", ""),
        settings={"certificate_key": registered.get("private_key", "")},
    )


def owner_of(login: SocialLogin) -> User | None:
    """Return whose account an answer joins by itself, or None."""
    for address in login.email_addresses:
        users = mailboxes.users_of(address.email) if address.verified else []
        for user in users:
            if user.is_active and not (user.is_staff or user.is_superuser) and _is_verified(user):
                return user
    return None


def _is_verified(user: User) -> bool:
    rows = EmailAddress.objects.filter(user=user, email__iexact=user.email, verified=True)
    return bool(rows.exists())


def connect_later(request: HttpRequest, login: SocialLogin) -> None:
    """Keep an answer in this browser until the address's owner has signed in here."""
    request.session[SESSION_KEY] = {"login": login.serialize(), "at": time.time()}


def connect_now(request: HttpRequest, user: User) -> None:
    """Connect what has waited for this user to sign in, if the address is theirs."""
    waiting = request.session.pop(SESSION_KEY, None)
    if not waiting or waiting["at"] < time.time() - WAITS_FOR:
        return
    login = SocialLogin.deserialize(waiting["login"])
    emails = [addresses.canonical(one.email) for one in login.email_addresses]
    if addresses.canonical(user.email) not in emails or _is_connected(login.account):
        return
    login.connect(request, user)
    said = _("{provider} is connected. You can use it the next time you sign in.")
    messages.success(request, said.format(provider=NAMES[login.account.provider]))


def _is_connected(account: SocialAccount) -> bool:
    same = SocialAccount.objects.filter(provider=account.provider, uid=account.uid)
    return bool(same.exists())


def connections(user: User) -> list[Connection]:
    """Return what's connected with a user's account, oldest first."""
    rows = SocialAccount.objects.filter(user=user, provider__in=offered()).order_by("pk")
    return [_connection(row) for row in rows]


def _connection(row: SocialAccount) -> Connection:
    return Connection(
        pk=row.pk,
        provider=row.provider,
        name=NAMES[row.provider],
        email=str(row.extra_data.get("email", "")),
        added_at=row.date_joined,
        used_at=row.last_login,
    )


@transaction.atomic
def disconnect(request: HttpRequest, user: User, pk: int) -> str | None:
    """Remove a connection; return its provider's name, or None if it isn't there.

    Raises:
        LastWayInError: its owner couldn't sign in anymore.
    """
    User.objects.select_for_update().get(pk=user.pk)
    row = SocialAccount.objects.filter(user=user, pk=pk).first()
    if row is None:
        return None
    name: str = NAMES.get(row.provider, row.provider)
    if not _has_other_way_in(user, row):
        words = _("{provider} is your only way to sign in. Set a password or add a passkey first.")
        raise LastWayInError(words.format(provider=name))
    row.delete()
    social_account_removed.send(SocialAccount, request=request, socialaccount=row)
    return name


def _has_other_way_in(user: User, row: SocialAccount) -> bool:
    """Whether a user can sign in without a connection.

    Everyone can with an emailed code; but Apple stops forwarding to a hidden address once someone
    stops using Apple here.
    """
    if user.has_usable_password() or passkeys.exist_for(user):
        return True
    if SocialAccount.objects.filter(user=user, provider__in=offered()).exclude(pk=row.pk).exists():
        return True
    return _is_verified(user) and not is_relay(user.email)


@receiver(social_account_added)
def connected(request: HttpRequest, sociallogin: SocialLogin, **_rest: Any) -> None:
    """Record a new way in."""
    user, name = sociallogin.user, NAMES[sociallogin.account.provider]
    activity.record(user, ActivityKind.CONNECTED, request=request, detail=name)
    is_proven = own_changes.is_proven_by_more_than_mail(request, user)
    own_changes.second_step_added(user, f"{name} as a way to sign in", is_proven=is_proven)


@receiver(social_account_removed)
def disconnected(request: HttpRequest, socialaccount: SocialAccount, **_rest: Any) -> None:
    """Record that a way in is gone."""
    name = NAMES.get(socialaccount.provider, socialaccount.provider)
    mail, user = "socialaccount/email/account_disconnected", socialaccount.user
    get_account_adapter().send_notification_mail(mail, user, {"provider": name})
    activity.record(user, ActivityKind.DISCONNECTED, request=request, detail=name)
    own_changes.way_in_removed(user, f"{name} as a way to sign in")
