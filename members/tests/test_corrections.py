"""Staff correct a member's contact data; nothing counts until the member confirms it."""

from __future__ import annotations

import re
from datetime import timedelta

import pytest
import time_machine
from allauth.account.models import EmailAddress
from django.contrib.admin.models import LogEntry
from django.contrib.auth.models import User
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from billing.tests.staff_world import auditor, signed_in_now, superuser, support
from emails.models import Message
from members import phones
from members.models import Member
from members.tests.actors import (
    ALICE,
    OTHER_PHONE,
    PHONE,
    alice,
    bob,
    browser,
    enter_phone_code,
    fresh,
)

pytestmark = pytest.mark.django_db
NEW = "alice.archer@example.net"


def press(client: Client, user: User, button: str, **fields: str) -> str:
    """Press a button of a member's page, fill in its form, say yes; return the next page."""
    address = reverse(f"admin:auth_user_{button}", args=[user.pk])
    answer = client.post(address, {"_form_submitted": "on", **fields}, follow=True)
    return answer.content.decode()


def link() -> str:
    """Return the path of the link in the newest mail that holds one."""
    [*_, mail] = Message.objects.filter(kind="address_link").order_by("pk")
    match = re.search(r"/account/email/confirm/.+/$", mail.context["url"])
    assert match
    return match.group()


def told(address: str) -> list[str]:
    rows = Message.objects.filter(kind="account_changed", recipient=address).order_by("pk")
    return [row.context["headline"] for row in rows]


def test_a_new_address_counts_once_its_owner_confirms_it() -> None:
    user, desk = alice(), signed_in_now(support())
    page = press(desk, user, "correct_email", email=f" {NEW.upper()} ")
    assert f"We emailed a link to {NEW}." in page
    [mail] = Message.objects.filter(kind="address_link")
    assert (mail.recipient, told(ALICE)) == (NEW, ["Your email address is about to change"])
    user.refresh_from_db()
    assert user.email == ALICE

    stranger = browser()
    opened = stranger.get(link())
    assert opened.status_code == 200
    assert NEW in opened.content.decode()
    assert ALICE not in opened.content.decode()
    user.refresh_from_db()
    assert user.email == ALICE, "A mail program that follows the link must change nothing."

    answer = stranger.post(link(), follow=True)
    assert f"You now sign in with {NEW}." in answer.content.decode()
    user.refresh_from_db()
    assert user.email == NEW
    [row] = EmailAddress.objects.filter(user=user)
    assert (row.email, row.verified, row.primary) == (NEW, True, True)
    assert told(ALICE)[-1] == "Your email address was changed"
    assert f"Asked {NEW} to confirm" in LogEntry.objects.latest("pk").get_change_message()


def test_a_link_works_once_for_three_days_and_only_whole() -> None:
    user, desk = alice(), signed_in_now(support())
    press(desk, user, "correct_email", email=NEW)
    path, client = link(), browser()
    assert client.post(path[:-5] + "/").status_code == 400
    with time_machine.travel(timezone.now() + timedelta(days=3, minutes=1)):
        late = client.post(path)
    assert late.status_code == 400
    assert "This link has expired." in late.content.decode()
    assert client.post(path).status_code == 302
    again = client.post(path)
    assert again.status_code == 400
    assert "already used" in again.content.decode()


def test_an_address_that_somebody_takes_meanwhile_is_not_given_twice() -> None:
    user, desk = alice(), signed_in_now(support())
    press(desk, user, "correct_email", email=NEW)
    User.objects.filter(pk=bob().pk).update(email=NEW)
    answer = browser().post(link())
    assert answer.status_code == 400
    assert "Another account uses this address now." in answer.content.decode()
    user.refresh_from_db()
    assert user.email == ALICE


@pytest.mark.parametrize(
    ("email", "sentence"),
    [
        ("bob@EXAMPLE.com", "Someone already has an account with this address."),
        (ALICE, "This is already their email address."),
        ("nobody", "Enter a valid email address."),
    ],
)
def test_a_wrong_address_is_refused_with_a_sentence(email: str, sentence: str) -> None:
    user, desk = alice(), signed_in_now(support())
    bob()
    assert sentence in press(desk, user, "correct_email", email=email)
    assert not Message.objects.filter(kind="address_link").exists()


@pytest.mark.slow
def test_a_new_number_waits_for_its_code() -> None:
    user, desk = alice(), signed_in_now(support())
    phones.confirm(user, PHONE)
    page = press(desk, user, "correct_phone", phone="(212) 555-0123")
    assert "The member has to verify it." in page
    member = Member.objects.get(user=user)
    assert (str(member.phone), member.phone_is_verified) == (OTHER_PHONE, False)
    assert told(ALICE) == ["Your phone number was changed"]
    note = LogEntry.objects.latest("pk").get_change_message()
    assert note == f"Changed the phone number from {PHONE} to {OTHER_PHONE}."
    client = fresh(user)
    client.post(reverse("account_change_phone"), {"action": "verify"})
    enter_phone_code(client, OTHER_PHONE)
    assert Member.objects.get(user=user).phone_is_verified


def test_a_wrong_number_is_refused_with_a_sentence() -> None:
    user, desk = alice(), signed_in_now(support())
    phones.confirm(bob(), PHONE)
    assert "Another member has verified this" in press(desk, user, "correct_phone", phone=PHONE)
    assert "doesn’t exist" in press(desk, user, "correct_phone", phone="+1 212 000 0000")
    assert not Member.objects.get(user=user).phone


def test_only_support_corrects_and_only_members() -> None:
    user = alice()
    for button in ("correct_email", "correct_phone"):
        address = reverse(f"admin:auth_user_{button}", args=[user.pk])
        assert signed_in_now(auditor()).post(address, {"_form_submitted": "on"}).status_code == 403
        colleague = reverse(f"admin:auth_user_{button}", args=[superuser().pk])
        desk = signed_in_now(support())
        assert desk.post(colleague, {"_form_submitted": "on"}).status_code == 403


def test_correcting_takes_a_recent_sign_in() -> None:
    user, desk = alice(), signed_in_now(support())
    session = desk.session
    session["account_authentication_methods"][-1]["at"] -= 16 * 60
    session.save()
    press(desk, user, "correct_email", email=NEW)
    assert not Message.objects.filter(kind="address_link").exists()
