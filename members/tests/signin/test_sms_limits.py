"""The caps on texted codes: each holds, says so, and never becomes a server error."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
from django.core.cache import cache
from django.db import connection
from django.urls import reverse
from django.utils import timezone
from pytest_django import Settings

from members.models import PhoneCode
from members.signin import sms_limits
from members.signin.sms_limits import Recipient, TooManyCodesError
from members.tests.actors import (
    PHONE,
    alice,
    bob,
    browser,
    enter_email_code,
    fresh,
    is_signed_in,
    sign_up,
    texts,
)

pytestmark = pytest.mark.django_db
CAPS = {"phone": 99, "member": 99, "client": 99, "country": 99, "total": 99}
CANADIAN = "+14165550100"


def spend(phone: str = PHONE, client: str = "192.0.2.1", **fields: object) -> None:
    sms_limits.spend(Recipient(phone=phone, client=client, **fields))  # type: ignore[arg-type]


def numbers(count: int) -> list[str]:
    return [f"+1415555{2000 + n}" for n in range(count)]


def test_a_number_gets_so_many_codes_a_day(settings: Settings) -> None:
    settings.SMS_CODES_PER_DAY = CAPS | {"phone": 2}
    spend()
    spend(client="192.0.2.2")
    with pytest.raises(TooManyCodesError, match="We’ve sent several codes"):
        spend(client="192.0.2.3")
    spend(CANADIAN)


def test_a_client_asks_for_so_many_codes_a_day(settings: Settings) -> None:
    settings.SMS_CODES_PER_DAY = CAPS | {"client": 2}
    for number in numbers(2):
        spend(number)
    with pytest.raises(TooManyCodesError):
        spend(CANADIAN)
    spend(CANADIAN, client="192.0.2.2")


def test_an_ipv6_customer_counts_once_whatever_address_they_take(settings: Settings) -> None:
    settings.SMS_CODES_PER_DAY = CAPS | {"client": 1}
    spend(client="2001:db8:1:2::1")
    with pytest.raises(TooManyCodesError):
        spend(CANADIAN, client="2001:db8:1:2:ffff::9")
    spend(CANADIAN, client="2001:db8:1:3::1")


def test_a_member_asks_for_so_many_codes_a_day(settings: Settings) -> None:
    settings.SMS_CODES_PER_DAY = CAPS | {"member": 1}
    user = alice()
    spend(user=user)
    with pytest.raises(TooManyCodesError):
        spend(CANADIAN, client="192.0.2.2", user=user)
    spend(CANADIAN, user=bob())


def test_a_country_gets_so_many_codes_a_day(settings: Settings) -> None:
    settings.SMS_CODES_PER_DAY = CAPS | {"country": 1}
    spend()
    with pytest.raises(TooManyCodesError, match="any more codes today"):
        spend(numbers(1)[0], client="192.0.2.2")
    spend(CANADIAN)


def test_all_together_get_so_many_codes_a_day(settings: Settings) -> None:
    settings.SMS_CODES_PER_DAY = CAPS | {"total": 2}
    spend()
    spend(CANADIAN)
    with pytest.raises(TooManyCodesError):
        spend(numbers(1)[0], client="192.0.2.2")


def test_yesterday_does_not_count_and_last_week_is_forgotten(settings: Settings) -> None:
    settings.SMS_CODES_PER_DAY = CAPS | {"phone": 1}
    spend()
    PhoneCode.objects.update(sent_at=timezone.now() - timedelta(hours=25))
    spend()
    assert sms_limits.forget_old() == 0
    PhoneCode.objects.update(sent_at=timezone.now() - timedelta(days=8))
    assert sms_limits.forget_old() == 2


@pytest.mark.django_db(transaction=True)
def test_codes_asked_for_at_once_do_not_slip_past_a_cap(settings: Settings) -> None:
    settings.SMS_CODES_PER_DAY = CAPS | {"total": 3}

    def attempt(number: str) -> bool:
        try:
            spend(number)
        except TooManyCodesError:
            return False
        else:
            return True
        finally:
            connection.close()

    with ThreadPoolExecutor(8) as pool:
        assert sum(pool.map(attempt, numbers(12))) == 3


def test_an_emptied_cache_does_not_reset_the_caps(settings: Settings) -> None:
    settings.SMS_CODES_PER_DAY = CAPS | {"phone": 1}
    spend()
    cache.clear()
    with pytest.raises(TooManyCodesError):
        spend()


def test_signing_up_past_a_cap_says_so_beside_the_phone(settings: Settings) -> None:
    settings.SMS_CODES_PER_DAY = CAPS | {"phone": 0}
    client = browser()
    response = sign_up(client, phone=PHONE)
    assert response.status_code == 200
    assert "works without a phone number" in response.content.decode()
    assert sign_up(client).status_code == 302, "without the phone it goes on"


def test_a_cap_reached_between_form_and_code_lets_the_member_in(settings: Settings) -> None:
    client = browser()
    sign_up(client, phone=PHONE)
    settings.SMS_CODES_PER_DAY = CAPS | {"total": 0}
    assert enter_email_code(client).url == reverse("home")
    assert is_signed_in(client)
    assert texts() == 0


def test_asking_again_past_a_cap_is_said_on_the_page(settings: Settings) -> None:
    settings.SMS_CODES_PER_DAY = CAPS | {"phone": 1}
    client = browser()
    sign_up(client, phone=PHONE)
    enter_email_code(client)
    cache.clear()
    page = client.post(reverse("account_verify_phone"), {"action": "resend"})
    assert page.status_code == 429
    assert "We’ve sent several codes already" in page.content.decode()
    assert texts() == 1


def test_changing_the_phone_past_a_cap_says_so_beside_the_field(settings: Settings) -> None:
    settings.SMS_CODES_PER_DAY = CAPS | {"client": 0}
    response = fresh(alice()).post(reverse("account_change_phone"), {"phone": PHONE})
    assert response.status_code == 200
    assert "We’ve sent several codes" in response.content.decode()
    assert texts() == 0


def test_asking_for_two_codes_in_a_row_on_the_account_page_is_a_429() -> None:
    client = fresh(alice())
    change = reverse("account_change_phone")
    assert client.post(change, {"phone": PHONE}).status_code == 302
    again = client.post(change, {"phone": PHONE})
    assert again.status_code == 429
    assert "You can request another in a minute." in again.content.decode()
    assert texts() == 1
