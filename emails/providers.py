"""Hand mails to a provider's API instead of a mail server (django-anymail).

An answer may get lost although the provider took the mail. Some providers know it again by a key,
for a while; at others, it has the same `Message-ID`, by which mail programs show it once. Whether
the mail may have gone out is said with each problem (`is_unknown`): it may, unless something says
that it didn't.
"""

from __future__ import annotations

import logging
import re
import threading
import time
import uuid
from collections.abc import Hashable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from http import HTTPStatus
from typing import Any

from anymail.backends.base import AnymailBaseBackend
from anymail.exceptions import (
    AnymailError,
    AnymailInvalidAddress,
    AnymailRecipientsRefused,
    AnymailRequestsAPIError,
)
from django.conf import settings
from django.core.mail import EmailMessage, get_connection
from django.utils import timezone

from common.mail_providers import PROVIDERS, KeyIn, Provider
from common.network import never_left
from emails.models import Message
from emails.problems import DeliveryProblem

logger = logging.getLogger(__name__)

# The provider returns it with each report about a mail.
MESSAGE = "portal_message"
# What passes by itself, besides all of 5xx.
PASSES = frozenset(
    {
        HTTPStatus.REQUEST_TIMEOUT,
        HTTPStatus.CONFLICT,
        HTTPStatus.TOO_EARLY,
        HTTPStatus.TOO_MANY_REQUESTS,
    }
)
# Answers of a proxy that asked the server and didn't hear the end of it (RFC 9110, 15.6.5; and
# Cloudflare's). Any other answer with an error is taken at its word.
IN_DOUBT = frozenset({504, 520, 524})
# Envoy's word for a server that broke off while it was asked; it's a 503, too.
BROKE_OFF = "disconnect/reset before headers"
# How providers say that a key was used: this very mail is theirs already.
TAKEN_BEFORE = re.compile(r'"(duplicate_parameter|invalid_idempotent_request)"')
# How they say that the recipient's address is wrong.
WRONG_TO = re.compile(
    r"not valid in to\b|['`\"]to['`\"] (parameter|field|address)|\"To\[0\]", re.IGNORECASE
)
ACCEPTED = frozenset({"sent", "queued"})
REFUSED = frozenset({"failed", "invalid", "rejected"})
# Where they say what's wrong.
SAID_IN = ("Message", "message", "ErrorMessage", "error", "errors", "description")
MOST_WORDS = 500
# A longer wait than this is a mistake.
LONGEST_WAIT = timedelta(hours=6)
# Servers close connections that idle; ours are closed first.
KEPT_SECONDS = 20.0


def send(mail: EmailMessage, message: Message, message_id: str) -> None:
    """Hand a mail over; it's no problem if the provider has it already.

    Raises:
        DeliveryProblem: the provider refused the address for good, or couldn't take the mail now.
    """
    _prepare(mail, message)
    try:
        POOL.carry(mail, _key(mail, message_id))
        _check_accepted(mail)
    except AnymailError as error:
        if TAKEN_BEFORE.search(_text(error)):
            logger.info("Message %s is at the provider already.", message.pk)
            return
        raise problem(error) from error


class _NotAccepted(AnymailRequestsAPIError):  # type: ignore[misc]  # anymail ships no types
    """The answer says that the mail wasn't taken, whatever its status."""


def _check_accepted(mail: Any) -> None:
    """Refuse what the provider calls failed for its one recipient; anymail lets that pass."""
    told = set(mail.anymail_status.status or ())
    if ACCEPTED & told:
        return
    kind = _NotAccepted if told and told <= REFUSED else AnymailRequestsAPIError
    raise kind(response=mail.anymail_status.esp_response)


def _provider() -> Provider:
    return PROVIDERS[settings.EMAIL_PROVIDER]


def _prepare(mail: EmailMessage, message: Message) -> None:
    """Add what the provider returns with its reports, and turn its tracking off."""
    provider = _provider()
    parts: Any = mail
    parts.metadata = {MESSAGE: str(message.pk)}
    if provider.can_track:
        parts.track_opens = parts.track_clicks = False
    for name in provider.refuses:
        mail.extra_headers.pop(name, None)
    if provider.keeps_message_id:
        name, value = provider.keeps_message_id
        mail.extra_headers[name] = value


def _key(mail: EmailMessage, message_id: str) -> Mapping[str, str]:
    """Return the request's headers by which a provider knows a mail again, or add it to the mail's.

    It's remembered for a while (`common.mail_providers`).
    """
    place = _provider().knows_again
    if place is None:
        return {}
    key = {place.value: str(uuid.uuid5(uuid.NAMESPACE_URL, message_id))}
    if place is KeyIn.REQUEST:
        return key
    mail.extra_headers.update(key)
    return {}


def problem(error: AnymailError) -> DeliveryProblem:
    """Return what an error of the API means for a mail."""
    name = _provider().name
    if isinstance(error, AnymailRecipientsRefused):
        words = f"{name} doesn't send to this address. {_words(error)}".strip()
        return DeliveryProblem(words, is_permanent=True, is_dead=True)
    if isinstance(error, AnymailInvalidAddress):
        return DeliveryProblem(f"This is no email address: {error}", is_permanent=True)
    if error.response is not None:
        return _answer(error, name)
    if isinstance(error, AnymailRequestsAPIError):
        words = f"{name} can't be reached: {_cause(error)}"
        return DeliveryProblem(words, is_unknown=not never_left(error))
    logger.error("A mail could not be handed over through a fault of ours.", exc_info=error)
    return DeliveryProblem(f"It could not be handed over: {error}", is_our_fault=True)


def _answer(error: AnymailError, name: str) -> DeliveryProblem:
    """Return what an answer means that isn't a yes."""
    status: int = error.response.status_code
    is_no = isinstance(error, _NotAccepted)
    if status < HTTPStatus.BAD_REQUEST and not is_no:
        words = f"{name}'s answer can't be read: {status} {_words(error)}"
        return DeliveryProblem(words, is_unknown=status < HTTPStatus.MULTIPLE_CHOICES)
    words = f"{name} said: {status} {_words(error)}".strip()
    if status >= HTTPStatus.INTERNAL_SERVER_ERROR or status in PASSES:
        is_unknown = status in IN_DOUBT or BROKE_OFF in _text(error)
        not_before = _not_before(error.response.headers)
        return DeliveryProblem(words, not_before=not_before, is_unknown=is_unknown)
    if WRONG_TO.search(_text(error)):
        return DeliveryProblem(words, is_permanent=True, is_dead=True)
    return DeliveryProblem(words, is_our_fault=status >= HTTPStatus.BAD_REQUEST)


def _not_before(headers: Any) -> datetime | None:
    """Return until when the provider wants no request (RFC 9110, 10.2.3), if it says so."""
    said, now = str(headers.get("Retry-After", "")).strip(), timezone.now()
    until = None
    if said.isdecimal():
        until = now + min(timedelta(seconds=min(int(said), 10**6)), LONGEST_WAIT)
    elif said:
        with suppress(ValueError, OverflowError):
            until = parsedate_to_datetime(said)
    if until is None:
        return None
    return min(until if until.tzinfo else until.replace(tzinfo=UTC), now + LONGEST_WAIT)


def _text(error: AnymailError) -> str:
    return str(error.response.text) if error.response is not None else ""


def _words(error: AnymailError) -> str:
    """Return what the provider says is wrong, without what surrounds it."""
    if error.response is None:
        return ""
    try:
        said = error.response.json()
    except ValueError:
        return " ".join(_text(error).split())[:MOST_WORDS]
    if isinstance(said, dict):
        said = next((said[name] for name in SAID_IN if said.get(name)), said)
    return " ".join(str(said).split())[:MOST_WORDS]


def _cause(error: AnymailError) -> str:
    return " ".join(str(error.__cause__ or error).split())[:MOST_WORDS]


@dataclass
class _Kept:
    backend: Any
    idle_since: float


@dataclass
class _Pool:
    """Backends with an open session, by the settings they have; each has one mail at a time."""

    _idle: dict[Hashable, list[_Kept]] = field(default_factory=dict)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def carry(self, mail: EmailMessage, headers: Mapping[str, str]) -> None:
        """Hand a mail over by an idle backend or a new one, with headers of its request alone.

        Raises:
            AnymailError: it was refused, or the provider can't be reached.
        """
        key = (settings.EMAIL_BACKEND, repr(settings.ANYMAIL))
        backend = self._take(key)
        session = backend.session
        session.headers.update(headers)
        try:
            backend.send_messages([mail])
        except BaseException:
            backend.close()
            raise
        for name in headers:
            del session.headers[name]
        with self._lock:
            self._idle.setdefault(key, []).append(_Kept(backend, time.monotonic()))

    def _take(self, key: Hashable) -> Any:
        before = time.monotonic() - KEPT_SECONDS
        while True:
            with self._lock:
                idle = self._idle.get(key)
                kept = idle.pop() if idle else None
            if kept is None:
                return _opened()
            if kept.idle_since > before:
                return kept.backend
            kept.backend.close()


def _opened() -> AnymailBaseBackend:
    backend = get_connection()
    backend.open()
    return backend


POOL = _Pool()
