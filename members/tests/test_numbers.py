"""Phone numbers that are written in several ways are one number, and are found as one."""

from __future__ import annotations

import re
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.core.exceptions import ValidationError
from django.utils import timezone
from pytest_django import Settings

from billing.tests.staff_world import support
from conftest import Sandbox, run_jobs
from members import numbers, phones
from members.models import Member
from members.tests.actors import (
    ALICE,
    PASSWORD,
    alice,
    browser,
    enter_email_code,
    enter_phone_code,
    log_in,
    member,
    post,
    sign_up,
)

pytestmark = pytest.mark.django_db
MEXICAN = "+525512345678"
ARGENTINE = "+5491123456789"
FORMS = [
    (MEXICAN, "US", ["+52 1 55 1234 5678", "+5215512345678", "+52 55 1234 5678"]),
    (MEXICAN, "US", ["0052 1 55 1234 5678", "011 52 55 1234 5678", "\u202a+52 55 1234 5678\u202c"]),
    (MEXICAN, "MX", ["55 1234 5678", "044 55 1234 5678", "045 55 1234 5678", "01 55 1234 5678"]),
    (ARGENTINE, "US", ["+54 9 11 2345-6789", "+54 11 15 2345 6789", "+54 11 2345 6789"]),
    (ARGENTINE, "AR", ["011 15 2345-6789", "11 15 2345 6789", "11 2345 6789"]),
    ("+5493512345678", "AR", ["0351 15 234 5678", "+54 9 351 234 5678", "351 234 5678"]),
    ("+5511981234567", "BR", ["+55 11 8123 4567", "11 8123 4567", "(11) 98123-4567"]),
    ("+447911123456", "US", ["+44 (0)7911 123456", "0044 7911 123456"]),
    (
        "+14155552671",
        "US",
        ["(415) 555-2671", "1 415 555 2671", "٤١٥ ٥٥٥ ٢٦٧١", "001 415 555 2671"],
    ),
]


@pytest.fixture(autouse=True)
def _everywhere(settings: Settings) -> None:
    settings.SMS_COUNTRIES = ["US", "MX", "AR", "BR", "GB", "GG"]


@pytest.mark.parametrize(
    ("kept", "region", "written"),
    [(kept, region, one) for kept, region, ways in FORMS for one in ways],
)
def test_a_number_is_kept_in_one_form(
    settings: Settings, kept: str, region: str, written: str
) -> None:
    settings.PHONE_DEFAULT_REGION = region
    assert phones.PhoneField().clean(written) == kept
    assert numbers.kept(kept) == kept


@pytest.mark.parametrize(
    "wrong", ["+52 1 55 1234 567", "+52 55 1234 567", "15 2345 6789", "00", ""]
)
def test_what_is_no_number_is_refused(settings: Settings, wrong: str) -> None:
    settings.PHONE_DEFAULT_REGION = "AR"
    with pytest.raises(ValidationError):
        phones.PhoneField().clean(wrong)


def test_a_landline_gets_no_texts() -> None:
    with pytest.raises(ValidationError, match="mobile"):
        phones.normalize("+55 11 3123 4567")


@pytest.mark.parametrize("sender", ["short", "12345", "+999", "", "+1"])
def test_who_is_no_number_stays_as_it_is(sender: str) -> None:
    assert numbers.kept(sender) == sender


def take(user: User, phone: str) -> None:
    """Give somebody a number that takes our texts."""
    now = timezone.now()
    Member.objects.filter(user=user).update(phone=phone, phone_verified_at=now, sms_consent_at=now)


@pytest.mark.parametrize(
    ("kept", "sender"),
    [
        (MEXICAN, "+5215512345678"),
        (MEXICAN, MEXICAN),
        (ARGENTINE, "+541123456789"),
        (ARGENTINE, ARGENTINE),
    ],
)
def test_a_reply_is_heard_whichever_way_the_sender_is_written(
    client: Any, sandbox: Sandbox, settings: Settings, kept: str, sender: str
) -> None:
    take(alice(), kept)
    _reply(client, settings, sender, "STOP")
    assert not member().accepts_sms
    _reply(client, settings, sender, "START")
    assert member().accepts_sms
    assert "our team will read it" in _reply(client, settings, sender, "How are you?")


def _reply(client: Any, settings: Settings, sender: str, words: str) -> str:
    """Send what Twilio sends when somebody replies; return our answer."""
    from twilio.request_validator import RequestValidator

    form = {"From": sender, "To": settings.TWILIO_FROM_NUMBER, "Body": words}
    form["MessageSid"] = f"SM{words}"
    url = f"{settings.PORTAL_URL}/sms/inbound/"
    signature = RequestValidator(settings.TWILIO_AUTH_TOKEN).compute_signature(url, form)
    answer = client.post("/sms/inbound/", form, headers={"X-Twilio-Signature": signature})
    assert answer.status_code == 200
    return str(answer.content.decode())


def test_one_number_in_two_forms_is_one_members(sandbox: Sandbox) -> None:
    client = browser()
    sign_up(client, phone="+52 1 55 1234 5678")
    enter_email_code(client)
    run_jobs()
    [text] = sandbox.look("phone")
    assert text["to"] == MEXICAN
    code = re.findall(r"\b[0-9]{6}\b", text["body"])[0]
    enter_phone_code(client, MEXICAN, code)
    assert str(member().phone) == MEXICAN
    assert phones.owner("+5215512345678") == User.objects.get(email=ALICE)


def test_staff_find_a_number_in_either_form(client: Any) -> None:
    take(alice(), MEXICAN)
    client.force_login(support())
    for term in ["+5215512345678", "5215512345678", MEXICAN, "+52 55 12"]:
        assert "Alice Archer" in client.get("/staff/auth/user/", {"q": term}).content.decode()


def test_a_change_to_the_same_number_is_none(settings: Settings) -> None:
    take(alice(), MEXICAN)
    client = browser()
    log_in(client, ALICE, PASSWORD)
    page = post(client, "account_change_phone", phone="+52 1 55 1234 5678").content.decode()
    assert "current" in page or "now" in page
