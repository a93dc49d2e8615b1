"""Passwords are hashed with Argon2, and older hashes are replaced without anybody noticing."""

from __future__ import annotations

import pytest
from django.contrib.auth.hashers import (
    PBKDF2PasswordHasher,
    check_password,
    identify_hasher,
    make_password,
)
from django.contrib.auth.models import User
from django.test import Client
from pytest_django import Settings

from members.models import Device
from members.signin import devices
from members.tests.actors import ALICE, PASSWORD, alice, browser, fresh, is_signed_in, log_in, post
from portal import settings as ours

OLD = "django.contrib.auth.hashers.MD5PasswordHasher"
pytestmark = pytest.mark.django_db


@pytest.fixture
def hashed_before(settings: Settings) -> User:
    """Alice with a hash of another kind, from before ours."""
    settings.PASSWORD_HASHERS = [OLD]
    return alice()


def _upgrade(settings: Settings) -> None:
    settings.PASSWORD_HASHERS = [*ours.PASSWORD_HASHERS, OLD]


def _stays(client: Client) -> bool:
    return client.get("/account/").status_code == 200


def test_ours_is_argon2id_with_the_numbers_of_owasp(settings: Settings) -> None:
    settings.PASSWORD_HASHERS = ours.PASSWORD_HASHERS
    made = make_password(PASSWORD)
    assert made.startswith("argon2$argon2id$v=19$m=19456,t=2,p=1$")
    assert check_password(PASSWORD, made)
    assert not check_password("another one", made)


def test_hashes_of_djangos_default_are_still_read(settings: Settings) -> None:
    settings.PASSWORD_HASHERS = ours.PASSWORD_HASHERS
    old = PBKDF2PasswordHasher().encode(PASSWORD, "salt", iterations=1000)
    assert check_password(PASSWORD, old)


def test_a_hash_with_other_numbers_is_replaced(settings: Settings) -> None:
    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.Argon2PasswordHasher"]
    user = alice()
    settings.PASSWORD_HASHERS = ours.PASSWORD_HASHERS
    log_in(browser())
    user.refresh_from_db()
    assert "$m=19456,t=2,p=1$" in user.password


def test_signing_in_replaces_an_old_hash_and_signs_nobody_out(
    settings: Settings, hashed_before: User
) -> None:
    phone, laptop = fresh(hashed_before), browser()
    _upgrade(settings)
    log_in(laptop, password="not hers")
    hashed_before.refresh_from_db()
    assert identify_hasher(hashed_before.password).algorithm == "md5"

    log_in(laptop)
    hashed_before.refresh_from_db()
    assert identify_hasher(hashed_before.password).algorithm == "argon2"
    assert is_signed_in(laptop)
    assert _stays(phone)
    assert _stays(laptop)
    known = Device.objects.filter(user=hashed_before)
    assert known.count() == 2
    assert all(devices._good(row) for row in known), "browsers keep their own limits"
    assert log_in(browser()).status_code == 302, "the new hash signs in, too"


def test_confirming_the_password_replaces_it_and_goes_on(
    settings: Settings, hashed_before: User
) -> None:
    here, elsewhere = fresh(hashed_before), fresh(hashed_before)
    _upgrade(settings)
    assert post(here, "account_reauthenticate", password=PASSWORD).status_code == 302
    hashed_before.refresh_from_db()
    assert identify_hasher(hashed_before.password).algorithm == "argon2"
    assert _stays(here)
    assert _stays(elsewhere)


def test_a_session_with_another_password_stays_ended(
    settings: Settings, hashed_before: User
) -> None:
    thief = fresh(hashed_before)
    hashed_before.set_password("a newer password")
    hashed_before.save()
    _upgrade(settings)
    log_in(browser(), ALICE, "a newer password")
    assert not _stays(thief)
