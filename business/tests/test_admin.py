"""The brand on the staff site: who may do what, what's refused, and what the history says."""

from __future__ import annotations

import html
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from pytest_django import Settings

from billing.tests.staff_world import auditor, billing, signed_in_now, superuser, support
from billing.tests.staff_world import owner as owner_user
from business.admin.form import network
from business.models import BrandVersion, Picture
from business.tests import hostile
from common.context import current_brand

pytestmark = pytest.mark.django_db

PAGE = "/staff/business/brandversion/"
PREVIEW = f"{PAGE}preview/"
HTMX = {"HX-Request": "true"}
FULL: dict[str, Any] = {
    "name": "Quay Pilates",
    "tagline": "Strong by the water",
    "color": "#AA3300",
    "postal_address": "2 Quay Street\nPortland",
    "public_site_url": "quay.example",
    "support_email": "Hello@Quay.example",
    "support_hours": "Monday to Friday, 9 to 5",
    "support_phone": "+1 207 555 0100",
    "vat_id": "DE123456789",
    "benefit_1_icon": "leaf",
    "benefit_1_text": "Unlimited classes",
    "benefit_3_icon": "cup",
    "benefit_3_text": "Free tea",
    "benefit_3_url": "https://quay.example/tea",
    "social_1_url": "www.instagram.com/quay",
}


@pytest.fixture
def owner() -> Client:
    """The browser of an owner who has just signed in."""
    return signed_in_now(owner_user())


def logo_file(content: bytes = b"", name: str = "logo.png") -> SimpleUploadedFile:
    return SimpleUploadedFile(name, content or hostile.logo(), content_type="image/png")


def save(client: Client, *, based_on: int = 0, **fields: Any) -> Any:
    return client.post(PAGE, {"based_on": based_on, "step": "save", **fields})


def text_of(answer: Any) -> str:
    return html.unescape(answer.content.decode())


@pytest.mark.parametrize(
    ("who", "may_see", "may_save"),
    [
        (superuser, True, True),
        (owner_user, True, True),
        (billing, True, False),
        (support, True, False),
        (auditor, True, False),
    ],
)
def test_owners_change_the_brand_and_other_staff_read_it(
    who: Callable[[], User], may_see: bool, may_save: bool, uploads: Path
) -> None:
    client = signed_in_now(who())
    page = client.get(PAGE)
    assert (page.status_code == 200) == may_see
    assert ("Save brand" in page.content.decode()) == may_save
    answers = {
        save(client, name="Quay Pilates").status_code,
        client.post(PREVIEW, {"name": "Quay Pilates"}).status_code,
        client.post(PAGE, {"step": "", "logo_upload": logo_file()}).status_code,
    }
    assert (403 not in answers) == may_save
    assert BrandVersion.objects.exists() == may_save
    assert Picture.objects.exists() == may_save


def test_members_and_strangers_see_nothing_of_it() -> None:
    from billing.tests import factories

    member = Client()
    member.force_login(factories.make_member())
    for client in (member, Client()):
        for answer in (client.get(PAGE), client.post(PREVIEW), save(client, name="Mine")):
            assert answer.status_code in {302, 403}
    assert not BrandVersion.objects.exists()


def test_saving_puts_the_whole_brand_in_force(owner: Client, uploads: Path) -> None:
    answer = save(owner, **FULL, logo_upload=logo_file(), cover_upload=logo_file(hostile.photo()))
    assert answer.status_code == 302, text_of(answer)
    brand = current_brand()
    assert (brand.name, brand.color) == ("Quay Pilates", "#aa3300")
    assert brand.public_site_url == "https://quay.example"
    assert brand.support_email == "hello@quay.example"
    assert [(one.icon, one.text, one.url) for one in brand.benefits] == [
        ("leaf", "Unlimited classes", ""),
        ("cup", "Free tea", "https://quay.example/tea"),
    ]
    assert brand.socials[0].name == "Instagram"
    for address in (brand.logo_url, brand.icon_url, brand.mail_logo_url, brand.cover_url):
        assert Client().get(address).status_code == 200
    # What's saved is what the form shows again.
    page = text_of(owner.get(PAGE))
    for typed in ("Quay Pilates", "Free tea", "2 Quay Street", "https://www.instagram.com/quay"):
        assert typed in page


def test_it_takes_a_recent_sign_in_and_what_was_typed_is_kept(uploads: Path) -> None:
    boss = owner_user()
    boss.set_password("a-quiet-place-at-the-desk")
    boss.save()
    client = Client()
    client.force_login(boss)
    answer = save(client, **FULL, logo_upload=logo_file())
    assert "reauthenticate" in answer["Location"]
    assert not BrandVersion.objects.exists()
    client.post(answer["Location"], {"password": "a-quiet-place-at-the-desk"})
    page = client.get(PAGE)
    assert "Nothing has been saved yet" in text_of(page)
    assert "Strong by the water" in text_of(page)
    # The upload, too: a browser doesn't choose a file again.
    assert f'name="logo" value="{Picture.objects.get().pk}"' in page.content.decode()


WRONG = {
    "color": ("green", "Enter a color like #2f5d50."),
    "public_site_url": ("javascript:alert(1)", "Enter a web address"),
    "benefit_1_url": ("https://", "Enter a web address"),
    "support_email": ("hélp@quay.example", "before the @"),
    "name": ("x" * 61, "at most 60 characters"),
    "social_1_name": ("Instagram", "Enter the address of this link."),
    "logo": ("999999", "Upload this picture again"),
    "benefit_1_icon": ("<script>", "is not one of the available choices"),
}


@pytest.mark.parametrize("field", WRONG)
def test_wrong_input_is_refused_at_its_field(field: str, owner: Client) -> None:
    value, said = WRONG[field]
    answer = save(owner, **dict[str, Any]({field: value}))
    assert answer.status_code == 400
    assert said in text_of(answer)
    assert not BrandVersion.objects.exists()
    # The preview leaves it out, and says so.
    assert "Left out until they’re right" in text_of(owner.post(PREVIEW, {field: value}))


def test_a_hostile_upload_is_a_sentence_at_its_field(owner: Client, uploads: Path) -> None:
    answer = save(owner, logo_upload=logo_file(hostile.HOSTILE_SVGS["entities"], "logo.svg"))
    assert answer.status_code == 400
    assert "declares entities" in text_of(answer)
    large = SimpleUploadedFile("logo.png", b"\x89PNG" + b"x" * 11_000_000)
    assert "larger than 5 MB" in text_of(save(owner, logo_upload=large))
    assert not uploads.exists()


@pytest.mark.usefixtures("caplog")
def test_a_read_only_disk_is_a_sentence_at_its_field(owner: Client, settings: Settings) -> None:
    place = {"BACKEND": "django.core.files.storage.FileSystemStorage"}
    options = {"location": "/proc/uploads"}
    settings.STORAGES = {**settings.STORAGES, "uploads": {**place, "OPTIONS": options}}
    answer = save(owner, name="Quay Pilates", logo_upload=logo_file())
    assert answer.status_code == 400
    assert "can’t be stored right now" in text_of(answer)
    assert "Quay Pilates" in text_of(answer)


def test_of_two_tabs_the_second_is_told_what_changed(owner: Client) -> None:
    save(owner, name="Quay Pilates")
    other = signed_in_now(superuser())
    save(other, based_on=1, name="Pier Pilates", tagline="On the water")
    answer = save(owner, based_on=1, name="Quay Pilates", vat_id="DE1")
    said = text_of(answer)
    assert "someone saved version 2" in said
    assert "<del>Quay Pilates</del> → <ins>Pier Pilates</ins>" in said
    assert "DE1" in said
    assert BrandVersion.objects.count() == 2
    # The page now knows of it: saving once more replaces it.
    assert 'name="based_on" value="2"' in said
    save(owner, based_on=2, name="Quay Pilates", vat_id="DE1")
    assert current_brand().vat_id == "DE1"


def test_the_history_says_who_changed_what_and_goes_back(owner: Client) -> None:
    save(owner, name="Quay Pilates", tagline="Strong")
    save(owner, based_on=1, name="Pier Pilates")
    page = text_of(owner.get(PAGE))
    assert "Olga Owner" in page
    assert "<del>Strong</del> → <ins>empty</ins>" in page
    first = BrandVersion.objects.get(version=1)
    assert "Strong" in text_of(owner.get(f"{PAGE}{first.pk}/change/"))
    restore = f"{PAGE}{first.pk}/restore/"
    assert "Go back to this version?" in text_of(owner.get(restore))
    assert BrandVersion.objects.count() == 2
    owner.post(restore, {"_form_submitted": "1"})
    assert current_brand().tagline == "Strong"
    newest = BrandVersion.objects.get(version=3)
    assert newest.restores == 1
    assert "Went back to version 1" in text_of(owner.get(PAGE))


def test_support_cannot_go_back_either(owner: Client) -> None:
    save(owner, name="Quay Pilates")
    first = BrandVersion.objects.get()
    client = signed_in_now(support())
    assert client.get(f"{PAGE}{first.pk}/change/").status_code == 200
    assert client.post(f"{PAGE}{first.pk}/restore/").status_code == 403


def test_saving_what_is_in_force_makes_no_version(owner: Client) -> None:
    save(owner, name="Quay Pilates")
    answer = owner.post(PAGE, {"based_on": 1, "step": "save", "name": "Quay Pilates"}, follow=True)
    assert "Nothing has changed" in text_of(answer)
    assert BrandVersion.objects.count() == 1


def test_the_history_has_pages(owner: Client) -> None:
    for number in range(1, 24):
        BrandVersion.objects.create(version=number, name=f"Name {number}")
    page = text_of(owner.get(PAGE))
    assert "Version 23" in page
    assert "Version 3<" not in page
    older = text_of(owner.get(PAGE, {"older": "4"}))
    assert "Version 3<" in older
    assert "<del>Name 2</del> → <ins>Name 3</ins>" in older


def test_the_preview_shows_portal_mail_and_pdf_before_anything_is_saved(owner: Client) -> None:
    answer = owner.post(PREVIEW, {**FULL, "based_on": 0})
    assert answer.status_code == 200
    # Whole documents inside attributes.
    assert "<html" not in answer.content.decode()
    said = html.unescape(text_of(answer))
    assert said.count("Free tea") == 2  # light and dark
    assert "Welcome to Quay Pilates" in said
    assert "data:image/png;base64," in said
    assert "--brand: #aa3300" in said
    assert "On dark pages, links use a lighter shade" in said
    assert not BrandVersion.objects.exists()
    assert current_brand().name != "Quay Pilates"


def test_a_row_moves_up_and_a_picture_goes_without_saving(owner: Client, uploads: Path) -> None:
    answer = owner.post(PAGE, {"step": "", "logo_upload": logo_file()}, headers=HTMX)
    picture = Picture.objects.get()
    assert f"/brand/{picture.file}" in text_of(answer)
    typed = {"based_on": 0, "benefit_1_text": "First", "benefit_2_text": "Second"}
    answer = owner.post(PAGE, {**typed, "step": "up-benefit-2", "logo": picture.pk}, headers=HTMX)
    said = text_of(answer)
    assert "<html" not in said
    assert said.index('value="Second"') < said.index('value="First"')
    answer = owner.post(PAGE, {**typed, "step": "remove-logo", "logo": picture.pk}, headers=HTMX)
    assert picture.file not in text_of(answer)
    assert not BrandVersion.objects.exists()


@pytest.mark.parametrize(
    "step", ["up-benefit-1", "up-benefit-99", "up-x-2", "remove-name", "x" * 99]
)
def test_made_up_buttons_do_nothing(step: str, owner: Client) -> None:
    assert owner.post(PAGE, {"based_on": 0, "step": step}).status_code == 200


@pytest.mark.parametrize("values", [{"based_on": "x"}, {"based_on": "99"}, {"logo": "x"}, {}])
def test_made_up_numbers_are_no_error_of_ours(values: dict[str, str], owner: Client) -> None:
    answer = owner.post(PAGE, {"step": "save", "name": "Quay", **values})
    assert answer.status_code in {200, 302, 400}
    assert owner.get(PAGE, {"older": "9" * 40}).status_code == 200
    assert owner.get(f"{PAGE}99/change/").status_code in {302, 404}


@pytest.mark.parametrize(
    ("url", "name"),
    [
        ("https://www.instagram.com/quay", "Instagram"),
        ("https://youtu.be/x", "YouTube"),
        ("https://notinstagram.com", "notinstagram.com"),
    ],
)
def test_networks_are_named_by_their_hosts(url: str, name: str) -> None:
    assert network(url) == name
