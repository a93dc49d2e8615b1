"""There's one way in: the staff site has no sign-in form of its own."""

from __future__ import annotations

import pytest
from pytest_django import Settings

from members.tests.actors import ALICE, PASSWORD, alice, bob, browser

pytestmark = pytest.mark.django_db
SIGN_IN = "/staff/login/"


@pytest.mark.parametrize(
    ("wanted", "goes_to"),
    [
        ("/staff/billing/invoice/?q=1", "/staff/billing/invoice/?q=1"),
        ("", "/staff/"),
        ("https://example.com/", "/staff/"),
        ("//example.com/", "/staff/"),
        ("/staff/login/?next=/staff/login/", "/staff/"),
    ],
)
def test_a_visitor_signs_in_at_the_portal_and_staff_go_on(wanted: str, goes_to: str) -> None:
    answer = browser().get(SIGN_IN, {"next": wanted})
    assert answer["Location"].startswith("/accounts/login/?next=")
    staff = browser(alice(is_staff=True))
    assert staff.get(SIGN_IN, {"next": wanted})["Location"] == goes_to


@pytest.mark.parametrize("needs_second_step", [True, False])
def test_a_password_posted_there_signs_nobody_in(
    settings: Settings, *, needs_second_step: bool
) -> None:
    settings.STAFF_NEED_SECOND_FACTOR = needs_second_step
    owner, sam = alice(is_staff=True, is_superuser=True), bob(is_staff=True)
    for client in (browser(), browser(sam)):
        before = client.session.get("_auth_user_id")
        form = {"username": ALICE, "password": PASSWORD}
        assert client.post(SIGN_IN, form).status_code == 302
        form["username"] = owner.username
        assert client.post(SIGN_IN, form).status_code == 302
        assert client.session.get("_auth_user_id") == before


def test_a_member_is_no_staff() -> None:
    assert browser(alice()).get(SIGN_IN).status_code == 403
