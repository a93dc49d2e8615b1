"""Messages about signing in: allauth says what happened, and the outbox sends it."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import nullcontext
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from allauth.account import app_settings
from allauth.account.models import EmailAddress
from django.contrib.auth.models import User
from django.utils import timezone
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from common import addresses
from common.links import portal_url
from emails.models import Channel
from emails.outbox import put_account
from members import languages
from members.contexts import (
    AccountChanged,
    AccountExists,
    AddressCode,
    LoginCode,
    PasswordCode,
    PhoneCode,
    UnknownAccount,
    WithCode,
)
from members.display import device


class NoWordsForAccountMail(LookupError):
    """allauth sends an email that this module has no entry for."""


@dataclass(frozen=True)
class Code:
    """A code by email or text, and the name of allauth's setting for its lifetime in seconds."""

    context: type[WithCode]
    timeout: str


@dataclass(frozen=True)
class Change:
    """What changed about an account, in words. `sentence` may use allauth's context."""

    headline: Promise
    sentence: Promise


# The keys are allauth's template names, without their common folders.
CODES = {
    "email_confirmation": Code(AddressCode, "EMAIL_VERIFICATION_BY_CODE_TIMEOUT"),
    "email_confirmation_signup": Code(AddressCode, "EMAIL_VERIFICATION_BY_CODE_TIMEOUT"),
    "login_code": Code(LoginCode, "LOGIN_BY_CODE_TIMEOUT"),
    "password_reset_code": Code(PasswordCode, "PASSWORD_RESET_BY_CODE_TIMEOUT"),
}
PHONE = Code(PhoneCode, "PHONE_VERIFICATION_TIMEOUT")
LINKS: dict[str, tuple[type[AccountExists | UnknownAccount], str]] = {
    "account_already_exists": (AccountExists, "account_login"),
    "unknown_account": (UnknownAccount, "account_signup"),
}
CHANGES = {
    "email_changed": Change(
        _("Your email address was changed"),
        _("Your account now uses {to_email} instead of {from_email}."),
    ),
    "email_confirm": Change(
        _("Your email address was confirmed"), _("This address now belongs to your account.")
    ),
    "email_deleted": Change(
        _("An email address was removed"), _("{deleted_email} was removed from your account.")
    ),
    "password_changed": Change(
        _("Your password was changed"), _("Your account has a new password.")
    ),
    "password_reset": Change(
        _("Your password was reset"), _("A new password was set with a code that we emailed.")
    ),
    "password_set": Change(_("A password was set"), _("Your account now has a password.")),
    "recovery_codes_generated": Change(
        _("You have new recovery codes"), _("Your old recovery codes no longer work.")
    ),
    "totp_activated": Change(
        _("Two-step sign-in is on"), _("An authenticator app was added to your account.")
    ),
    "recovery_code_used": Change(
        _("A recovery code was used"),
        _("Someone used one of your recovery codes as the second step. {left}"),
    ),
    "totp_deactivated": Change(
        _("Two-step sign-in is off"), _("The authenticator app was removed from your account.")
    ),
    # Our own pages name the passkey; these are for whatever else of allauth's adds or removes one.
    "webauthn_added": Change(_("A passkey was added"), _("A passkey was added to your account.")),
    "webauthn_removed": Change(
        _("A passkey was removed"), _("A passkey was removed from your account.")
    ),
    "account_connected": Change(
        _("A sign-in account was connected"),
        _("You can now sign in to your account with {provider}."),
    ),
    "account_disconnected": Change(
        _("A sign-in account was removed"),
        _("{provider} can’t sign in to your account anymore."),
    ),
    # An app beside a passkey: the second step was there before, or stays.
    "app_added": Change(
        _("An authenticator app was added"), _("An authenticator app was added to your account.")
    ),
    "app_removed": Change(
        _("The authenticator app was removed"),
        _(
            "The authenticator app was removed from your account. We’ll still ask for your passkey "
            "when you sign in."
        ),
    ),
    "second_step_removed": Change(
        _("Two-step sign-in is off"),
        _("Your authenticator app, passkeys, and recovery codes were removed from your account."),
    ),
}


def send_account_mail(template_prefix: str, email: str, context: Mapping[str, Any]) -> None:
    """Put the email that allauth names by its template's prefix into the outbox.

    Raises:
        NoWordsForAccountMail: allauth sends something that isn't listed here.
    """
    name = template_prefix.rpartition("/")[2]
    user = _owner(email, context)
    if name in CODES:
        code = CODES[name]
        link = {"url": str(context["url"])} if context.get("url") else {}
        _put_code(code, Channel.EMAIL, email, str(context["code"]), user, **link)
    elif name in LINKS:
        message, page = LINKS[name]
        put_account(Channel.EMAIL, email, message(url=portal_url(page)), user)
    elif name in CHANGES:
        with languages.of(user) if user else nullcontext():
            words = _words(CHANGES[name], context)
        put_account(Channel.EMAIL, email, words, user)
    else:
        raise NoWordsForAccountMail(f"members.signin.mails has no words for {template_prefix}.")


def send_phone_code(user: User | None, phone: str, code: str) -> None:
    """Put a text message with a code into the outbox."""
    _put_code(PHONE, Channel.SMS, phone, code, user)


def _put_code(
    kind: Code, channel: Channel, recipient: str, code: str, user: User | None, **link: str
) -> None:
    good_for = timedelta(seconds=getattr(app_settings, kind.timeout))
    minutes = int(good_for.total_seconds() // 60)
    words = kind.context(code=code, minutes=minutes, **link)
    put_account(channel, recipient, words, user, good_for)


def _owner(email: str, context: Mapping[str, Any]) -> User | None:
    """Return the user that a mail is about: allauth names them only sometimes."""
    user = context.get("user")
    if isinstance(user, User) and user.pk:
        return user
    # A mail to the old address is about the owner of the new one.
    address = context.get("to_email") or email
    rows = EmailAddress.objects.filter(email__iexact=addresses.canonical(address)).select_related(
        "user"
    )
    known = rows.order_by("-verified", "pk").first()
    return known.user if known else None


def _words(change: Change, context: Mapping[str, Any]) -> AccountChanged:
    at = context.get("timestamp")
    agent = str(context.get("user_agent") or "")
    return AccountChanged(
        headline=str(change.headline),
        sentence=str(change.sentence).format_map(_readable(context)),
        at=at if isinstance(at, datetime) else timezone.now(),
        device=device(agent),
        ip=str(context.get("ip") or ""),
        url=portal_url("members:account"),
    )


def _readable(context: Mapping[str, Any]) -> dict[str, Any]:
    """Return the context of a sentence, with addresses as people write them."""
    emails = {name: context[name] for name in context if name.endswith("email")}
    return {**context, **{name: addresses.readable(str(one)) for name, one in emails.items()}}
