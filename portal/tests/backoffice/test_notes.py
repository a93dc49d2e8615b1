"""Staff write notes about members and give them tags; removing either only marks it."""

from __future__ import annotations

import uuid
from html import unescape

import pytest
from django.contrib.admin.models import LogEntry
from django.contrib.auth.models import User
from django.test import Client
from django.urls import reverse

from billing.tests import factories
from billing.tests.staff_world import auditor, signed_in_now, superuser, support
from common.staff import show
from portal.backoffice import notes
from portal.backoffice.close_account import close_account
from portal.models import MemberTag, StaffNote
from portal.selfservice.data_tables import TABLES

pytestmark = pytest.mark.django_db


@pytest.fixture
def kim() -> User:
    return factories.make_member("Kim Keller")


@pytest.fixture
def desk() -> Client:
    return signed_in_now(support())


def press(client: Client, button: str, pk: int, **fields: object) -> str:
    address = reverse(f"admin:{button}", args=[pk])
    answer = client.post(address, {"_form_submitted": "on", **fields}, follow=True)
    assert answer.status_code == 200
    return unescape(answer.content.decode())


def read(client: Client, user: User, query: str = "") -> str:
    return unescape(client.get(show.page_of(user) + query).content.decode())


def test_a_note_has_its_author_and_stands_on_the_page_and_the_timeline(
    desk: Client, kim: User
) -> None:
    key = uuid.uuid4()
    for _ in range(2):  # two clicks
        press(desk, "auth_user_add_note", kim.pk, words="Prefers <b>mornings</b>", key=key)
    note = StaffNote.objects.get()
    assert (note.user, note.words) == (kim, "Prefers <b>mornings</b>")
    page = read(desk, kim)
    assert page.count("Prefers <b>mornings</b>") == 2
    assert show.name_of(note.author) in page
    assert "<b>mornings" not in desk.get(show.page_of(kim)).content.decode()
    assert "Prefers" in read(desk, kim, "?topic=notes").split('id="timeline"')[1]
    assert "Prefers" not in read(desk, kim, "?topic=account").split('id="timeline"')[1]


def test_a_removed_note_leaves_the_page_but_not_the_history(desk: Client, kim: User) -> None:
    boss = superuser()
    notes.write(kim, boss, "Owes us a mat", uuid.uuid4())
    note = StaffNote.objects.get()
    press(desk, "portal_staffnote_remove_note", note.pk)
    note.refresh_from_db()
    assert note.removed_at is not None
    assert note.removed_by is not None
    assert note.words == "Owes us a mat"
    page = read(desk, kim)
    assert "Owes us a mat" not in page
    assert f"Removed by {show.name_of(note.removed_by)}" in page
    again = reverse("admin:portal_staffnote_remove_note", args=[note.pk])
    assert desk.post(again, {"_form_submitted": "on"}).status_code == 403


def test_members_are_found_by_a_tag_however_it_is_spelled(desk: Client, kim: User) -> None:
    bob = factories.make_member("Bob Baker")
    press(desk, "auth_user_add_tag", kim.pk, name=" VIP ")
    press(desk, "auth_user_add_tag", kim.pk, name="vip")
    press(desk, "auth_user_add_tag", bob.pk, name="vip")
    assert list(MemberTag.objects.values_list("name", flat=True)) == ["VIP", "VIP"]
    assert show.list_of("auth.user", tag="VIP") in read(desk, kim)
    people = reverse("admin:auth_user_changelist")
    press(desk, "auth_user_remove_tag", bob.pk, name="VIP")
    page = unescape(desk.get(people, {"tag": "VIP"}).content.decode())
    rows = page.split('id="result_list"')[1]
    assert "Kim Keller" in rows
    assert "Bob Baker" not in rows
    assert MemberTag.objects.count() == 2
    assert "Removed the tag “VIP”." in LogEntry.objects.first().change_message  # type: ignore[union-attr]
    assert desk.get(people, {"tag": "none such"}, follow=True).status_code == 200


def test_an_auditor_reads_them_and_changes_nothing(kim: User) -> None:
    notes.write(kim, superuser(), "Prefers mornings", uuid.uuid4())
    client = signed_in_now(auditor())
    assert "Prefers mornings" in read(client, kim)
    for name in ("add_note", "add_tag", "remove_tag"):
        address = reverse(f"admin:auth_user_{name}", args=[kim.pk])
        assert client.post(address, {"_form_submitted": "on"}).status_code == 403
        assert address not in read(client, kim)


def test_too_many_tags_are_refused_in_words(desk: Client, kim: User) -> None:
    boss = superuser()
    for number in range(notes.MOST_TAGS):
        assert notes.tag(kim, boss, f"Tag {number}")
    assert "Remove one first." in press(desk, "auth_user_add_tag", kim.pk, name="One more")
    assert MemberTag.objects.count() == notes.MOST_TAGS


def test_the_member_gets_them_in_their_data_and_they_go_with_the_account(kim: User) -> None:
    boss = superuser()
    factories.make_payment(factories.make_customer(kim))
    notes.write(kim, boss, "Prefers mornings", uuid.uuid4())
    notes.tag(kim, boss, "VIP")
    tables = {one.name: one for one in TABLES}
    assert [row.words for row in tables["notes-about-you"].rows(kim)] == ["Prefers mornings"]
    assert [row.name for row in tables["tags"].rows(kim)] == ["VIP"]
    close_account(kim)
    assert User.objects.filter(pk=kim.pk).exists()
    assert not StaffNote.objects.exists()
    assert not MemberTag.objects.exists()
