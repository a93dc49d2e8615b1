"""The addresses that machines call answer anything they're sent, never with a 500."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from typing import Any

import pytest
import stripe
from django.test import Client
from django.urls import reverse
from pytest_django import Settings
from twilio.request_validator import RequestValidator

from emails import text_messages
from emails.models import Channel, Message
from portal import machine_urls

pytestmark = pytest.mark.django_db
TOKEN = "a-token-of-tests"
SECRET = "whsec_of_tests"
FORM = "application/x-www-form-urlencoded"
# What a column can't hold, and what is no text or no form at all: (content type, body).
BODIES = {
    "nul": (FORM, b"Body=stop%00&From=%2B12025550143&MessageSid=SM%00&MessageStatus=sent"),
    "nul in a name": (FORM, b"Bo%00dy=stop&From=%2B12025550143"),
    "raw nul": (FORM, b"Body=stop\0&From=%2B12025550143"),
    "no utf-8": (FORM, b"Body=\xff\xfe&From=\xc3("),
    "no utf-8, escaped": (FORM, b"Body=%FF%FE&From=%C3("),
    "half a pair": (FORM, b"Body=%ED%A0%80&From=%ED%A0%80"),
    "another encoding": (f"{FORM}; charset=utf-7", b"Body=%2B2AA-"),
    "no encoding": (f"{FORM}; charset=nonsense", b"Body=stop"),
    "half a pair in parts": (
        "multipart/form-data; boundary=b; charset=utf-7",
        b'--b\r\nContent-Disposition: form-data; name="Body"\r\n\r\n+2AA-\r\n--b--\r\n',
    ),
    "no boundary": ("multipart/form-data", b"Body"),
    "a torn part": ("multipart/form-data; boundary=b", b"--b\r\nContent-Disp"),
    "json": ("application/json", b'{"Body": "\\u0000"}'),
    "nothing": ("", b""),
    "many fields": (FORM, b"&".join(b"a%d=1" % number for number in range(2000))),
    "very large": (FORM, b"Body=" + b"x" * 3_000_000),
}
QUERIES = ["", "?a=%00", "?%00=1", "?a=%ED%A0%80", "?a=%FF"]
HEADERS = [{}, {"X-Twilio-Signature": "é"}, {"Stripe-Signature": "t=é,v1=\xff"}]


@pytest.fixture(autouse=True)
def configured(settings: Settings) -> None:
    """Stripe and Twilio are set up."""
    settings.TWILIO_AUTH_TOKEN = TOKEN
    settings.STRIPE_WEBHOOK_SECRETS = [SECRET]


@pytest.fixture
def machine() -> Client:
    """A machine, which sees an error as a 500."""
    return Client(raise_request_exception=False)


def text_message() -> Message:
    return Message.objects.create(
        channel=Channel.SMS, kind="welcome", recipient="+12025550143", dedupe_key="welcome:sms"
    )


def paths() -> Iterator[str]:
    for pattern in machine_urls.urlpatterns:
        if pattern.name == "sms-status":
            yield text_messages._status_url(text_message()).partition("//")[2].partition("/")[2]
            yield "sms/status/%00/"
            yield "sms/status/x/"
        elif pattern.name == "brand-picture":
            yield from ("brand/%00", "brand/x.png", f"brand/{'0' * 64}.png", "brand/..%2f.env")
        else:
            yield reverse(str(pattern.name)).lstrip("/")


@pytest.mark.slow
@pytest.mark.parametrize("body", BODIES)
@pytest.mark.parametrize("headers", HEADERS, ids=["plain", "twilio", "stripe"])
def test_garbage_is_refused(body: str, headers: dict[str, str], machine: Client) -> None:
    content_type, content = BODIES[body]
    for path in paths():
        for query in QUERIES:
            address = f"/{path}{query}"
            for method in ("POST", "PUT", "GET"):
                answer = machine.generic(method, address, content, content_type, headers=headers)
                assert answer.status_code in {200, 400, 403, 404, 405, 413}, address
                assert answer.status_code in {400, 413} or "%00" not in address


@pytest.mark.parametrize("path", ["sms-inbound", "sms-status"])
def test_what_twilio_signs_with_a_nul_is_a_bad_request(
    path: str, machine: Client, settings: Settings
) -> None:
    address = (
        reverse("sms-inbound")
        if path == "sms-inbound"
        else "/" + text_messages._status_url(text_message()).partition("//")[2].partition("/")[2]
    )
    form = {"From": "+12025550143", "Body": "st\0op", "MessageSid": "SM\0", "MessageStatus": "sent"}
    signed = RequestValidator(TOKEN).compute_signature(f"{settings.PORTAL_URL}{address}", form)
    answer = machine.post(address, form, headers={"X-Twilio-Signature": signed})
    assert answer.status_code == 400


@pytest.mark.parametrize("value", ["a\\u0000b", "\\ud800", "\\udc00\\ud800"])
def test_what_stripe_signs_is_stored_or_refused(value: str, machine: Client) -> None:
    event: dict[str, Any] = {
        "id": "evt_1",
        "object": "event",
        "type": "customer.updated",
        "created": int(time.time()),
        "livemode": False,
        "data": {"object": {"id": "cus_1", "object": "customer", "name": "NAME"}},
    }
    body = json.dumps(event).replace("NAME", value)
    signature = stripe.WebhookSignature.generate_signature_header(body, SECRET)
    answer = machine.post(
        reverse("stripe-webhook"),
        body,
        content_type="application/json",
        headers={"Stripe-Signature": signature},
    )
    assert answer.status_code in {200, 400}
