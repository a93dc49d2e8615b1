"""A browser that has signed in before: nobody can lock it out, and guessing gets no easier."""

from __future__ import annotations

import uuid
from datetime import timedelta
from itertools import count

import pytest
import time_machine
from allauth.account.models import EmailAddress
from django.contrib.auth.models import User
from django.core.cache import cache
from django.core.signing import Signer
from django.test import Client
from django.urls import reverse
from django.utils import timezone
from pytest_django import Settings

from emails.models import Message
from members import phones
from members.models import Device, PhoneCode
from members.signin import devices
from members.tests.actors import (
    ALICE,
    BOB,
    PASSWORD,
    PHONE,
    Browser,
    alice,
    bob,
    browser,
    enter_phone_code,
    fresh,
    is_signed_in,
    last_code,
    log_in,
    member,
    post,
    sign_up,
    texts,
)
from members.tests.authenticator import code_of
from members.tests.signin.test_mfa import AUTHENTICATE, add_app, signed_in
from portal.backoffice.close_account import close_account

pytestmark = pytest.mark.django_db
HOME, ELSEWHERE = "192.0.2.1", "198.51.100.7"
WRONG, NEW = "a wrong guess", "another fine password"
networks = count(1)


def sign_out(client: Client) -> Client:
    """End the session; the device's cookie stays."""
    post(client, "account_logout")
    assert not is_signed_in(client)
    return client


def at_home(user: User, address: str = HOME) -> Client:
    """Return the browser of someone who has signed in there before, and out again."""
    return sign_out(fresh(user, address))


def with_cookie(value: str) -> Browser:
    """Return a browser elsewhere that has this device's cookie."""
    client = browser(address=ELSEWHERE)
    client.cookies[devices.COOKIE] = value
    return client


def strangers_try(times: int = 12, address: str = ELSEWHERE) -> None:
    """Type wrong passwords for Alice."""
    for _ in range(times):
        log_in(browser(address=address), password="wrong")


def looked_at(client: Client, tries: int = 20, password: str = WRONG) -> int:
    """Return how many of so many passwords were compared before it was too many, each elsewhere."""
    looked = 0
    for _ in range(tries):
        client.defaults["REMOTE_ADDR"] = f"203.0.113.{next(networks) % 250}"
        page = log_in(client, password=password).content.decode()
        looked += "Incorrect email or password" in page
    return looked


@pytest.mark.slow
@pytest.mark.parametrize("address", [ELSEWHERE, HOME])
def test_wrong_passwords_of_strangers_do_not_stop_who_was_here_before(address: str) -> None:
    client = at_home(alice())
    strangers_try(40, address)
    new = browser(address="203.0.113.9")
    assert "Too many tries" in log_in(new).content.decode(), "others wait"
    assert log_in(client).url == reverse("home")
    assert is_signed_in(client)


@pytest.mark.slow
def test_wrong_passwords_of_strangers_do_not_stop_who_confirms_that_it_is_them() -> None:
    user = alice()
    known, from_before = fresh(user), browser(user)
    strangers_try()
    for client in (known, from_before):
        answer = post(client, "account_reauthenticate", password=PASSWORD)
        assert answer.status_code == 302, "signed in, on a known device or in a session"


@pytest.mark.slow
def test_guessing_is_as_hard_as_without_devices() -> None:
    client = at_home(alice())
    cookie = client.cookies[devices.COOKIE].value
    mallory = at_home(bob(), ELSEWHERE).cookies[devices.COOKIE].value
    forged = [
        Signer(salt=devices.SALT, key="another key").sign(uuid.uuid4().hex),
        Signer(salt=devices.SALT).sign(uuid.uuid4().hex),
        cookie.replace(cookie[0], "f" if cookie[0] != "f" else "e", 1),
        cookie.split(":")[0],
        "",
        mallory,
    ]
    assert looked_at(browser(address=ELSEWHERE)) == 5
    for value in forged:
        assert looked_at(with_cookie(value), 3) == 0, "it counts with all others"
    assert looked_at(with_cookie(cookie)) == 5, "a stolen one has its own budget, and no more"
    assert looked_at(with_cookie(cookie), 1, PASSWORD) == 0


@pytest.mark.slow
def test_the_budget_of_a_device_is_bounded_by_the_day() -> None:
    cookie = at_home(alice()).cookies[devices.COOKIE].value
    start, looked = timezone.now(), 0
    for window in range(9):
        with time_machine.travel(start + timedelta(minutes=6 * window)):
            looked += looked_at(with_cookie(cookie), 6)
    assert looked == 30


@pytest.mark.slow
def test_who_shares_a_browser_has_a_budget_each() -> None:
    client = at_home(alice())
    bob()
    log_in(client, BOB)
    sign_out(client)
    assert Device.objects.values("browser").distinct().count() == 1
    assert looked_at(client) == 5
    assert log_in(client, BOB).url == reverse("home")


def test_the_cookie_is_kept_from_scripts_and_other_sites(settings: Settings) -> None:
    settings.SESSION_COOKIE_SECURE = True
    answer = log_in(browser(), alice().email)
    cookie = answer.cookies[devices.COOKIE]
    assert cookie["httponly"] is True
    assert cookie["secure"] is True
    assert cookie["samesite"] == "Lax"
    assert cookie["path"] == "/accounts/"
    assert cookie["max-age"] == 180 * 24 * 60 * 60


@pytest.mark.slow
def test_a_new_password_ends_what_other_devices_were_worth() -> None:
    user = alice()
    old, here = at_home(user), fresh(user)
    change = {"oldpassword": PASSWORD, "password1": NEW, "password2": NEW}
    assert post(here, "account_change_password", **change).status_code == 302
    sign_out(here)
    strangers_try()
    assert "Too many tries" in log_in(old, password=NEW).content.decode()
    assert log_in(here, password=NEW).url == reverse("home"), "where it was changed is known"


def test_a_password_set_in_whatever_way_ends_them() -> None:
    user = alice()
    client = at_home(user)
    user.set_password(NEW)
    user.save()
    strangers_try()
    assert "Too many tries" in log_in(client, password=NEW).content.decode()


@pytest.mark.slow
def test_signing_out_everywhere_else_ends_them() -> None:
    user = alice()
    other, here = at_home(user), fresh(user)
    fresh(user)
    post(here, "usersessions_list")
    assert Device.objects.filter(user=user).count() == 1
    strangers_try()
    assert "Too many tries" in log_in(other).content.decode()
    assert log_in(sign_out(here)).url == reverse("home")


@pytest.mark.slow
def test_devices_are_forgotten_in_time() -> None:
    user = alice()
    client = at_home(user)
    Device.objects.update(seen_at=timezone.now() - timedelta(days=181))
    strangers_try()
    assert "Too many tries" in log_in(client).content.decode(), "an old cookie is worth nothing"
    assert devices.forget_old() == 1
    cache.clear()
    fresh(user)
    assert devices.forget_old() == 0
    close_account(user)
    assert not Device.objects.exists()


@pytest.mark.slow
@pytest.mark.parametrize(
    ("asking", "most"), [("account_request_login_code", 15), ("account_reset_password", 10)]
)
def test_codes_that_strangers_ask_for_leave_a_device_its_own(asking: str, most: int) -> None:
    client = at_home(alice())
    sent = 0
    for minute in range(8):
        with time_machine.travel(timezone.now() + timedelta(minutes=2 * minute)):
            for _ in range(4):
                before = last_id()
                post(browser(address=f"203.0.113.{next(networks) % 250}"), asking, email=ALICE)
                sent += last_id() != before
    assert sent == most, "an address gets as many as ever"
    with time_machine.travel(timezone.now() + timedelta(minutes=20)):
        before = last_id()
        assert post(client, asking, email=ALICE).status_code == 302
        assert last_id() != before
        for _ in range(5):
            client.get(reverse(asking))  # opened anew: what was pending is dropped
            post(client, asking, email=ALICE)
        mine = Message.objects.filter(recipient=ALICE, pk__gt=before)
        assert mine.count() == 3, "and a device three a minute"


def last_id() -> int:
    return max(Message.objects.filter(recipient=ALICE).values_list("pk", flat=True), default=0)


def test_another_code_comes_to_a_known_device_whatever_strangers_asked_for() -> None:
    client = at_home(alice())
    post(client, "account_request_login_code", email=ALICE)
    for _ in range(4):
        post(browser(address=ELSEWHERE), "account_request_login_code", email=ALICE)
    before = last_id()
    again = client.post(reverse("account_confirm_login_code"), {"action": "resend"})
    assert again.status_code == 302
    assert last_id() != before
    post(client, "account_confirm_login_code", code=last_code(ALICE))
    assert is_signed_in(client)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("asking", "confirm"),
    [
        ("account_request_login_code", "account_confirm_login_code"),
        ("account_reset_password", "account_confirm_password_reset_code"),
    ],
)
def test_codes_entered_behind_the_same_address_do_not_stop_a_device(
    asking: str, confirm: str
) -> None:
    client = at_home(alice())
    for number in range(8):
        guesser = browser(address=HOME)
        post(guesser, "account_request_login_code", email=f"nobody{number}@example.com")
        for _ in range(3):
            post(guesser, "account_confirm_login_code", code="000000")
    new = browser(address=HOME)
    post(client, asking, email=ALICE)
    assert "Too many tries" not in post(client, confirm, code=last_code(ALICE)).content.decode()
    cache.clear()
    assert post(new, asking, email=ALICE).status_code == 302


@pytest.mark.slow
def test_who_has_the_password_alone_does_not_stop_the_second_step() -> None:
    user = alice()
    client = signed_in(user)
    secret = add_app(client)
    sign_out(client)
    thief = browser(address=ELSEWHERE)
    refused = 0
    for _ in range(8):
        log_in(thief)
        refused += "Too many tries" in thief.post(AUTHENTICATE, {"code": "000000"}).content.decode()
    assert refused == 3, "five tries in five minutes"
    log_in(client)
    assert client.post(AUTHENTICATE, {"code": code_of(secret, steps=1)}).status_code == 302
    assert is_signed_in(client)


def test_numbers_that_strangers_sign_up_with_leave_the_owner_their_codes() -> None:
    user = alice()
    client = fresh(user)
    for number in range(8):
        address = f"203.0.113.{number}"
        PhoneCode.objects.create(phone=PHONE, country="US", client=address)
    stranger = browser(address=ELSEWHERE)
    page = sign_up(stranger, "mallory@example.com", phone=PHONE).content.decode()
    assert "We’ve sent several codes already" in page
    assert post(client, "account_change_phone", phone=PHONE).status_code == 302
    enter_phone_code(client)
    assert member().phone_is_verified


def test_a_number_that_a_stranger_asked_for_just_now_is_not_too_soon_for_its_owner() -> None:
    client, other = fresh(alice()), fresh(bob(), ELSEWHERE)
    assert post(other, "account_change_phone", phone=PHONE).status_code == 302
    assert post(client, "account_change_phone", phone=PHONE).status_code == 302
    assert post(client, "account_change_phone", phone=PHONE).status_code == 429
    assert texts() == 2


def test_a_member_gets_so_many_codes_for_a_number() -> None:
    user = alice()
    client = fresh(user)
    for _ in range(6):
        PhoneCode.objects.create(user=user, phone=PHONE, country="US", client=ELSEWHERE)
    page = post(client, "account_change_phone", phone=PHONE).content.decode()
    assert "We’ve sent several codes already" in page


def test_the_last_quarter_of_a_days_codes_is_for_members(settings: Settings) -> None:
    settings.SMS_CODES_PER_DAY = settings.SMS_CODES_PER_DAY | {"total": 4, "country": 99}
    for number in range(3):
        PhoneCode.objects.create(phone=f"+1415555200{number}", country="US", client=ELSEWHERE)
    page = sign_up(browser(address=ELSEWHERE), "carl@example.com", phone=PHONE).content.decode()
    assert "We can’t text any more codes today" in page
    assert post(fresh(alice()), "account_change_phone", phone=PHONE).status_code == 302


def test_removing_the_number_asks_who_is_there_and_then_does_it() -> None:
    user = alice()
    phones.confirm(user, PHONE)
    client = browser(user)
    asked = post(client, "members:phone-remove")
    assert asked.url == "/accounts/reauthenticate/?next=%2Faccount%2Fphone%2Fremove%2F"
    assert member().phone == PHONE
    client.post(asked.url, {"password": "wrong"})
    assert member().phone == PHONE
    answer = client.post(asked.url, {"password": PASSWORD})
    assert answer["Location"] == reverse("members:notifications")
    assert not member().phone


@pytest.mark.parametrize(
    ("name", "fields"),
    [
        ("members:phone-remove", {}),
        ("account_change_phone", {"phone": "+1 212 555 0123"}),
        ("account_email", {"email": "mallory@example.com", "action_add": ""}),
        ("account_set_password", {"password1": NEW, "password2": NEW}),
    ],
)
def test_an_old_session_without_a_password_changes_no_way_in_and_none_to_be_reached(
    name: str, fields: dict[str, str]
) -> None:
    user = alice()
    phones.confirm(user, PHONE)
    user.set_unusable_password()
    user.save()
    client = browser(user)
    answer = client.post(reverse(name), fields, follow=True)
    assert "This needs a recent sign-in" in answer.content.decode()
    user.refresh_from_db()
    assert (user.email, user.has_usable_password(), member().phone) == (ALICE, False, PHONE)
    assert not EmailAddress.objects.filter(email="mallory@example.com").exists()
