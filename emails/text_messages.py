"""Send a message as SMS, through Twilio."""

from __future__ import annotations

from datetime import UTC, timedelta
from functools import lru_cache
from typing import Any

import requests
from django.conf import settings
from django.core import signing
from django.urls import reverse
from twilio.base.exceptions import TwilioException, TwilioRestException
from twilio.http.http_client import TwilioHttpClient
from twilio.rest import Client

from emails import rendering
from emails.catalogue import Kind, spec_of
from emails.models import Message
from emails.problems import DeliveryProblem
from members import consent
from members.models import ConsentSource

TOKEN_SALT = "emails.sms-status"  # noqa: S105  (a salt is no secret)
# Twilio documentation, "Error and Warning Dictionary".
RECIPIENT_STOPPED = 21610
UNUSABLE_NUMBER = frozenset({21211, 21214, 21217, 21408, 21612, 21614, RECIPIENT_STOPPED})


def send(message: Message) -> str:
    """Hand a message to Twilio; return its SID.

    Raises:
        DeliveryProblem: Twilio refused the number for good, or could not take the message now.
    """
    _check_consent(message)
    try:
        sent = _client().messages.create(
            to=message.recipient,
            from_=settings.TWILIO_FROM_NUMBER,
            body=rendering.render_sms(message),
            status_callback=_status_url(message),
        )
    except TwilioRestException as error:
        raise _problem(message, error) from error
    except (TwilioException, requests.RequestException) as error:
        raise DeliveryProblem(f"Twilio can't be reached: {error}") from error
    return str(sent.sid)


def find_sent(message: Message) -> str:
    """Return the SID of this very message if Twilio has taken it already, else an empty string.

    Twilio knows no idempotency keys: after a crash, its list of messages is the only witness.
    """
    since = message.created_at - timedelta(minutes=1)
    body = rendering.render_sms(message)
    try:
        found = _client().messages.list(
            to=message.recipient, date_sent_after=since.astimezone(UTC), limit=100
        )
    except (TwilioException, requests.RequestException) as error:
        raise DeliveryProblem(f"Twilio can't be asked what it sent: {error}") from error
    return next((str(sent.sid) for sent in found if sent.body == body), "")


def message_of_token(token: str) -> int:
    """Return the primary key that a status callback's address carries.

    Raises:
        django.core.signing.BadSignature: we did not make this address.
    """
    return int(signing.loads(token, salt=TOKEN_SALT))


def _status_url(message: Message) -> str:
    token = signing.dumps(message.pk, salt=TOKEN_SALT)
    return f"{settings.PORTAL_URL}{reverse('sms-status', args=[token])}"


def _check_consent(message: Message) -> None:
    """Refuse a message to somebody who has said STOP since it was written. Codes were asked for."""
    member = message.user.member if message.user else None
    if not spec_of(Kind(message.kind)).sensitive and not (member and member.accepts_sms):
        raise DeliveryProblem("The member does not accept text messages.", is_permanent=True)


def _problem(message: Message, error: TwilioRestException) -> DeliveryProblem:
    if error.code == RECIPIENT_STOPPED and message.user:
        consent.stop(message.user.member, ConsentSource.REPLY)
    is_permanent = error.code in UNUSABLE_NUMBER or error.status in (400, 404)
    return DeliveryProblem(f"Twilio said: {error.code} {error.msg}", is_permanent=is_permanent)


def _client() -> Any:
    """Return the client of the current settings (Twilio's package has no types)."""
    if not (settings.TWILIO_ACCOUNT_SID and settings.TWILIO_AUTH_TOKEN):
        raise DeliveryProblem(
            "Text messages are not set up: TWILIO_ACCOUNT_SID and TWILIO_AUTH_TOKEN are empty.",
            is_permanent=True,
        )
    return _make_client(
        settings.TWILIO_ACCOUNT_SID,
        settings.TWILIO_AUTH_TOKEN,
        settings.TWILIO_API_BASE,
        settings.TWILIO_TIMEOUT_SECONDS,
    )


@lru_cache(maxsize=4)
def _make_client(sid: str, token: str, base: str, timeout: float) -> Any:
    client = Client(sid, token, http_client=TwilioHttpClient(timeout=timeout))
    if base:
        client.api.base_url = base
    return client
