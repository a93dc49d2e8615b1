"""Signing up: email by code, phone by code or without, consent, and nothing revealed."""

from __future__ import annotations

import re

import pytest
from allauth.account.models import EmailAddress
from django.contrib.auth.hashers import MD5PasswordHasher
from django.contrib.auth.models import User
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from pytest_django import Settings

from emails.models import Message
from members import phones
from members.models import ConsentSource, TermsAcceptance
from members.tests.actors import (
    ALICE,
    BOB,
    OTHER_PHONE,
    PASSWORD,
    PHONE,
    alice,
    browser,
    enter_email_code,
    enter_phone_code,
    is_signed_in,
    last_code,
    last_message,
    log_in,
    member,
    post,
    sign_up,
    texts,
)

pytestmark = pytest.mark.django_db
CONFIRM_EMAIL = "/accounts/confirm-email/"
CONFIRM_PHONE = "/accounts/phone/verify/"


def test_signing_up_without_a_phone_takes_one_code() -> None:
    client = browser()
    assert sign_up(client).url == CONFIRM_EMAIL
    assert not is_signed_in(client)
    assert enter_email_code(client).url == reverse("home")
    assert is_signed_in(client)
    user = User.objects.get(email=ALICE)
    assert (user.first_name, user.last_name) == ("Alice", "Archer")
    assert EmailAddress.objects.get(user=user).verified
    assert not member().phone
    assert not member().agreed_to_sms


def test_the_sign_up_page_explains_text_messages() -> None:
    page = browser().get(reverse("account_signup")).content.decode()
    assert 'name="name"' in page
    assert "Reply STOP to cancel anytime" in page
    assert "rates may apply" in page
    assert "username" not in page.lower()


def test_the_username_is_random() -> None:
    sign_up(browser())
    username = User.objects.get(email=ALICE).username
    assert "alice" not in username.lower()
    assert len(username) > 20


def test_a_wrong_e_mail_code_signs_nobody_in() -> None:
    client = browser()
    sign_up(client)
    response = enter_email_code(client, code="000000")
    assert response.status_code == 200
    assert "That code isn’t correct" in response.content.decode()
    assert not is_signed_in(client)
    assert not EmailAddress.objects.get(email=ALICE).verified


def test_guessing_e_mail_codes_ends_after_three_tries() -> None:
    client = browser()
    sign_up(client)
    code = last_code(ALICE)
    for _ in range(3):
        enter_email_code(client, code="000000")
    enter_email_code(client, code=code)
    assert not is_signed_in(client)


def test_the_e_mail_address_comes_before_the_phone() -> None:
    client = browser()
    sign_up(client, phone="(415) 555-2671")
    assert texts() == 0, "nobody without a mailbox makes us send text messages"
    assert enter_email_code(client).url == CONFIRM_PHONE
    assert texts() == 1


def test_a_phone_verified_at_sign_up_with_consent_gets_text_messages() -> None:
    client = browser()
    sign_up(client, phone="(415) 555-2671", text_messages="on")
    enter_email_code(client)
    assert not member().agreed_to_sms, "a number that is not proven agrees to nothing"
    assert enter_phone_code(client).url == reverse("home")
    assert is_signed_in(client)
    assert member().phone == PHONE
    assert member().accepts_sms
    assert member().sms_consent_source == ConsentSource.SIGNUP
    record = member().sms_consents.get()
    assert (record.agreed, record.source, str(record.phone)) == (True, "signup", PHONE)
    assert record.words.startswith("Portal will text you about your payments and your account")
    assert record.words.endswith("You don’t need texts to be a member.")
    assert record.ip == "192.0.2.1"


def test_a_verified_phone_alone_is_no_consent() -> None:
    client = browser()
    sign_up(client, phone=PHONE)
    enter_email_code(client)
    enter_phone_code(client)
    assert member().phone_is_verified
    assert not member().accepts_sms
    assert not member().sms_consents.exists()


def test_whoever_gets_no_code_skips_the_phone() -> None:
    client = browser()
    sign_up(client, phone=PHONE, text_messages="on")
    enter_email_code(client)
    page = client.get(CONFIRM_PHONE).content.decode()
    assert reverse("members:phone-skip") in page
    assert post(client, "members:phone-skip").url == reverse("home")
    assert is_signed_in(client)
    assert not member().phone_is_verified
    assert not member().agreed_to_sms


def test_skipping_needs_a_sign_up_that_got_as_far_as_the_phone() -> None:
    visitor = browser()
    assert post(visitor, "members:phone-skip").url == reverse("account_login")
    client = browser()
    sign_up(client, phone=PHONE)
    assert post(client, "members:phone-skip").url == reverse("account_login")
    assert not is_signed_in(client), "skipping the phone must not skip the email address"


def test_an_unverified_phone_does_not_stand_in_the_way_of_later_logins() -> None:
    first = browser()
    sign_up(first, phone=PHONE)
    enter_email_code(first)
    again = browser()
    assert log_in(again).url == reverse("home")
    assert is_signed_in(again)
    assert texts() == 1, "no code is texted at a login"


def test_wrong_phone_codes_leave_a_way_in() -> None:
    client = browser()
    sign_up(client, phone=PHONE)
    enter_email_code(client)
    tries = [enter_phone_code(client, code="000000") for _ in range(3)]
    assert tries[-1].url == reverse("account_login")
    assert not member().phone_is_verified
    assert log_in(client).url == reverse("home")


def test_a_mistyped_phone_is_changed_before_it_is_verified() -> None:
    client = browser()
    sign_up(client, phone=PHONE, text_messages="on")
    enter_email_code(client)
    client.post(CONFIRM_PHONE, {"action": "change", "phone": OTHER_PHONE})
    enter_phone_code(client, OTHER_PHONE)
    assert member().phone == OTHER_PHONE
    assert member().accepts_sms


def test_signing_up_with_a_number_that_just_got_a_code_is_refused_with_429() -> None:
    first = browser()
    sign_up(first, phone=PHONE)
    enter_email_code(first)
    response = sign_up(browser(address="192.0.2.2"), BOB, phone=PHONE)
    assert response.status_code == 429
    assert "Wait a few minutes" in response.content.decode()
    assert not User.objects.filter(email=BOB).exists()


def test_two_sign_ups_with_one_phone_at_the_same_time_both_get_in() -> None:
    first, second = browser(), browser(address="192.0.2.2")
    sign_up(first, phone=PHONE)
    sign_up(second, BOB, phone=PHONE)
    assert enter_email_code(first).url == CONFIRM_PHONE
    response = enter_email_code(second, BOB)
    assert response.url == reverse("home"), "no second code so soon: in, without the phone"
    assert is_signed_in(second)
    assert texts() == 1


def test_the_owner_of_a_taken_number_reads_so_after_the_code_and_nobody_else_does() -> None:
    phones.confirm(alice(), PHONE)
    client = browser()
    assert sign_up(client, BOB, phone=PHONE).url == CONFIRM_EMAIL
    assert enter_email_code(client, BOB).url == CONFIRM_PHONE
    page = enter_phone_code(client).content.decode()
    assert "Another account uses this number" in page
    assert not member(BOB).phone_is_verified
    client.post(reverse("members:phone-skip"))
    assert is_signed_in(client)


def test_signing_up_with_a_known_e_mail_address_looks_like_any_other() -> None:
    alice()
    known, unknown = browser(), browser(address="192.0.2.2")
    assert sign_up(known).url == sign_up(unknown, BOB).url == CONFIRM_EMAIL
    pages = [client.get(CONFIRM_EMAIL) for client in (known, unknown)]
    assert [page.status_code for page in pages] == [200, 200]
    assert [ALICE in pages[0].content.decode(), BOB in pages[1].content.decode()] == [True, True]
    assert User.objects.count() == 2
    assert "code" not in last_message(ALICE).context
    assert enter_email_code(known, code="000000").status_code == 200
    assert User.objects.get(email=ALICE).check_password(PASSWORD)


class CountingHasher(MD5PasswordHasher):
    """Counts what the real hasher would spend most of the time on."""

    hashed = 0

    def encode(self, password: str, salt: str) -> str:
        """Hash a password."""
        CountingHasher.hashed += 1
        return super().encode(password, salt)


def test_a_known_address_takes_as_long_as_a_new_one(settings: Settings) -> None:
    alice()
    settings.PASSWORD_HASHERS = [f"{__name__}.CountingHasher"]
    counts = []
    for email in (ALICE, BOB):
        CountingHasher.hashed = 0
        sign_up(browser(), email)
        counts.append(CountingHasher.hashed)
    assert counts == [1, 1]


def rows_written(email: str, **fields: str) -> list[str]:
    """Sign up with an address; return the tables into which rows were put, the cache's aside."""
    with CaptureQueriesContext(connection) as statements:
        assert sign_up(browser(), email, **fields).url == CONFIRM_EMAIL
    put = [re.match(r"\s*INSERT INTO \"?(\w+)", one["sql"]) for one in statements]
    return [match[1] for match in put if match and match[1] != "portal_cache"]


@pytest.mark.parametrize("fields", [{}, {"phone": PHONE, "text_messages": "on"}])
def test_a_known_address_costs_the_same_rows_and_keeps_none(
    settings: Settings, fields: dict[str, str]
) -> None:
    settings.TERMS_URL = "https://www.example.com/terms"
    alice()
    known, unknown = rows_written(ALICE, **fields), rows_written(BOB, **fields)
    assert known == unknown
    assert {"auth_user", "account_emailaddress", "members_termsacceptance"} <= set(known)
    assert User.objects.count() == EmailAddress.objects.count() == 2
    assert TermsAcceptance.objects.get().user.email == BOB
    assert User.objects.get(email=ALICE).check_password(PASSWORD)


@pytest.mark.parametrize(
    ("fields", "sentence"),
    [
        ({"phone": "12"}, "This phone number doesn’t exist"),
        ({"phone": "call me"}, "Enter a phone number, such as"),
        ({"phone": "+44 7911 123456"}, "only text numbers in US (+1) and CA (+1)"),
        ({"phone": "+1 876 555 0123"}, "only text numbers in US (+1) and CA (+1)"),
        ({"phone": "+1 900 555 0123"}, "Enter a mobile number"),
        ({"text_messages": "on"}, "Enter a number for texts"),
        ({"name": "Win at https://spam.example"}, "Enter your name only"),
        ({"name": ""}, "This field is required"),
    ],
)
def test_what_is_wrong_is_said_beside_its_field(fields: dict[str, str], sentence: str) -> None:
    response = sign_up(browser(), **fields)
    assert response.status_code == 200
    assert sentence in response.content.decode()
    assert not User.objects.exists()
    assert not Message.objects.exists()
