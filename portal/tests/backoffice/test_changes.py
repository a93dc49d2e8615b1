"""What staff change is recorded with who, when, before, and after, and shown on the object."""

from __future__ import annotations

import html
import inspect
import re
from collections.abc import Callable
from typing import Any

import pytest
from django.contrib import admin
from django.contrib.admin.models import LogEntry
from django.contrib.auth.models import Group, User
from django.db.models import Model
from django.test import Client

from billing.models import Item
from billing.tests import factories, staff_world
from billing.tests.staff_world import World, auditor, signed_in_now, superuser
from common.staff import changes, show
from portal.backoffice import close_account
from portal.backoffice.roles import Role

pytestmark = pytest.mark.django_db

# Changed on a form: what's typed, and what the record says.
FORMS: dict[str, tuple[dict[str, Any], str]] = {
    "auth.user": ({"first_name": "Alicia"}, "First name: Alice → Alicia."),
    "auth.group": ({"name": "Front desk"}, "Name: Support → Front desk."),
    "billing.item": ({"amount_text": "45.00"}, "Price: 40.00 → 45.00."),
    "billing.retentionoffer": ({"headline": "Stay a while?"}, "→ Stay a while?."),
    "billing.bankaccount": ({"name": "Savings"}, "Name: Checking → Savings."),
    "portal.savedview": ({"name": "Paid lately"}, "Name: Paid → Paid lately."),
    "billing.zelleterms": ({"name": "Quay Pilates"}, "Harbor Yoga → Quay Pilates."),
}
# Each change is a row of its own, which says who and when, and its page what it changed.
VERSIONS = {
    "billing.refundpolicy",
    "business.attachmentsversion",
    "business.brandversion",
    "business.localeversion",
    "business.quiethoursversion",
    "business.retentionversion",
    "business.suggestionsversion",
}
# Buttons that record nothing of their own, and why.
NO_RECORD = {
    "add_note": "makes a row, which says who wrote it",
    "again": "leads to the page that refunds, which records it",
    "approve_selected": "leads to the page that approves them, which records it",
    "export": "makes a row of downloads, which says who took it",
    "refund_it": "leads to the page that refunds, which records it",
    "rehearse": "is rolled back",
    "ask_for_payment": "leads to the form of a payment request",
    "ask_members": "leads to what it made: requests, each with who asked",
    "import_one": "leads to the page that imports, which records it",
    "merge_second": "leads to the page that merges, which records it on both",
    "match_by_hand": "leads to the page that matches, which records it",
    "name_columns": "leads to the page that names them, which records it",
    "open_again": "leads to the form, whose version is the record",
    "open_in_stripe": "leads to Stripe's dashboard",
    "replay_failed": "leads to the page that replays; each replay is a row, which says whose it is",
    "see_both": "leads to the page of both, which records it",
    "to_match": "leads to a list",
    "try_selected": "is rolled back",
}


@pytest.fixture
def world() -> World:
    return staff_world.make_world()


def text_of(answer: Any) -> str:
    return html.unescape(str(answer.content.decode()))


def row_of(world: World, label: str) -> Model:
    return next(row for row in world.rows if row._meta.label_lower == label)


def form_url(row: Model) -> str:
    """Return the address of a row's form, which a member's page has beside it."""
    page = show.page_of(row)
    return page.replace("/change/", "/edit/") if isinstance(row, User) else page


def form_of(client: Client, url: str) -> dict[str, Any]:
    """Return what the form on a page would send if nothing was typed."""
    page = client.get(url)
    fields = page.context["adminform"].form
    values = {bound.html_name: bound.value() for bound in fields}
    for one in page.context["inline_admin_formsets"]:
        formset = one.formset
        values |= {bound.html_name: bound.value() for bound in formset.management_form}
        for form in formset.forms:
            values |= {bound.html_name: bound.value() for bound in form}
    return {name: value for name, value in values.items() if value not in (None, False)}


def test_every_model_on_the_staff_site_is_changed_on_a_form_by_versions_or_by_buttons(
    rf: Any,
) -> None:
    request = rf.get("/staff/")
    request.user = superuser()
    changed = {
        model._meta.label_lower
        for model, one in admin.site._registry.items()
        if one.has_change_permission(request)
    }
    assert changed == set(FORMS)


@pytest.mark.parametrize("label", sorted(FORMS))
def test_a_change_on_a_form_says_who_from_what_to_what_on_the_object(
    world: World, label: str
) -> None:
    typed, words = FORMS[label]
    row = row_of(world, label)
    boss = superuser()
    client = signed_in_now(boss)
    url = show.page_of(row)
    form = form_url(row)
    answer = client.post(form, form_of(client, form) | typed, follow=True)
    assert answer.status_code == 200
    entry = LogEntry.objects.filter(user=boss, object_id=str(row.pk)).latest("pk")
    assert words in changes.said(entry)
    # Only owners see groups.
    reader = client if label == "auth.group" else signed_in_now(auditor())
    page = text_of(reader.get(url))
    assert "Changed by staff" in page
    assert words in page
    assert "Sam Super" in page
    history = text_of(client.get(url.replace("/change/", "/history/")))
    assert words in history


def buttons() -> list[tuple[Any, str, Callable[..., Any]]]:
    """Return the buttons of all models' pages and lists."""
    found = []
    for model_admin in admin.site._registry.values():
        for name, method in inspect.getmembers(type(model_admin), inspect.isfunction):
            if hasattr(method, "allowed_permissions"):
                found.append((model_admin, name, inspect.unwrap(method)))
    return found


def records(model_admin: Any, method: Callable[..., Any], depth: int = 2) -> bool:
    """Whether a method, or one of the class's that it calls, writes staff's log."""
    source = inspect.getsource(method)
    if re.search(r"log_change|log_addition|LogEntry|note_download", source):
        return True
    module = inspect.getmodule(method)
    called = set(re.findall(r"(?:self\.|\b)(\w+)\(", source)) if depth else set()
    for name in called:
        inner = getattr(type(model_admin), name, None) or getattr(module, name, None)
        if inspect.isfunction(inner) and records(model_admin, inspect.unwrap(inner), depth - 1):
            return True
    return False


def test_every_button_records_what_it_does() -> None:
    silent = {
        f"{type(model_admin).__name__}.{name}"
        for model_admin, name, method in buttons()
        if name not in NO_RECORD and not records(model_admin, method)
    }
    assert not silent, sorted(silent)
    assert set(NO_RECORD) <= {name for _admin, name, _method in buttons()}


def test_a_choice_a_yes_and_an_empty_field_are_words(world: World) -> None:
    item = Item.objects.get()
    client = signed_in_now(superuser())
    url = show.page_of(item)
    form = form_of(client, url)
    form.pop("is_active", None)
    client.post(url, form | {"members": [world.alice.pk]})
    words = changes.said(LogEntry.objects.latest("pk"))
    assert "yes → no." in words
    assert "empty → Alice Archer." in words


def test_a_profile_on_a_members_page_is_recorded_under_the_member(world: World) -> None:
    client = signed_in_now(superuser())
    url = form_url(world.alice)
    client.post(url, form_of(client, url) | {"member-0-time_zone": "America/Denver"})
    assert "→ America/Denver." in changes.said(LogEntry.objects.latest("pk"))


def test_no_password_is_in_a_record(world: World) -> None:
    client = signed_in_now(superuser())
    url = form_url(world.alice)
    client.post(url, form_of(client, url) | {"first_name": "Alicia", "password": "hunter22"})
    assert not LogEntry.objects.filter(change_message__contains="hunter22").exists()
    assert not LogEntry.objects.filter(change_message__contains=world.alice.password).exists()


def test_what_a_member_was_called_is_gone_once_they_left(world: World) -> None:
    client = signed_in_now(superuser())
    url = form_url(world.alice)
    client.post(url, form_of(client, url) | {"first_name": "Wilhelmina"})
    client.post(url, form_of(client, url) | {"first_name": "Alice"})
    assert LogEntry.objects.filter(change_message__contains="Wilhelmina").exists()
    close_account.close_account(User.objects.get(pk=world.alice.pk))
    assert not LogEntry.objects.filter(change_message__contains="Wilhelmina").exists()
    entry = LogEntry.objects.filter(object_id=str(world.alice.pk)).latest("pk")
    assert changes.said(entry) == "Changed First name."


def test_those_who_may_not_read_the_log_see_no_changes(world: World) -> None:
    item = Item.objects.get()
    client = signed_in_now(superuser())
    url = show.page_of(item)
    client.post(url, form_of(client, url) | {"name": "Evening workshop"})
    clerk = factories.make_member("Cleo Clerk", is_staff=True)
    group = Group.objects.create(name="Items only")
    clerk.groups.add(group)
    group.permissions.add(*_view_items())
    page = text_of(signed_in_now(clerk).get(url))
    assert "Evening workshop" in page
    assert "Changed by staff" not in page


def _view_items() -> Any:
    support = Group.objects.get(staffrole__key=Role.SUPPORT)
    return support.permissions.filter(codename="view_item")


def test_words_that_look_like_a_record_are_shown_as_they_are(world: World) -> None:
    entry = LogEntry(change_message="[see the note]")
    assert changes.said(entry) == "[see the note]"
    assert changes.without_values("[see the note]") == "[see the note]"
