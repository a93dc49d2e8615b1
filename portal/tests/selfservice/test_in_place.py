"""Over HTMX, what members do about their account as a whole is said in its place."""

from __future__ import annotations

import uuid
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from conftest import run_jobs
from members.models import Member
from members.tests import actors
from portal.models import DataExport, SupportMessage
from portal.selfservice import data_exports

pytestmark = pytest.mark.django_db
HTMX = {"HX-Request": "true"}


def part(client: Client, address: str, **form: str) -> str:
    """Send a form; return the part of its page that's answered."""
    answer: Any = client.post(address, form, headers=HTMX)
    assert answer.status_code == 200
    text: str = answer.content.decode()
    assert "<html" not in text
    return text


def test_a_copy_is_asked_for_in_place() -> None:
    client = actors.fresh(actors.alice())
    page = client.get("/account/data/").content.decode()
    assert 'hx-post="/account/data/" hx-target="#copies"' in page
    text = part(client, "/account/data/")
    assert f"We’re preparing your copy. We’ll email {actors.ALICE} when it’s ready." in text
    assert "Preparing your copy" in text
    # It asks again until the copy is there.
    assert 'hx-trigger="every 3s"' in text
    assert DataExport.objects.count() == 1
    run_jobs()
    for _ in range(data_exports.MOST_A_DAY - 1):
        part(client, "/account/data/")
        run_jobs()
    refused = part(client, "/account/data/")
    assert 'role="alert"' in refused
    assert DataExport.objects.count() == data_exports.MOST_A_DAY


def test_who_did_not_sign_in_lately_confirms_first() -> None:
    client = actors.browser(actors.alice())
    answer = client.post("/account/data/", headers=HTMX)
    assert "/accounts/reauthenticate/" in answer["HX-Redirect"]
    assert not DataExport.objects.exists()


@pytest.mark.parametrize("is_member", [True, False])
def test_a_message_is_checked_in_place_and_then_leads_to_the_page(is_member: bool) -> None:
    client = actors.browser(actors.alice() if is_member else None)
    form = {"key": str(uuid.uuid4()), "name": "Vera Visitor", "email": "vera@example.org"}
    wrong = part(client, "/help/", **form, words="")
    assert wrong.strip().startswith('<section class="card"')
    assert 'aria-invalid="true"' in wrong
    assert not SupportMessage.objects.exists()
    answer = client.post("/help/", {**form, "words": "Where are the mats?"}, headers=HTMX)
    assert answer["HX-Redirect"] == "/help/"
    assert "we’ve got your message" in client.get("/help/").content.decode()
    for _ in range(2):
        client.post("/help/", {**form, "key": str(uuid.uuid4()), "words": "Hi?"}, headers=HTMX)
    # HTMX shows no answer that's called an error.
    refused = part(client, "/help/", **form | {"key": str(uuid.uuid4())}, words="Hello?")
    assert "Please wait a while" in refused
    assert "Hello?</textarea>" in refused


def test_closing_and_keeping_lead_to_pages_that_say_so() -> None:
    client = actors.fresh(actors.alice())
    page = client.get("/account/close/").content.decode()
    assert 'hx-post="/account/close/" hx-target="find .says"' in page
    answer = client.post("/account/close/", headers=HTMX)
    assert answer["HX-Redirect"] == "/account/close/"
    page = client.get("/account/close/").content.decode()
    assert "You can keep it until then." in page
    assert 'hx-post="/account/close/undo/" hx-target="find .says"' in page
    answer = client.post("/account/close/undo/", headers=HTMX)
    assert answer["HX-Redirect"] == "/account/"
    assert "Your account stays open." in client.get("/account/").content.decode()


def test_a_number_is_removed_in_place() -> None:
    user = actors.alice()
    Member.objects.filter(user=user).update(phone=actors.PHONE, phone_verified_at=timezone.now())
    client = actors.fresh(user)
    page = client.get("/account/notifications/").content.decode()
    assert 'hx-post="/account/phone/remove/" hx-target="#notifications"' in page
    text = part(client, "/account/phone/remove/")
    assert "Your phone number is removed. We won’t text you anymore." in text
    assert "Add a phone number" in text
