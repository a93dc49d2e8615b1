"""The staff site requires the second step if the owner wants that."""

from __future__ import annotations

import pytest
from allauth.mfa.models import Authenticator
from django.contrib.auth.models import User
from django.core.handlers.wsgi import get_script_name
from django.urls import reverse, set_script_prefix
from pytest_django import Settings

from members.signin import mfa
from members.tests.actors import ALICE, alice, browser, log_in
from members.tests.authenticator import code_of
from members.tests.signin.test_mfa import add_app, enter, protected, signed_in

pytestmark = pytest.mark.django_db
LIST = "/staff/billing/invoice/"


@pytest.fixture(autouse=True)
def _needed(settings: Settings) -> None:
    settings.STAFF_NEED_SECOND_FACTOR = True


@pytest.fixture
def olga() -> User:
    """The owner."""
    return alice(is_staff=True, is_superuser=True)


@pytest.mark.slow
def test_who_has_none_is_led_to_add_it_and_then_let_in(olga: User) -> None:
    client = signed_in(olga)
    answer = client.get(LIST)
    assert (answer.status_code, answer["Location"]) == (302, reverse("mfa_activate_totp"))
    page = client.get(answer["Location"]).content.decode()
    assert "The staff site needs two-step sign-in" in page
    add_app(client)
    assert client.get(LIST).status_code == 200


@pytest.mark.slow
def test_a_session_from_before_gives_a_code_first_and_comes_back(olga: User) -> None:
    before = signed_in(olga)
    secret = protected(olga)
    answer = before.get(f"{LIST}?q=4")
    back = "%2Fstaff%2Fbilling%2Finvoice%2F%3Fq%3D4"
    assert answer["Location"] == f"/accounts/2fa/reauthenticate/?next={back}"
    form = {"code": code_of(secret, steps=1), "next": f"{LIST}?q=4"}
    assert before.post(answer["Location"], form)["Location"] == f"{LIST}?q=4"
    assert before.get(LIST).status_code == 200


@pytest.mark.slow
def test_who_signs_in_with_both_steps_is_in(olga: User) -> None:
    secret = protected(olga)
    client = browser()
    log_in(client)
    enter(client, code_of(secret, steps=1))
    assert client.get(LIST).status_code == 200


@pytest.mark.slow
def test_a_code_of_an_app_that_was_replaced_counts_no_more(olga: User) -> None:
    client = signed_in(olga)
    add_app(client)
    assert client.get(LIST).status_code == 200
    mfa.remove(olga)
    protected(olga)
    assert client.get(LIST)["Location"].startswith("/accounts/2fa/reauthenticate/")
    Authenticator.objects.all().delete()
    assert client.get(LIST)["Location"] == reverse("mfa_activate_totp")


@pytest.mark.parametrize("path", ["", "billing/invoice/1/change/", "nonsense/", "jsi18n/"])
def test_no_page_and_no_button_is_left_out(olga: User, path: str) -> None:
    client = browser(olga)
    for answer in (client.get(f"/staff/{path}"), client.post(f"/staff/{path}", {"x": "y"})):
        assert (answer.status_code, answer["Location"]) == (302, reverse("mfa_activate_totp"))


def test_htmx_loads_the_whole_page(olga: User) -> None:
    answer = browser(olga).get(LIST, headers={"HX-Request": "true"})
    assert answer.headers["HX-Redirect"] == reverse("mfa_activate_totp")


def test_signing_out_and_the_members_own_pages_stay_open(olga: User) -> None:
    client = browser(olga)
    assert client.get("/").status_code == 200
    assert client.post("/staff/logout/").status_code in (200, 302)
    assert "_auth_user_id" not in client.session


def test_members_and_visitors_meet_what_they_met_before() -> None:
    assert browser().get(LIST)["Location"].startswith("/staff/login/")
    member = alice()
    assert browser(member).get(LIST, follow=True).status_code == 403
    assert User.objects.get(email=ALICE) == member


def test_where_the_owner_does_not_want_it_nobody_is_asked(olga: User, settings: Settings) -> None:
    settings.STAFF_NEED_SECOND_FACTOR = False
    assert browser(olga).get(LIST).status_code == 200


def test_its_secrets_are_not_on_the_staff_site(olga: User) -> None:
    client = signed_in(olga)
    add_app(client)
    assert client.get("/staff/mfa/authenticator/").status_code == 404


def test_a_header_does_not_say_where_the_staff_site_is(olga: User) -> None:
    client = browser(olga)
    try:
        # As the WSGI handler does with each request.
        set_script_prefix(get_script_name({"SCRIPT_NAME": "/foo", "PATH_INFO": LIST}))
        answer = client.get(LIST)
    finally:
        set_script_prefix("/")
    assert (answer.status_code, answer["Location"]) == (302, reverse("mfa_activate_totp"))
