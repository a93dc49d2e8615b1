"""There's only one way to a member's records: every other way is tried here and fails."""

from __future__ import annotations

import pytest
from django.contrib.auth.models import AnonymousUser, User
from django.core.exceptions import PermissionDenied
from django.test import RequestFactory
from django.urls import reverse

from members import phones, urls
from members.access import current_member, current_user
from members.tests.actors import (
    ALICE,
    BOB,
    OTHER_PHONE,
    PASSWORD,
    PHONE,
    alice,
    bob,
    browser,
    member,
)

pytestmark = pytest.mark.django_db
# Signed, and for everybody who holds it: `test_corrections` and `test_preferences` try them.
LINKS = {"confirm-email", "unsubscribe"}
NAMES = [pattern.name for pattern in urls.urlpatterns if pattern.name not in LINKS]
POSTS = {"profile", "text-messages", "phone-remove", "phone-skip", "email-works"}


@pytest.mark.parametrize("name", NAMES)
def test_no_address_names_a_member(name: str) -> None:
    assert reverse(f"members:{name}"), "an address with an id would need an argument"


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("method", ["get", "post"])
def test_a_visitor_is_sent_to_the_login(name: str, method: str) -> None:
    user = alice()
    response = getattr(browser(), method)(reverse(f"members:{name}"), {"name": "Mallory"})
    if method == "get" and name in POSTS:
        assert response.status_code == 302
    else:
        assert response.url.startswith(reverse("account_login"))
    user.refresh_from_db()
    assert user.first_name == "Alice"


def test_a_signed_out_browser_is_out() -> None:
    client = browser(alice())
    client.post(reverse("account_logout"))
    assert client.get(reverse("members:account")).status_code == 302


def test_a_deactivated_member_is_out_at_once() -> None:
    client = browser(alice())
    User.objects.update(is_active=False)
    assert client.get(reverse("members:account")).status_code == 302
    response = browser().post(reverse("account_login"), {"login": ALICE, "password": PASSWORD})
    assert "_auth_user_id" not in response.client.session


def test_ids_smuggled_into_forms_and_addresses_change_only_ones_own_profile() -> None:
    victim, client = alice(), browser(bob())
    phones.confirm(victim, PHONE)
    before = member(ALICE)
    smuggled = {"user": victim.pk, "user_id": victim.pk, "member": before.pk, "id": before.pk}
    query = "?" + "&".join(f"{key}={value}" for key, value in smuggled.items())
    profile = {"name": "Mallory", "time_zone": "Asia/Tokyo", **smuggled}
    client.post(reverse("members:profile") + query, profile)
    client.post(reverse("members:text-messages") + query, {"agree": "yes", **smuggled})
    client.post(reverse("members:phone-remove") + query, smuggled)
    after = member(ALICE)
    assert (after.phone, after.time_zone, after.agreed_to_sms) == (PHONE, "", False)
    assert after.user.get_full_name() == "Alice Archer"
    assert member(BOB).user.get_full_name() == "Mallory"


def test_nobody_sees_another_members_page() -> None:
    phones.confirm(alice(), OTHER_PHONE)
    page = browser(bob()).get(reverse("members:account")).content.decode()
    assert ALICE not in page
    assert "212" not in page


def test_forms_without_a_csrf_token_are_refused() -> None:
    phones.confirm(alice(), PHONE)
    client = browser(User.objects.get())
    for name in POSTS:
        form = {"name": "Mallory", "agree": "yes"}
        response = client.post(reverse(f"members:{name}"), form, headers={"X-CSRFToken": "x" * 32})
        assert response.status_code == 302
    after = member()
    assert (after.phone, after.agreed_to_sms, after.user.first_name) == (PHONE, False, "Alice")


def test_changes_are_refused_by_get() -> None:
    client = browser(alice())
    for name in POSTS:
        assert client.get(reverse(f"members:{name}")).status_code == 302
    assert member().user.get_full_name() == "Alice Archer"


def test_staff_sign_in_through_the_same_door() -> None:
    response = browser().get("/staff/", follow=True)
    assert response.redirect_chain[-1][0].startswith(reverse("account_login"))
    assert browser(bob()).get("/staff/", follow=True).status_code == 403


def test_the_door_is_closed_to_visitors() -> None:
    request = RequestFactory().get("/")
    request.user = AnonymousUser()
    with pytest.raises(PermissionDenied):
        current_user(request)
    with pytest.raises(PermissionDenied):
        current_member(request)


def test_every_address_of_the_account_is_listed_here() -> None:
    """A new address needs its own case above unless it's a POST."""
    assert set(NAMES) == POSTS | {"account", "activity", "notifications"}
