"""Asks Twilio whether US carriers know what we send: its campaign, or a toll-free verification.

Carriers block texts from an American number that isn't part of a registered campaign (A2P 10DLC),
or that is toll-free and not verified. Everything here only reads.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from django.conf import settings
from twilio.base.exceptions import TwilioRestException

from emails.text_messages import asked, client

AMERICAN = "+1"
# North American area codes for which the recipient pays nothing.
TOLL_FREE = ("800", "833", "844", "855", "866", "877", "888")
NOT_FOUND = 404
# A business has one or two; whoever has more can look it up.
MOST_SERVICES = 20


class Kind(StrEnum):
    """What kind of registration a number needs."""

    NONE = "none"
    CAMPAIGN = "campaign"
    TOLL_FREE = "toll-free"


class Standing(StrEnum):
    """How far a registration has come."""

    VERIFIED = "verified"
    IN_REVIEW = "in review"
    REFUSED = "refused"
    SUSPENDED = "suspended"
    MISSING = "missing"
    UNKNOWN = "unknown"


# Twilio's words for a campaign (Usa2p), and for a toll-free verification.
STANDINGS = {
    "VERIFIED": Standing.VERIFIED,
    "PENDING": Standing.IN_REVIEW,
    "IN_PROGRESS": Standing.IN_REVIEW,
    "FAILED": Standing.REFUSED,
    "SUSPENDED": Standing.SUSPENDED,
    "TWILIO_APPROVED": Standing.VERIFIED,
    "PENDING_REVIEW": Standing.IN_REVIEW,
    "IN_REVIEW": Standing.IN_REVIEW,
    "TWILIO_REJECTED": Standing.REFUSED,
}


@dataclass(frozen=True)
class Registration:
    """What US carriers know of our number.

    `service` is the Messaging Service that it belongs to, if it's part of one. `reason` is why
    Twilio refused, in its own words; `said` is Twilio's word for the standing.
    """

    kind: Kind
    standing: Standing
    service: str = ""
    reason: str = ""
    said: str = ""


def registration() -> Registration:
    """Ask Twilio about the number that we send from.

    Raises:
        DeliveryProblem: it can't be asked.
    """
    number = settings.TWILIO_FROM_NUMBER
    if not number.startswith(AMERICAN):
        return Registration(Kind.NONE, Standing.VERIFIED)
    with asked():
        listed = client().incoming_phone_numbers.list(phone_number=number, limit=1)
        if not listed:
            return Registration(_kind(number), Standing.MISSING)
        if _kind(number) is Kind.TOLL_FREE:
            return _of_toll_free(listed[0].sid)
        return _best([*_of_services(listed[0].sid)])


@dataclass(frozen=True)
class Replies:
    """The Messaging Service that our number belongs to, and where it hands replies.

    `url` is "" if the number's own setting counts, or if the service hands them to nobody.
    """

    service: str
    follows_number: bool
    url: str


def replies() -> Replies | None:
    """Ask Twilio for the Messaging Service that decides about replies; None if there's none.

    Raises:
        DeliveryProblem: it can't be asked.
    """
    with asked():
        listed = client().incoming_phone_numbers.list(
            phone_number=settings.TWILIO_FROM_NUMBER, limit=1
        )
        for service in client().messaging.v1.services.list(limit=MOST_SERVICES) if listed else ():
            if _has(service, listed[0].sid):
                return Replies(
                    service=str(service.friendly_name or service.sid),
                    follows_number=bool(service.use_inbound_webhook_on_number),
                    url=str(service.inbound_request_url or ""),
                )
    return None


def _kind(number: str) -> Kind:
    return Kind.TOLL_FREE if number[2:5] in TOLL_FREE else Kind.CAMPAIGN


def _of_toll_free(sid: str) -> Registration:
    listed = client().messaging.v1.tollfree_verifications.list(
        tollfree_phone_number_sid=sid, limit=MOST_SERVICES
    )
    found = [
        _registration(Kind.TOLL_FREE, str(one.status), reason=str(one.rejection_reason or ""))
        for one in listed
    ]
    return _best(found, Kind.TOLL_FREE)


def _of_services(sid: str) -> Iterator[Registration]:
    """Yield the campaigns of each Messaging Service that a number belongs to."""
    for service in client().messaging.v1.services.list(limit=MOST_SERVICES):
        if not _has(service, sid):
            continue
        campaigns = client().messaging.v1.services(service.sid).us_app_to_person
        name = str(service.friendly_name or service.sid)
        listed = campaigns.list(limit=MOST_SERVICES)
        if not listed:
            yield Registration(Kind.CAMPAIGN, Standing.MISSING, name)
        for one in listed:
            reason = " ".join(_reasons(one.errors))
            yield _registration(Kind.CAMPAIGN, str(one.campaign_status), name, reason)


def _has(service: Any, sid: str) -> bool:
    try:
        client().messaging.v1.services(service.sid).phone_numbers(sid).fetch()
    except TwilioRestException as error:
        if error.status == NOT_FOUND:
            return False
        raise
    return True


def _reasons(errors: Any) -> Iterator[str]:
    """Yield what a campaign's errors say, however deep Twilio puts it."""
    if isinstance(errors, dict):
        for name, value in errors.items():
            if name in ("description", "message") and isinstance(value, str):
                yield value.rstrip(".") + "."
            else:
                yield from _reasons(value)
    elif isinstance(errors, list):
        for one in errors:
            yield from _reasons(one)


def _registration(kind: Kind, said: str, service: str = "", reason: str = "") -> Registration:
    standing = STANDINGS.get(said.upper(), Standing.UNKNOWN)
    return Registration(kind, standing, service, reason, said)


def _best(found: list[Registration], kind: Kind = Kind.CAMPAIGN) -> Registration:
    """Return the registration that lets most through: one that's verified is enough."""
    order = list(Standing)
    missing = Registration(kind, Standing.MISSING)
    return min(found, key=lambda one: order.index(one.standing), default=missing)
