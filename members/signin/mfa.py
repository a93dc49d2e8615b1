"""The second step of a sign-in: a code from an authenticator app, a passkey, or a recovery code.

allauth's `mfa` does it. Here's what we override: how its secrets are stored, what it's called, and
whether a session has taken the step.
"""

from __future__ import annotations

import base64
import logging
from typing import Any

from allauth.account.authentication import get_authentication_records
from allauth.core import context
from allauth.mfa.adapter import DefaultMFAAdapter
from allauth.mfa.models import Authenticator
from cryptography.fernet import Fernet, InvalidToken, MultiFernet
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from django.conf import settings
from django.contrib.auth.models import AbstractBaseUser, User
from django.db import transaction
from django.http import HttpRequest
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from common.context import current_brand
from members import activity
from members.display import device
from members.models import ActivityBy, ActivityKind
from members.signin import passkeys, recent_login
from members.signin.allauth_internals import generate_totp_secret
from members.signin.mails import send_account_mail

logger = logging.getLogger(__name__)

PURPOSE = b"members.second_step"
METHOD = "mfa"  # allauth's name for it in a session's records
# What a sign-in asks for; recovery codes only stand in for them.
APP, PASSKEY = Authenticator.Type.TOTP, Authenticator.Type.WEBAUTHN
STEPS = (APP, PASSKEY)
# In the session of somebody who adds one because a page wants it: that page's path.
WANTED_BY = "second_step_wanted_by"


class MFAAdapter(DefaultMFAAdapter):  # type: ignore[misc]  # allauth ships no types
    """allauth's adapter with encrypted secrets, our names in apps and passkeys, and our errors."""

    error_messages = DefaultMFAAdapter.error_messages | {
        "incorrect_code": gettext_lazy("That code isn’t correct. Use the newest one in your app."),
        "unverified_email": gettext_lazy(
            "Verify your email address first, then add the second step."
        ),
    }

    def get_totp_issuer(self) -> str:
        """Return what the app calls us."""
        return current_brand().name

    def get_public_key_credential_rp_entity(self) -> dict[str, str]:
        """Return which domain passkeys belong to, whatever address this page was opened at."""
        return {"id": str(settings.PASSKEY_DOMAIN), "name": current_brand().name}

    def generate_authenticator_name(
        self,
        user: AbstractBaseUser,
        type: Authenticator.Type,  # noqa: A002  (allauth's name)
    ) -> str:
        """Return a first name for a passkey: what it's made on."""
        agent = context.request.headers.get("User-Agent", "")
        return device(agent) or _("My passkey")

    def encrypt(self, text: str) -> str:
        """Encrypt a secret, so a copy of the database can't sign anyone in."""
        return _keys().encrypt(text.encode()).decode()

    def decrypt(self, encrypted_text: str) -> str:
        """Decrypt a secret. If our keys don't open it, return a random one that no code fits."""
        try:
            return _keys().decrypt(encrypted_text.encode()).decode()
        except InvalidToken:
            logger.exception("A second step was encrypted with another SECRET_KEY: no code fits.")
            return str(generate_totp_secret())


def _keys() -> MultiFernet:
    """Return the key for new secrets, and the keys that older ones may be encrypted with."""
    return MultiFernet(_key(text) for text in [settings.SECRET_KEY, *settings.SECRET_KEY_FALLBACKS])


def _key(secret_key: str) -> Fernet:
    derived = HKDF(algorithm=hashes.SHA256(), length=32, salt=None, info=PURPOSE)
    return Fernet(base64.urlsafe_b64encode(derived.derive(secret_key.encode())))


def is_set_up(user: AbstractBaseUser) -> bool:
    """Whether a sign-in with a password or code asks this user for a second step."""
    return bool(Authenticator.objects.filter(user=user, type__in=STEPS).exists())


def has_app(user: AbstractBaseUser) -> bool:
    """Whether this user has an authenticator app."""
    return bool(Authenticator.objects.filter(user=user, type=APP).exists())


def confirmation_page(user: User) -> str:
    """Return the address at which a user confirms with their second step."""
    name = "mfa_reauthenticate_webauthn" if passkeys.exist_for(user) else "mfa_reauthenticate"
    return reverse(name)


def is_taken(request: HttpRequest, user: User) -> bool:
    """Whether this session has taken the step with the user's current setup.

    An older session counts once it was taken there.
    """
    records = get_authentication_records(request, user)
    used = [one.get("id") for one in records if one.get("method") == METHOD]
    return bool(used) and bool(Authenticator.objects.filter(user=user, pk__in=used).exists())


def is_recent(request: HttpRequest, user: User) -> bool:
    """Whether the step was taken in this session recently enough for allauth."""
    used = [one.get("id") for one in recent_login.proofs(request) if one.get("method") == METHOD]
    return bool(used) and bool(Authenticator.objects.filter(user=user, pk__in=used).exists())


@transaction.atomic
def remove(user: User) -> bool:
    """Remove a user's second step, after they lost phone and recovery codes; email them.

    Return whether there was one.
    """
    deleted, _ = Authenticator.objects.filter(user=user).delete()
    if not deleted:
        return False
    activity.record(user, ActivityKind.STEPS_REMOVED, by=ActivityBy.STAFF)
    context: dict[str, Any] = {"user": user, "timestamp": timezone.now()}
    if user.email:
        send_account_mail("mfa/email/second_step_removed", user.email, context)
    return True
