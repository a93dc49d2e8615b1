"""Send a message as a text, through Twilio."""

from __future__ import annotations

import json
import logging
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from functools import lru_cache
from typing import Any

from django.conf import settings
from django.core import signing
from django.utils import timezone
from twilio.base.exceptions import TwilioException, TwilioRestException
from twilio.http.http_client import TwilioHttpClient
from twilio.rest import Client

from common.links import portal_url
from common.network import is_network_error
from emails import copies, rendering, segments
from emails.catalog import Category, spec_of
from emails.models import Message
from emails.problems import DeliveryProblem
from members import consent, numbers
from members.models import ConsentSource, Member

logger = logging.getLogger(__name__)

TOKEN_SALT = "emails.sms-status"  # noqa: S105  (a salt is no secret)
# Twilio documentation, "Error and Warning Dictionary".
RECIPIENT_STOPPED = 21610
# The number can't be texted, or the text can't be sent: trying again changes nothing. Everything
# else (a wrong sender, an empty account, a full queue) can be fixed, and is retried.
HOPELESS = frozenset({21211, 21214, 21217, 21408, 21602, 21612, 21614, 21617, RECIPIENT_STOPPED})
# HTTP 429: we ask too often; this goes away on its own.
BUSY = 429
SERVER_ERROR = 500
LOSSES = {
    "21610": "The member has replied STOP.",
    "30003": "The phone is off or out of reach.",
    "30004": "The phone or its carrier blocks our messages.",
    "30005": "The number does not exist any more.",
    "30006": "The number is a landline, or its carrier takes no text messages.",
    "30007": "The carrier took the message for spam.",
}
# How many of the newest messages to the same number are searched.
SEARCHED = 50
CLOCK_SKEW = timedelta(minutes=1)
# Members hear at least once a month how to stop, even if the months are short.
SAY_STOP_EVERY = timedelta(days=28)


@dataclass(frozen=True)
class Sender:
    """Our account at Twilio, and the number that we send from, if it's the account's."""

    status: str
    is_ours: bool
    sends_texts: bool
    inbound_url: str


def sender() -> Sender:
    """Ask Twilio about our account and number.

    Raises:
        DeliveryProblem: it can't be asked.
    """
    with asked():
        account = client().api.v2010.accounts(settings.TWILIO_ACCOUNT_SID).fetch()
        listed = client().incoming_phone_numbers.list(
            phone_number=settings.TWILIO_FROM_NUMBER, limit=1
        )
    return Sender(
        status=str(account.status),
        is_ours=bool(listed),
        sends_texts=bool(listed and (listed[0].capabilities or {}).get("sms")),
        inbound_url=str((listed[0].sms_url if listed else "") or ""),
    )


@contextmanager
def asked() -> Iterator[None]:
    """Turn whatever goes wrong while Twilio is asked into a DeliveryProblem."""
    try:
        yield
    except DeliveryProblem:
        raise
    except Exception as error:
        if isinstance(error, TwilioRestException) and not _passes(error.status):
            raise DeliveryProblem(f"Twilio said: {error.code} {error.msg}") from error
        raise _no_answer(error) from error


def send(message: Message) -> str:
    """Hand a message to Twilio; return its SID.

    Raises:
        DeliveryProblem: Twilio refused the number for good, or couldn't take the message now.
    """
    _check_consent(message)
    _decide_on_stop(message)
    body = rendering.render_sms(message)
    copies.note(message, text=body)
    try:
        sent = client().messages.create(
            to=message.recipient,
            body=body,
            status_callback=_status_url(message),
            **_from_us(),
        )
    except TwilioRestException as error:
        raise _problem(message, error) from error
    except (TwilioException, OSError, ValueError) as error:
        raise _no_answer(error) from error
    told = segments_told(sent) or segments.count(body)
    Message.objects.filter(pk=message.pk).update(segments=told)
    return str(sent.sid)


def _decide_on_stop(message: Message) -> None:
    """Decide once whether a text says how to stop: the first to a number does, and one a month.

    (CTIA, "Messaging Principles and Best Practices".) It's kept, so a retry says the same.
    """
    if message.says_stop is not None or spec_of(message.kind).sensitive:
        return
    said = Message.objects.filter(
        recipient=message.recipient,
        says_stop=True,
        sending_at__gt=timezone.now() - SAY_STOP_EVERY,
    )
    is_due = message.kind in rendering.SAYS_STOP_ITSELF or not said.exclude(pk=message.pk).exists()
    message.says_stop = is_due
    Message.objects.filter(pk=message.pk).update(says_stop=is_due)


def segments_told(text: Any) -> int | None:
    """Return how many segments Twilio says a text has; None if it can't tell yet.

    It says 0 while a Messaging Service hasn't chosen the number that a text goes out from.
    """
    told = str(text.num_segments or "")
    return int(told) or None if told.isdecimal() else None


def _from_us() -> dict[str, str]:
    """Return whom Twilio sends a text from: the Messaging Service if there's one, or our number."""
    if service := settings.TWILIO_MESSAGING_SERVICE_SID:
        return {"messaging_service_sid": service}
    return {"from_": settings.TWILIO_FROM_NUMBER}


def find_sent(message: Message) -> str:
    """Return the SID of this very message if Twilio already has it, else an empty string.

    Twilio has no idempotency keys: after a crash, its list of messages is the only evidence. We
    don't filter by date, since a message that's still waiting at Twilio has no sending date.
    """
    since = message.created_at - CLOCK_SKEW
    body = rendering.render_sms(message)
    try:
        # A Messaging Service may have chosen another number of ours.
        ours = {} if settings.TWILIO_MESSAGING_SERVICE_SID else _from_us()
        recent = client().messages.list(to=message.recipient, limit=SEARCHED, **ours)
    except (TwilioException, OSError, ValueError) as error:
        raise _no_answer(error) from error
    # A trial account's texts begin with a sentence by Twilio.
    same = [
        str(sent.sid) for sent in recent if sent.date_created >= since and sent.body.endswith(body)
    ]
    taken = set(Message.objects.filter(provider_id__in=same).values_list("provider_id", flat=True))
    return next((sid for sid in same if sid not in taken), "")


def loss(error_code: str) -> str:
    """Return why Twilio couldn't deliver a message, for staff."""
    words = LOSSES.get(error_code, "It did not reach the phone.")
    return f"{words} Twilio said: {error_code or 'no reason'}"


def message_of_token(token: str) -> int:
    """Return the primary key in a status callback's address.

    Raises:
        django.core.signing.BadSignature: we didn't make this address.
    """
    return int(signing.loads(token, salt=TOKEN_SALT))


def _status_url(message: Message) -> str:
    token = signing.dumps(message.pk, salt=TOKEN_SALT)
    return portal_url("sms-status", token)


def _check_consent(message: Message) -> None:
    """Refuse a message if its recipient said STOP or changed numbers since it was written.

    Codes are exempt: they were requested, and go to numbers that aren't verified yet.
    """
    if spec_of(message.kind).category == Category.ACCOUNT:
        return
    member = message.user.member if message.user else None
    if not (member and member.accepts_sms and str(member.phone) == message.recipient):
        raise DeliveryProblem(
            "The member does not accept text messages at this number.", is_permanent=True
        )


def _no_answer(error: Exception) -> DeliveryProblem:
    """Return why Twilio didn't answer; log it as an error if it's our fault."""
    if is_network_error(error):
        return DeliveryProblem(f"Twilio can't be reached: {error}")
    status, words = _answered(error)
    if _passes(status):
        return DeliveryProblem(f"Twilio is having trouble: {status} {words}".strip())
    if isinstance(error, json.JSONDecodeError):
        return DeliveryProblem(f"Something else answered in Twilio's place: {error}")
    logger.error("Twilio could not be asked through a fault of ours.", exc_info=error)
    words = f"Twilio could not be asked: {type(error).__name__}: {error}"
    return DeliveryProblem(words, is_our_fault=True)


def _answered(error: Exception) -> tuple[int, str]:
    """Return the status of Twilio's answer and its words; 0 if there was none."""
    if isinstance(error, TwilioRestException):
        return error.status, error.msg
    # Of a list's page, it only keeps the response.
    response = error.args[1] if isinstance(error, TwilioException) and error.args[1:] else None
    return getattr(response, "status_code", 0), ""


def _passes(status: int) -> bool:
    return status >= SERVER_ERROR or status == BUSY


def _problem(message: Message, error: TwilioRestException) -> DeliveryProblem:
    if error.code == RECIPIENT_STOPPED:
        note_stop(message)
    is_permanent = error.code in HOPELESS
    return DeliveryProblem(
        f"Twilio said: {error.code} {error.msg}",
        is_permanent=is_permanent,
        is_our_fault=not is_permanent and 400 <= error.status < 500 and error.status != BUSY,
    )


def note_stop(message: Message) -> None:
    """Record a STOP that Twilio has from this number, in case it never reached us."""
    for member in Member.objects.filter(phone=numbers.kept(message.recipient)):
        consent.stop(member, ConsentSource.REPLY)


def client() -> Any:
    """Return a client for the current settings (Twilio's package has no types)."""
    names = ("TWILIO_ACCOUNT_SID", "TWILIO_AUTH_TOKEN", "TWILIO_FROM_NUMBER")
    if missing := [name for name in names if not getattr(settings, name)]:
        raise DeliveryProblem(
            f"Text messages are not set up: {', '.join(missing)} is not set.", is_permanent=True
        )
    return _make_client(
        settings.TWILIO_ACCOUNT_SID,
        settings.TWILIO_AUTH_TOKEN,
        settings.TWILIO_API_BASE,
        settings.TWILIO_TIMEOUT_SECONDS,
    )


@lru_cache(maxsize=4)
def _make_client(sid: str, token: str, base: str, timeout: float) -> Any:
    made = Client(sid, token, http_client=TwilioHttpClient(timeout=timeout))
    if base:
        made.api.base_url = base
        made.messaging.base_url = base
    return made
