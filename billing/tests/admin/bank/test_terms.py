"""The terms of Zelle: who may change them, amounts in dollars, and the QR code."""

from __future__ import annotations

from typing import Any

import pytest
from django.contrib.admin.models import LogEntry
from django.contrib.auth.models import User
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.urls import reverse

from billing.core import pictures
from billing.models import ZelleTerms
from billing.tests import staff_world
from billing.tests.admin.bank.desk import page, terms
from billing.tests.staff_world import signed_in_now
from members.models import AccessChange

pytestmark = pytest.mark.django_db
LIST = "/staff/billing/zelleterms/"
PAGE = f"{LIST}1/change/"
# The smallest pictures of each kind.
PNG = b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR" + b"\0" * 20 + b"\0\0\0\0IEND\xaeB`\x82"
JPEG = b"\xff\xd8\xff\xe0" + b"\0" * 20 + b"\xff\xd9"
WEBP = b"RIFF" + (12).to_bytes(4, "little") + b"WEBPVP8 " + b"\0" * 4
FILLED: dict[str, Any] = {
    "takes_amounts": "on",
    "minimum": "5.00",
    "maximum": "$1,500.00",
    "days_to_pay": "10",
    "days_of_grace": "5",
    "name": "Harbor Yoga LLC",
    "address": "pay@harbor.example",
    "prefix": "hy",
    "trusted_amount": "80",
    "trusted_a_day": "400",
    "days_to_prove": "4",
}


@pytest.fixture
def boss() -> Client:
    """The browser of a manager who has just signed in."""
    return signed_in_now(staff_world.manager())


def code(data: bytes, name: str = "code.png") -> SimpleUploadedFile:
    return SimpleUploadedFile(name, data, content_type="image/png")


def test_a_manager_sets_the_terms_in_dollars_and_it_is_recorded(boss: Client) -> None:
    assert "What members may pay" in page(boss, LIST)
    assert "It counts from now on." in page(boss, PAGE, **FILLED)
    row = ZelleTerms.objects.get()
    assert (row.minimum, row.maximum, row.trusted_amount) == (500, 150_000, 8000)
    assert (row.prefix, row.takes_amounts, row.takes_memberships) == ("HY", True, False)
    assert row.changed_by
    assert row.changed_by.get_full_name() == "Mona Manager"
    assert LogEntry.objects.get(object_repr="Zelle terms").user == row.changed_by
    shown = page(boss, LIST)
    assert 'value="1500.00"' in shown
    assert "by Mona Manager" in shown


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        ({"maximum": "4.00"}, "less than the smallest amount"),
        ({"minimum": "nothing"}, "Enter an amount, like $40.00."),
        ({"minimum": "0"}, "The amount must be more than nothing."),
        ({"address": ""}, "Members need your business&#x27;s name and address at Zelle."),
        ({"address": "pay@harbor"}, "Enter an email address or a US phone number"),
        ({"address": "555-0100"}, "Enter an email address or a US phone number"),
        ({"address": "+44 20 7946 0958"}, "Enter an email address or a US phone number"),
        ({"prefix": "H1"}, "Only letters, please."),
        ({"trusted_a_day": "10"}, "less than a single payment may be"),
    ],
)
def test_what_cannot_work_is_refused_in_a_sentence(
    boss: Client, wrong: dict[str, str], words: str
) -> None:
    assert words in page(boss, PAGE, **FILLED | wrong)
    assert not ZelleTerms.objects.exists()


def test_a_phone_number_is_kept_as_it_is_written(boss: Client) -> None:
    page(boss, PAGE, **FILLED | {"address": "(212) 736-5000"})
    assert ZelleTerms.objects.get().address == "(212) 736-5000"


@pytest.mark.parametrize("who", [staff_world.support, staff_world.auditor])
def test_others_only_read_them(who: Any) -> None:
    terms(minimum=250)
    client = signed_in_now(who())
    shown = page(client, LIST)
    assert "$2.50" in shown
    assert 'name="_save"' not in shown
    assert client.post(PAGE, FILLED).status_code == 403
    assert ZelleTerms.objects.get().minimum == 250


def test_changing_takes_a_recent_sign_in_and_keeps_what_was_typed(client: Client) -> None:
    user = staff_world.manager()
    user.set_password(staff_world.PASSWORD)
    user.save()
    client.force_login(user)
    answer = client.post(PAGE, {**FILLED, "code_file": code(PNG)})
    assert answer["Location"].startswith(reverse("account_reauthenticate"))
    assert not ZelleTerms.objects.exists()
    client.post(reverse("account_reauthenticate"), {"password": staff_world.PASSWORD})
    shown = page(client, PAGE)
    assert "Nothing has been saved yet" in shown
    assert "Choose the QR code again" in shown
    assert "Harbor Yoga LLC" in shown


def test_an_account_that_others_just_changed_changes_no_terms(boss: Client) -> None:
    user = User.objects.get(first_name="Mona")
    AccessChange.objects.create(user=user, what="Granted.", holds=True)
    assert "can’t decide on money" in page(boss, PAGE, **FILLED)
    assert not ZelleTerms.objects.exists()


@pytest.mark.parametrize(
    ("data", "kind"), [(PNG, pictures.PNG), (JPEG, pictures.JPEG), (WEBP, pictures.WEBP)]
)
def test_the_code_is_kept_shown_and_removed(boss: Client, data: bytes, kind: str) -> None:
    assert "It counts from now on." in page(boss, PAGE, **FILLED, code_file=code(data))
    shown = page(boss, LIST)
    assert "/staff/billing/zelleterms/code/" in shown
    answer = boss.get(reverse("admin:billing_zelleterms_code"))
    assert (answer.content, answer["Content-Type"]) == (data, kind)
    assert answer["X-Content-Type-Options"] == "nosniff"
    page(boss, PAGE, **FILLED)
    assert bytes(ZelleTerms.objects.get().code or b"") == data
    page(boss, PAGE, **FILLED, code_removed="on")
    assert ZelleTerms.objects.get().code is None
    assert boss.get(reverse("admin:billing_zelleterms_code")).status_code == 404


@pytest.mark.parametrize(
    "data",
    [
        b"<svg xmlns='http://www.w3.org/2000/svg' onload='alert(1)'/>",
        b"<html><script>alert(1)</script>",
        b"GIF89a" + b"\0" * 20,
        PNG[:-10],
        JPEG[:-2],
        WEBP[:-1],
    ],
)
def test_what_is_no_whole_picture_is_refused_whatever_its_name(boss: Client, data: bytes) -> None:
    assert "Choose a PNG, JPEG, or WebP picture." in page(
        boss, PAGE, **FILLED, code_file=code(data)
    )
    assert not ZelleTerms.objects.exists()


def test_a_large_picture_is_refused(boss: Client) -> None:
    large = PNG[:30] + b"\0" * 500_001 + PNG[30:]
    assert "larger than 500 KB" in page(boss, PAGE, **FILLED, code_file=code(large))
