"""What messages about accounts and signing in may say."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from emails.catalog import Kind
from emails.contexts import MessageContext


@dataclass(frozen=True, kw_only=True)
class WithCode(MessageContext):
    """A code, and for how many minutes it works."""

    code: str
    minutes: int


@dataclass(frozen=True, kw_only=True)
class AddressCode(WithCode):
    """Confirms an email address."""

    kind = Kind.ADDRESS_CODE


@dataclass(frozen=True, kw_only=True)
class LoginCode(WithCode):
    """Signs someone in, and so does the link `url`."""

    kind = Kind.LOGIN_CODE
    url: str = ""


@dataclass(frozen=True, kw_only=True)
class PasswordCode(WithCode):
    """Lets someone set a new password."""

    kind = Kind.PASSWORD_CODE


@dataclass(frozen=True, kw_only=True)
class PhoneCode(WithCode):
    """Confirms a phone number, by text."""

    kind = Kind.PHONE_CODE


@dataclass(frozen=True, kw_only=True)
class TextsOn(MessageContext):
    """The first text, once a member has agreed to texts."""

    kind = Kind.TEXTS_ON


@dataclass(frozen=True, kw_only=True)
class AddressLink(MessageContext):
    """A link that confirms an address that staff entered."""

    kind = Kind.ADDRESS_LINK
    url: str
    days: int


@dataclass(frozen=True, kw_only=True)
class PasswordLink(MessageContext):
    """A link to a new password, sent by someone on the team."""

    kind = Kind.PASSWORD_LINK
    url: str
    actor: str


@dataclass(frozen=True, kw_only=True)
class SignInLink(MessageContext):
    """A link that signs someone in, sent by our team."""

    kind = Kind.SIGN_IN_LINK
    url: str
    minutes: int


@dataclass(frozen=True, kw_only=True)
class AccountExists(MessageContext):
    """Someone signed up with an address that already has an account."""

    kind = Kind.ACCOUNT_EXISTS
    url: str


@dataclass(frozen=True, kw_only=True)
class UnknownAccount(MessageContext):
    """Someone wanted to sign in with an address that has no account."""

    kind = Kind.UNKNOWN_ACCOUNT
    url: str


@dataclass(frozen=True, kw_only=True)
class AccountChanged(MessageContext):
    """What changed about an account, when, and from which browser and address, if known."""

    kind = Kind.ACCOUNT_CHANGED
    headline: str
    sentence: str
    at: datetime
    device: str
    ip: str
    url: str
