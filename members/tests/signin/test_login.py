"""Signing in by password and by code, and getting back in without either."""

from __future__ import annotations

from typing import Any

import pytest
from django.contrib.auth import get_user_model
from django.core.management import call_command
from django.test import Client
from django.urls import reverse

from members.tests.actors import (
    ALICE,
    BOB,
    PASSWORD,
    alice,
    browser,
    enter_email_code,
    is_signed_in,
    last_code,
    last_message,
    log_in,
    post,
)

pytestmark = pytest.mark.django_db


def test_login_by_password() -> None:
    alice()
    client = browser()
    assert log_in(client).url == reverse("home")
    assert is_signed_in(client)


def test_a_wrong_password_and_an_unknown_address_read_the_same() -> None:
    alice()
    wrong = log_in(browser(), password="wrong")
    unknown = log_in(browser(), email=BOB)
    for response in (wrong, unknown):
        assert response.status_code == 200
        assert "Incorrect email or password" in response.content.decode()


def test_guessing_a_password_is_stopped_after_five_tries() -> None:
    alice()
    for _ in range(5):
        log_in(browser(), password="wrong")
    response = log_in(browser())
    assert "Too many tries" in response.content.decode()
    assert "_auth_user_id" not in response.client.session


def test_login_by_code() -> None:
    alice()
    client = browser()
    response = post(client, "account_request_login_code", email=ALICE)
    assert response.url == reverse("account_confirm_login_code")
    confirmed = post(client, "account_confirm_login_code", code=last_code(ALICE))
    assert confirmed.url == reverse("home")
    assert is_signed_in(client)


def test_a_wrong_login_code_signs_nobody_in() -> None:
    alice()
    client = browser()
    post(client, "account_request_login_code", email=ALICE)
    response = client.post(reverse("account_confirm_login_code"), {"code": "000000"})
    assert "That code isn’t correct" in response.content.decode()
    assert not is_signed_in(client)


CODES = {
    "account_request_login_code": "account_confirm_login_code",
    "account_reset_password": "account_confirm_password_reset_code",
}


@pytest.mark.parametrize("asking", CODES)
def test_guesses_sent_at_the_same_moment_are_counted(asking: str) -> None:
    alice()
    client = browser()
    post(client, asking, email=ALICE)
    before = dict(client.session.items())
    for guess in range(5):
        _restore(client, before)  # what a request sees that was sent beside the others
        post(client, CODES[asking], code=f"00000{guess}")
    _restore(client, before)
    answer = post(client, CODES[asking], code=last_code(ALICE))
    assert "Too many tries" in answer.content.decode()
    assert not is_signed_in(client)


@pytest.mark.slow
def test_a_network_enters_so_many_codes_a_minute() -> None:
    alice()
    for number in range(7):
        guesser = browser()
        post(guesser, "account_request_login_code", email=f"nobody{number}@example.com")
        for _ in range(3):
            post(guesser, "account_confirm_login_code", code="000000")
    client = browser()
    post(client, "account_request_login_code", email=ALICE)
    code = last_code(ALICE)
    refused = post(client, "account_confirm_login_code", code=code)
    assert "Too many tries" in refused.content.decode()
    client.defaults["REMOTE_ADDR"] = "192.0.2.2"  # the phone left the café's network
    post(client, "account_confirm_login_code", code=code)
    assert is_signed_in(client)


def _restore(client: Client, values: dict[str, Any]) -> None:
    session = client.session
    session.clear()
    session.update(values)
    session.save()


def test_asking_for_a_code_for_an_unknown_address_looks_the_same() -> None:
    client = browser()
    response = post(client, "account_request_login_code", email=BOB)
    assert response.url == reverse("account_confirm_login_code")
    assert client.get(response.url).status_code == 200
    assert "code" not in last_message(BOB).context


def test_a_new_password_for_an_unknown_address_looks_the_same() -> None:
    client = browser()
    response = post(client, "account_reset_password", email=BOB)
    assert response.url == reverse("account_confirm_password_reset_code")
    assert client.get(response.url).status_code == 200
    assert "code" not in last_message(BOB).context


def test_a_forgotten_password_is_set_anew_by_code() -> None:
    user = alice()
    client = browser()
    client.post(reverse("account_reset_password"), {"email": ALICE})
    confirm = reverse("account_confirm_password_reset_code")
    assert client.post(confirm, {"code": last_code(ALICE)}).status_code == 302
    new = {"password1": "another fine password", "password2": "another fine password"}
    client.post(reverse("account_complete_password_reset"), new)
    user.refresh_from_db()
    assert user.check_password("another fine password")
    assert is_signed_in(client)


def test_changing_the_e_mail_address_asks_for_the_password_again() -> None:
    client = browser()
    alice()
    log_in(client)
    response = post(client, "account_email", email="alice@new.example.com", action_add="add")
    assert response.url.startswith(reverse("account_reauthenticate"))
    client.post(response.url, {"password": PASSWORD})
    enter_email_code(client, "alice@new.example.com")
    assert get_user_model().objects.get().email == "alice@new.example.com"


def test_a_superuser_made_on_the_command_line_proves_the_address_and_is_in() -> None:
    options = {"username": "root", "email": "root@example.com", "interactive": False}
    call_command("createsuperuser", **options, verbosity=0)
    root = get_user_model().objects.get()
    root.set_password(PASSWORD)
    root.save()
    assert root.member.phone == ""
    client = browser()
    assert log_in(client, root.email).url == reverse("account_email_verification_sent")
    enter_email_code(client, root.email)
    assert is_signed_in(client)
