"""Numbers with a fixed outcome, as with Twilio's test credentials, and checks of requests."""

import re
from collections.abc import Mapping
from urllib.parse import urlsplit

from sandbox.twilio import errors
from sandbox.twilio.errors import TwilioError

FROM_NUMBER = "+15005550006"
SERVICE = "MG" + "0" * 32
UNDELIVERED_NUMBER = "+15005550010"
UNDELIVERED_CODE = 30003
UNDELIVERED_MESSAGE = "Unreachable destination handset"
LONGEST_BODY = 1600

_E164 = re.compile(r"\+[1-9]\d{6,14}")


def check_request(form: Mapping[str, str]) -> None:
    """Raise the TwilioError that Twilio would answer with, in Twilio's order of checks."""
    _check_sender(form)
    _check_recipient(form)
    _check_content(form)


def sender(form: Mapping[str, str]) -> str:
    """The number a message is sent from: a messaging service uses the account's only one."""
    return form.get("From") or FROM_NUMBER


def _check_sender(form: Mapping[str, str]) -> None:
    if not form.get("From") and not form.get("MessagingServiceSid"):
        raise TwilioError(400, 21603, "A 'From' phone number is required.")
    if service := form.get("MessagingServiceSid"):
        if service != SERVICE:
            raise TwilioError(
                400, 21705, f"The Messaging Service Sid {service} is invalid or not found"
            )
        return
    number = sender(form)
    if number == "+15005550001":
        raise TwilioError(400, 21212, f"Invalid 'From' Phone Number: {number}")
    if number == "+15005550008":
        raise TwilioError(
            400, 21611, "This 'From' number has exceeded the maximum number of queued messages"
        )
    if number != FROM_NUMBER:
        raise errors.foreign_sender(number)


def _check_recipient(form: Mapping[str, str]) -> None:
    number = form.get("To", "")
    if not number:
        raise TwilioError(400, 21604, "A 'To' phone number is required.")
    if not _E164.fullmatch(number):
        raise errors.invalid_to(number)
    refusal = _refusals(number, sender(form)).get(number)
    if refusal:
        raise refusal


def _refusals(to: str, from_: str) -> dict[str, TwilioError]:
    unreachable = (
        f"The 'To' phone number: {to}, is not currently reachable"
        f" using the 'From' phone number: {from_} via SMS."
    )
    region = (
        "Permission to send an SMS has not been enabled for the region"
        f" indicated by the 'To' number: {to}."
    )
    return {
        "+15005550001": errors.invalid_to(to),
        "+15005550002": TwilioError(400, 21612, unreachable),
        "+15005550003": TwilioError(400, 21408, region),
        "+15005550004": errors.opted_out(),
        "+15005550009": TwilioError(400, 21614, f"'To' number: {to}, is not a valid mobile number"),
    }


def _check_content(form: Mapping[str, str]) -> None:
    body = form.get("Body", "")
    if not body:
        raise TwilioError(400, 21602, "Message body is required.")
    if len(body) > LONGEST_BODY:
        raise TwilioError(
            400, 21617, "The concatenated message body exceeds the 1600 character limit."
        )
    callback = form.get("StatusCallback", "")
    if callback and urlsplit(callback).scheme not in ("http", "https"):
        raise TwilioError(400, 21609, f"The StatusCallback URL {callback} is not a valid URL.")
