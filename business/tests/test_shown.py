"""The brand is seen wherever the business speaks: pages, staff site, emails, and PDFs."""

from __future__ import annotations

import io
import re
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from django.test import Client
from PIL import Image
from pytest_django import Settings

from billing.tests.staff_world import manager, signed_in_now
from business import brand
from business import uploads as stored
from business.models import BrandVersion, PictureUse
from business.tests import hostile
from common import documents
from emails import mail, rendering
from emails.catalog import Kind
from emails.models import Channel, Message
from portal.backoffice.message_samples import SAMPLES

pytestmark = pytest.mark.django_db

AT = datetime(2026, 11, 24, tzinfo=UTC)
PDF: dict[str, Any] = {
    "title": "Receipt",
    "facts": [["For", "Nina"]],
    "head": ["For", "Amount"],
    "lines": [["Yoga mat", "$1.00"]],
    "totals": [["Paid", "$1.00"]],
}
LONG = "The Society of Friends of Early Morning Yoga by the Harbor X"
NAMES = [LONG, "يوغا الميناء", "ハーバー・ヨガ教室", "a", "<b>&amp;", "O’Neil “Yoga”, Inc."]


def in_force(**values: Any) -> None:
    version = BrandVersion.objects.count() + 1
    BrandVersion.objects.create(version=version, **values)
    brand.forget()


def with_logo(content: bytes = b"", **values: Any) -> None:
    in_force(logo=stored.add(content or hostile.logo(), PictureUse.LOGO, None), **values)


def page() -> str:
    return Client().get("/accounts/login/").content.decode()


def email(kind: Kind = Kind.WELCOME) -> rendering.RenderedEmail:
    message = Message(
        kind=kind, channel=Channel.EMAIL, recipient="nina@example.com", context=SAMPLES[kind]
    )
    return rendering.render_email(message)


def pictures_in(pdf: bytes) -> int:
    return pdf.count(b"/Subtype /Image") + pdf.count(b"/Subtype/Image")


def test_a_page_without_a_logo_shows_the_first_letter() -> None:
    in_force(name="Quay Pilates")
    assert '<span class="brand-mark" aria-hidden="true">Q</span>' in page()
    assert "favicon" in page()


def test_pages_show_logo_icon_and_all_that_the_foot_has(uploads: Path) -> None:
    with_logo(
        name="Quay Pilates",
        vat_id="DE123",
        support_phone="+1 207 555 0100",
        support_hours="Weekdays, 9 to 5",
        postal_address="2 Quay Street",
        public_site_url="https://quay.example",
        socials=[{"name": "Instagram", "url": "https://instagram.com/quay"}],
    )
    said = page()
    shown = brand.current()
    assert f'src="{shown.logo_url}"' in said
    assert f'<link rel="apple-touch-icon" href="{shown.icon_url}">' in said
    for words in ("DE123", "Weekdays, 9 to 5", "2 Quay Street", 'href="https://quay.example"'):
        assert words in said
    assert '<a class="link-quiet" href="https://instagram.com/quay" rel="noopener">' in said
    assert 'href="tel:+12075550100"' in said


@pytest.mark.parametrize("name", NAMES)
def test_any_name_is_shown_everywhere_as_it_is(name: str) -> None:
    in_force(name=name)
    from django.utils.html import escape

    assert escape(name) in page()
    assert escape(name) in email().html
    assert name in email().text
    assert documents.render("payment_receipt", PDF, made_at=AT, refuses_boxes=True).startswith(
        b"%PDF-"
    )


def test_emails_show_the_logo_by_its_whole_address(uploads: Path, settings: Settings) -> None:
    settings.PORTAL_URL = "https://portal.example.com"
    with_logo(support_hours="Weekdays, 9 to 5", vat_id="DE123")
    html = email().html
    address = f"https://portal.example.com{brand.current().mail_logo_url}"
    assert re.search(rf'<img[^>]*src="{re.escape(address)}"[^>]*alt=""', html)
    assert 'height="40"' in html
    for part in (html, email().text):
        assert "Weekdays, 9 to 5" in part
        assert "DE123" in part


def test_mails_come_under_the_name_that_staff_saved(settings: Settings) -> None:
    settings.BRAND_NAME = "Harbor Yoga"
    settings.DEFAULT_FROM_EMAIL = '"Harbor, Inc." <mail@harbor.example>'
    assert mail.sender() == '"Harbor, Inc." <mail@harbor.example>'
    in_force(name="Quay, Pilates")
    assert mail.sender() == '"Quay, Pilates" <mail@harbor.example>'


@pytest.mark.parametrize(
    "content",
    [
        hostile.logo(),
        hostile.logo(color="#ffffff"),
        hostile.logo((1100, 100)),
        hostile.logo((100, 1100)),
    ],
    ids=["plain", "white", "wide", "tall"],
)
def test_documents_show_the_logo(content: bytes, uploads: Path) -> None:
    bare = documents.render("payment_receipt", PDF, made_at=AT)
    with_logo(content)
    pdf = documents.render("payment_receipt", PDF, made_at=AT)
    assert pictures_in(bare) == 0
    assert pictures_in(pdf) >= 1
    assert documents.render("payment_receipt", PDF, made_at=AT) == pdf
    first = Image.open(io.BytesIO(documents.picture("payment_receipt", PDF, made_at=AT)))
    assert first.width > 700


def test_a_logo_that_is_gone_leaves_the_rest(
    uploads: Path, caplog: pytest.LogCaptureFixture
) -> None:
    with_logo(hostile.logo(color="#123456"))
    (uploads / brand.current().logo_file).unlink()
    assert documents.render("payment_receipt", PDF, made_at=AT).startswith(b"%PDF-")
    assert "can't be read" in caplog.text
    assert brand.current().logo_url in page()


def test_a_pale_logo_gets_a_background_that_it_is_seen_on(uploads: Path) -> None:
    with_logo(hostile.logo(color="#ffffff"), color="#2f5d50")
    assert "on-light-brand" in page()
    in_force(logo=BrandVersion.objects.latest("version").logo, color="#fff2aa")
    assert "on-light-ink" in page()
    with_logo(hostile.logo(color="#111111"))
    assert "on-dark-paper" in page()


def test_the_staff_site_wears_the_brand(uploads: Path) -> None:
    with_logo(name="Quay Pilates")
    said = signed_in_now(manager()).get("/staff/").content.decode()
    assert "Quay Pilates" in said
    assert said.count(brand.current().icon_url) == 2
