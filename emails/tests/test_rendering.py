"""Every kind of message reads well, in every part, whatever a member is called."""

from __future__ import annotations

import re
from xml.etree import ElementTree

import pytest
from django.template.loader import get_template
from pytest_django import Settings

from emails import rendering
from emails.catalogue import CATALOGUE, Kind
from emails.models import Channel, Message
from emails.tests.samples import HOSTILE, SAMPLES, hostile
from portal.brand import palette
from portal.context import current_brand

EMAILS = [kind for kind, spec in CATALOGUE.items() if spec.email]
TEXTS = [kind for kind, spec in CATALOGUE.items() if spec.sms]

# What mrml knows, with the attributes that we use. It passes unknown ones in silence.
SHARED = {"css-class", "padding", "font-family"}
TEXT = SHARED | {"color", "font-size", "line-height", "font-weight"}
BUTTON = {"background-color", "color", "font-size", "font-weight", "border-radius", "align"}
ALLOWED = {
    "mjml": {"lang"},
    "mj-head": set(),
    "mj-title": set(),
    "mj-preview": set(),
    "mj-attributes": set(),
    "mj-all": {"font-family"},
    "mj-raw": set(),
    "mj-style": set(),
    "mj-body": {"background-color", "width", "css-class"},
    "mj-section": SHARED | {"background-color", "border-radius"},
    "mj-column": SHARED,
    "mj-text": TEXT,
    "mj-table": TEXT,
    "mj-button": SHARED | BUTTON | {"inner-padding", "href"},
}
HTML = {"meta", "tr", "td", "a", "strong", "br"}
# GSM 03.38, the alphabet of a text message of 160 characters.
GSM = set(
    "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?¡"
    "ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§¿abcdefghijklmnopqrstuvwxyzäöñüà"
)


def message(kind: Kind, context: dict[str, object], channel: Channel = Channel.EMAIL) -> Message:
    """Return an unsaved message."""
    return Message(kind=kind, channel=channel, recipient="nina@example.com", context=context)


@pytest.fixture(autouse=True)
def brand(settings: Settings) -> None:
    """The demo's brand."""
    settings.BRAND_NAME = "Harbor Yoga"
    settings.PORTAL_URL = "https://portal.example.com"


def test_every_kind_has_a_sample() -> None:
    assert set(SAMPLES) == set(Kind) == set(CATALOGUE)


@pytest.mark.parametrize("kind", EMAILS)
def test_email_has_subject_html_and_text(kind: Kind) -> None:
    email = rendering.render_email(message(kind, SAMPLES[kind]))
    assert 5 < len(email.subject) < 90
    assert "{" not in email.subject
    for part in (email.html, email.text):
        assert "Harbor Yoga" in part
        assert "help@example.com" in part
        assert "{{" not in part
        assert "{%" not in part
    assert "<mj-" not in email.html
    assert "prefers-color-scheme: dark" in email.html


@pytest.mark.parametrize("kind", [Kind.WELCOME, Kind.PAYMENT_RECEIVED, Kind.PAYMENT_FAILED])
def test_hostile_words_stay_words(kind: Kind) -> None:
    email = rendering.render_email(message(kind, hostile(SAMPLES[kind])))
    assert "<script>" not in email.html
    assert "&lt;script&gt;" in email.html
    assert "\n" not in email.subject
    assert HOSTILE.split(" ")[0] in email.text


@pytest.mark.parametrize("kind", EMAILS)
def test_templates_use_only_what_mjml_knows(kind: Kind) -> None:
    brand = current_brand()
    context = SAMPLES[kind] | {"brand": brand, "palette": palette(brand.color), "why": "Because."}
    source = get_template(f"emails/{kind}.mjml").render(context)
    well_formed = re.sub(r"<meta([^>]*)>", r"<meta\1/>", source)
    for element in ElementTree.fromstring(well_formed).iter():  # noqa: S314  (our own template)
        if element.tag in HTML:
            continue
        assert element.tag in ALLOWED, element.tag
        own = {"padding", "background-color"} if element.tag == "mj-section" else set()
        assert set(element.attrib) <= ALLOWED[element.tag] | own, (element.tag, element.attrib)


@pytest.mark.parametrize("kind", TEXTS)
def test_text_message_fits_one_segment(kind: Kind) -> None:
    text = rendering.render_sms(message(kind, SAMPLES[kind], Channel.SMS))
    assert text.startswith("Harbor Yoga: ")
    assert set(text) <= GSM, set(text) - GSM
    assert len(text) <= 160, len(text)


def test_last_try_is_said() -> None:
    context = SAMPLES[Kind.PAYMENT_FAILED] | {"final": True, "next_attempt_on": ""}
    email = rendering.render_email(message(Kind.PAYMENT_FAILED, context))
    assert "This was the last try" in email.text
    assert "This was the last try" in email.html


def test_receipt_adds_up_in_words() -> None:
    email = rendering.render_email(message(Kind.PAYMENT_RECEIVED, SAMPLES[Kind.PAYMENT_RECEIVED]))
    assert email.subject == "Receipt: $29.00 for Harbor Yoga membership, November 2026"
    for fact in ("$30.00", "$2.00", "−$3.00", "HY-0042", "Visa ending in 4242"):
        assert fact in email.html
        assert fact in email.text
    assert "Tuesday, 24 November 2026" in email.text
