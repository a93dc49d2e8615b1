"""Messages about signing in: allauth says what happened, the outbox sends it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from django.conf import settings
from django.contrib.auth.models import User
from django.urls import reverse
from django.utils import timezone

from emails.catalogue import Kind
from emails.models import Channel
from emails.outbox import put_account


@dataclass(frozen=True)
class Change:
    """What changed about an account, in words."""

    headline: str
    sentence: str


# allauth's names of its templates, without their common folder.
CODES = {
    "email_confirmation": Kind.ADDRESS_CODE,
    "email_confirmation_signup": Kind.ADDRESS_CODE,
    "login_code": Kind.LOGIN_CODE,
    "password_reset_code": Kind.PASSWORD_CODE,
}
LINKS = {
    "account_already_exists": (Kind.ACCOUNT_EXISTS, "account_login"),
    "unknown_account": (Kind.UNKNOWN_ACCOUNT, "account_signup"),
}
CHANGES = {
    "email_changed": Change(
        "Your e-mail address was changed", "The e-mail address of your account was changed."
    ),
    "email_confirm": Change(
        "Your e-mail address was confirmed", "This address now belongs to your account."
    ),
    "email_deleted": Change(
        "An e-mail address was removed", "An e-mail address was removed from your account."
    ),
    "password_changed": Change(
        "Your password was changed", "The password of your account was changed."
    ),
    "password_reset": Change(
        "Your password was replaced", "A new password was set for your account, by e-mailed code."
    ),
    "password_set": Change("Your password was set", "A password was set for your account."),
}


def send_account_mail(template_prefix: str, email: str, context: Mapping[str, Any]) -> None:
    """Put the e-mail into the outbox that allauth names by its template's prefix.

    Raises:
        KeyError: allauth sends something that we have no words for.
    """
    name = template_prefix.rpartition("/")[2]
    if name in CODES:
        _put(CODES[name], email, {"code": str(context["code"])}, context)
    elif name in LINKS:
        kind, page = LINKS[name]
        _put(kind, email, {"url": _address(page)}, context)
    else:
        _put(Kind.ACCOUNT_CHANGED, email, _change(CHANGES[name], context), context)


def send_phone_code(user: User | None, phone: str, code: str) -> None:
    """Put a text message with a code into the outbox."""
    put_account(Kind.PHONE_CODE, Channel.SMS, phone, {"code": code}, user)


def _put(kind: Kind, email: str, values: Mapping[str, str], context: Mapping[str, Any]) -> None:
    user = context.get("user")
    known = user if isinstance(user, User) and user.pk else None
    put_account(kind, Channel.EMAIL, email, values, known)


def _change(change: Change, context: Mapping[str, Any]) -> dict[str, str]:
    return {
        "headline": change.headline,
        "sentence": change.sentence,
        "at": timezone.now().isoformat(),
        "ip": str(context.get("ip") or ""),
        "url": _address("members:account"),
    }


def _address(name: str) -> str:
    return f"{settings.PORTAL_URL}{reverse(name)}"
