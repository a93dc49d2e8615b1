"""Where someone is signed in: listed with place and last use, and signed out one by one."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest
import time_machine
from allauth.usersessions.models import UserSession
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone
from pytest_django import Settings

from members.models import Device
from members.signin import sessions
from members.tests.actors import (
    Browser,
    alice,
    bob,
    browser,
    fresh,
    is_signed_in,
    log_in,
    post,
)
from members.tests.place_file import PORTLAND, write

pytestmark = pytest.mark.django_db
LIST = "/accounts/sessions/"
PHONE = "Mozilla/5.0 (iPhone; CPU iPhone OS 18_0) Version/18.0 Safari/604.1"
LAPTOP = "Mozilla/5.0 (Windows NT 10.0) Chrome/130.0 Safari/537.36"
HTMX = {"HX-Request": "true"}


def at(agent: str, address: str) -> Browser:
    """Return Alice's browser with this name, at this address, signed in."""
    client = Browser(REMOTE_ADDR=address, HTTP_USER_AGENT=agent)
    log_in(client)
    assert is_signed_in(client)
    return client


def session_of(client: Browser) -> UserSession:
    return UserSession.objects.get(session_key=client.session.session_key)


def end_of(client: Browser) -> str:
    return reverse("usersessions_end", args=[session_of(client).pk])


def still_in(client: Browser) -> bool:
    return client.get("/account/").status_code == 200


def test_each_has_browser_place_and_last_use_and_this_one_comes_first(
    tmp_path: Path, settings: Settings
) -> None:
    file = write(tmp_path / "city.mmdb", "203.0.113.0/24", PORTLAND)
    settings.GEOIP_PATH = str(file)
    alice()
    here, phone = at(LAPTOP, "192.0.2.1"), at(PHONE, "203.0.113.9")
    UserSession.objects.filter(pk=session_of(phone).pk).update(
        last_seen_at=timezone.now() - timedelta(hours=3)
    )
    page = here.get(LIST).content.decode()
    mine, theirs = page.index("Chrome on Windows"), page.index("Safari on an iPhone")
    assert mine < page.index("This device") < theirs
    assert "Last used 3\xa0hours ago" in page
    assert "Portland, Maine, United States" in page
    assert "203.0.113.9" in page


def test_without_a_database_of_places_the_address_is_enough(settings: Settings) -> None:
    settings.GEOIP_PATH = "/nowhere/city.mmdb"
    alice()
    page = at(LAPTOP, "192.0.2.1").get(LIST).content.decode()
    assert "192.0.2.1" in page


def test_one_is_signed_out_and_the_others_stay() -> None:
    alice()
    here, phone, laptop = (at(LAPTOP, f"192.0.2.{number}") for number in (1, 2, 3))
    page = here.post(end_of(phone), follow=True).content.decode()
    assert "That device is signed out." in page
    assert not still_in(phone)
    assert still_in(laptop)
    assert still_in(here)
    # Its browser is a stranger again.
    assert Device.objects.count() == 2


def test_htmx_gets_the_list_and_what_is_now_true() -> None:
    alice()
    here, phone = at(LAPTOP, "192.0.2.1"), at(PHONE, "192.0.2.2")
    path = end_of(phone)
    part = here.post(path, headers=HTMX).content.decode()
    assert part.lstrip().startswith("<section")
    assert "That device is signed out." in part
    assert "iPhone" not in part
    # Pressed twice, or in two tabs.
    assert "already signed out" in here.post(path, headers=HTMX).content.decode()


def test_all_others_are_signed_out_in_place_or_not() -> None:
    alice()
    here, phone = at(LAPTOP, "192.0.2.1"), at(PHONE, "192.0.2.2")
    part = here.post(LIST, headers=HTMX).content.decode()
    assert "signed out everywhere else" in part
    assert not still_in(phone)
    phone = at(PHONE, "192.0.2.2")
    assert here.post(LIST)["Location"] == LIST
    assert not still_in(phone)
    assert still_in(here)


def test_ending_this_one_is_signing_out() -> None:
    alice()
    here = at(LAPTOP, "192.0.2.1")
    assert here.post(end_of(here))["Location"] == "/accounts/login/"
    assert not is_signed_in(here)


def test_a_strangers_session_is_not_touched() -> None:
    alice()
    hers = at(LAPTOP, "192.0.2.1")
    stranger = fresh(bob())
    page = stranger.post(end_of(hers), follow=True).content.decode()
    assert "already signed out" in page
    assert still_in(hers)
    assert browser().post(end_of(hers))["Location"].startswith("/accounts/login/")


def test_a_session_that_no_longer_signs_in_is_not_listed() -> None:
    user = alice()
    at(PHONE, "192.0.2.2")
    user.set_password("another fine password")
    user.save()
    here = Browser(REMOTE_ADDR="192.0.2.1", HTTP_USER_AGENT=LAPTOP)
    log_in(here, password="another fine password")
    UserSession.objects.create(user=user, ip="192.0.2.9", session_key="gone" * 8, user_agent=PHONE)
    assert "iPhone" not in here.get(LIST).content.decode()


def test_last_use_is_noted_every_ten_minutes_and_where_that_was() -> None:
    alice()
    with time_machine.travel(timezone.now(), tick=False) as clock:
        here = at(LAPTOP, "192.0.2.1")
        began = session_of(here).last_seen_at
        here.get("/account/")
        assert session_of(here).last_seen_at == began
        clock.shift(sessions.EVERY + timedelta(seconds=1))
        here.get("/account/", REMOTE_ADDR="192.0.2.55")
        row = session_of(here)
        assert row.last_seen_at == timezone.now()
        assert row.ip == "192.0.2.55"
        with CaptureQueriesContext(connection) as seen:
            here.get("/account/")
        assert not [one for one in seen.captured_queries if "usersession" in one["sql"]]


def test_the_page_takes_few_statements_however_many_there_are() -> None:
    alice()
    here, *_others = [at(LAPTOP, f"192.0.2.{number}") for number in range(1, 9)]
    here.get(LIST)
    with CaptureQueriesContext(connection) as seen:
        here.get(LIST)
    assert len(seen) <= 7, [one["sql"] for one in seen.captured_queries]


def test_a_member_of_whom_the_session_is_over_is_asked_to_sign_in() -> None:
    alice()
    here = at(LAPTOP, "192.0.2.1")
    path = end_of(here)
    post(here, "account_logout")
    assert here.post(path)["Location"].startswith("/accounts/login/")
