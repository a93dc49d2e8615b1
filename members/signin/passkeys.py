"""Passkeys: what a browser is asked for, and whether its answer is right.

allauth and fido2 check the signature, the challenge, and the domain. Besides, each challenge is for
one purpose, for ten minutes, and for one try; the page's origin must be the portal's own; and a
passkey whose counter goes back is refused, since someone may have copied it (Web Authentication,
6.1.1). Every answer is checked as hostile input: none may end in an error page.
"""

from __future__ import annotations

import hashlib
import logging
import struct
import time
from collections.abc import Iterator
from contextlib import contextmanager
from enum import StrEnum
from typing import Any, cast

from allauth.mfa import app_settings
from allauth.mfa.models import Authenticator
from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from django.conf import settings
from django.contrib.auth.models import User
from django.core.cache import cache
from django.core.exceptions import ValidationError
from django.db import transaction
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.utils.cache import add_never_cache_headers
from django.utils.translation import gettext as _
from fido2.utils import websafe_decode
from fido2.webauthn import AuthenticationResponse, AuthenticatorData, RegistrationResponse

from common.web_addresses import origin
from members.signin.allauth_internals import webauthn

logger = logging.getLogger(__name__)

PASSKEY = Authenticator.Type.WEBAUTHN
# A challenge's lifetime in seconds.
GOOD_FOR = 10 * 60
MOST = 20
# What fido2 and its decoders raise for answers that no browser makes.
MALFORMED = (
    *(TypeError, ValueError, LookupError, AttributeError, AssertionError, ArithmeticError),
    *(RecursionError, NotImplementedError, struct.error, InvalidSignature, UnsupportedAlgorithm),
)


class Purpose(StrEnum):
    """What a challenge is for: an answer to one can't be used for another."""

    ADD = "add"
    SIGN_IN = "sign in"
    CONFIRM = "confirm"


def are_offered() -> bool:
    """Whether the portal's address can have passkeys."""
    return PASSKEY in app_settings.SUPPORTED_TYPES


def of_user(user: User) -> list[Authenticator]:
    """Return a user's passkeys, oldest first."""
    return list(Authenticator.objects.filter(user=user, type=PASSKEY).order_by("pk"))


def exist_for(user: User) -> bool:
    """Whether a user can confirm with a passkey here."""
    return are_offered() and Authenticator.objects.filter(user=user, type=PASSKEY).exists()


# What a browser is asked for


def wants_challenge(request: HttpRequest) -> bool:
    """Whether the page's script asks for a challenge, at the address its form is sent to."""
    return request.method == "GET" and request.headers.get("Accept") == "application/json"


def ask_to_add(user: User) -> HttpResponse:
    """Return a challenge to make a passkey for a user, on a device that knows them."""
    return _challenge(webauthn.begin_registration(user, passwordless=True), Purpose.ADD)


def ask_to_sign_in() -> HttpResponse:
    """Return a challenge for any passkey of the portal's."""
    return _challenge(webauthn.begin_authentication(None), Purpose.SIGN_IN)


def ask_to_confirm(user: User) -> HttpResponse:
    """Return a challenge for one of a user's passkeys."""
    return _challenge(webauthn.begin_authentication(user), Purpose.CONFIRM)


def _challenge(options: dict[str, Any], purpose: Purpose) -> HttpResponse:
    webauthn.set_state(webauthn.get_state() | {"for": purpose.value, "at": time.time()})
    response = JsonResponse(options)
    add_never_cache_headers(response)
    return response


# What it answers


def check_new(user: User, credential: dict[str, Any]) -> None:
    """Check a new passkey. Raises ValidationError with a sentence for the member."""
    with _one_try(Purpose.ADD), _refused(_("We couldn’t add this passkey. Please try again.")):
        _check_origin(RegistrationResponse.from_dict(credential).response.client_data)
        made: AuthenticatorData = webauthn.complete_registration(credential)
        _check_key(made, credential)
    if Authenticator.objects.filter(type=PASSKEY, data__credential__id=credential["id"]).exists():
        raise ValidationError(_("This passkey was already added to an account."))
    if Authenticator.objects.filter(user=user, type=PASSKEY).count() >= MOST:
        raise ValidationError(_("You have too many passkeys. Remove one first."))


def check(credential: dict[str, Any], user: User | None) -> Authenticator:
    """Return whose passkey has answered: one of this user's, or of anyone who signs in.

    Raises:
        ValidationError: it's not the right one, or came too late; with a sentence for the member.
    """
    purpose = Purpose.CONFIRM if user else Purpose.SIGN_IN
    refused = _("We couldn’t accept this passkey. Try again, or use another way to sign in.")
    with _one_try(purpose), _refused(refused):
        answer = AuthenticationResponse.from_dict(credential)
        _check_origin(answer.response.client_data)
        owner = user or webauthn.extract_user_from_response(credential)
        used = webauthn.complete_authentication(owner, credential)
        return _counted(used.pk, answer.response.authenticator_data.counter)


@contextmanager
def _one_try(purpose: Purpose) -> Iterator[None]:
    """Take this session's challenge for one try, in whatever number of requests at once."""
    state = webauthn.get_state()
    try:
        is_right = isinstance(state, dict) and state.get("for") == purpose
        if not is_right or state["at"] < time.time() - GOOD_FOR or not _is_first(state):
            raise ValidationError(_("That took too long. Please try again."))
        yield
    finally:
        webauthn.clear_state()


def _is_first(state: dict[str, Any]) -> bool:
    digest = hashlib.sha256(str(state["challenge"]).encode()).hexdigest()
    return bool(cache.add(f"members.signin.passkeys.used:{digest}", True, timeout=GOOD_FOR))


@contextmanager
def _refused(sentence: str) -> Iterator[None]:
    """Say a sentence instead of whatever a wrong answer raises."""
    try:
        yield
    except (ValidationError, *MALFORMED) as error:
        logger.info("A passkey was refused: %s", type(error).__name__)
        raise ValidationError(sentence) from error


def _check_origin(client_data: Any) -> None:
    """Accept only our own pages: fido2 accepts every port and every subdomain."""
    if client_data.origin != origin(settings.PORTAL_URL) or client_data.cross_origin:
        raise ValueError("Not a page of ours.")


def _check_key(made: AuthenticatorData, credential: dict[str, Any]) -> None:
    """Refuse a key that couldn't be checked later, or that's called otherwise than it is."""
    data = made.credential_data
    if data is None or websafe_decode(credential["id"]) != data.credential_id:
        raise ValueError("Not the key that was signed.")
    try:
        data.public_key.verify(b"", b"")
    except InvalidSignature:
        return
    raise ValueError("Everything would fit this key.")


def _counted(passkey: int, count: int) -> Authenticator:
    """Remember how often a passkey was used, as it says itself; synced ones always say 0."""
    with transaction.atomic():
        row = Authenticator.objects.select_for_update().select_related("user").get(pk=passkey)
        last = row.data.get("sign_count", row.wrap().authenticator_data.counter)
        if (count or last) and count <= last:
            logger.warning("Passkey %s of user %s may have been copied.", row.pk, row.user_id)
            raise ValueError("The counter went back.")
        if count:
            row.data["sign_count"] = count
            row.save(update_fields=["data"])
    return cast("Authenticator", row)


def add(user: User, name: str, credential: dict[str, Any]) -> Authenticator:
    """Keep a checked passkey."""
    return cast("Authenticator", webauthn.WebAuthn.add(user, name, credential).instance)
