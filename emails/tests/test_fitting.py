"""Every text takes two segments at most, whatever things and the business are called."""

from __future__ import annotations

import re
import unicodedata
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings as django_settings
from hypothesis import given
from hypothesis import strategies as st
from pytest_django import Settings

from emails import fitting, rendering, segments
from emails.catalog import CATALOG, Kind
from emails.models import Channel, Message
from portal.backoffice.message_samples import SAMPLES

TEXTS = [kind for kind, spec in CATALOG.items() if spec.sms]
LONG_BRAND = "Society of Friends of Early Morning Yoga"
LONG_URL = "https://account.friends-of-early-morning.example"
BRANDS = [
    LONG_BRAND,
    "Łódź Society of Friends of Morning Joga",
    "Студия утренней йоги у старой гавани (м)",
    "🧘 Yoga ‘Sunrise’ — mañana… £$€ [Łódź]",
]
WORDS = {
    "plain": "Sunrise and sunset yoga beside the harbor, " * 6,
    "polish": "Masaż dla Łukasza Wiśniewskiego i Zażółć Gęślą Jaźń, " * 5,
    "russian": "Утренняя йога для всех, " * 10,
    "emoji": "🧘‍♀️" * 60,
    "typography": "“Nina’s” — best… " * 15,
    "one letter": "Ł",
    "empty": "",
}


def said(kind: Kind, **facts: Any) -> str:
    """Return a text with other facts than its sample's."""
    context = {**SAMPLES[kind], **{name: facts[name] for name in facts if name in SAMPLES[kind]}}
    return rendering.render_sms(Message(kind=kind, channel=Channel.SMS, context=context))


def everywhere(words: str) -> dict[str, str]:
    return dict.fromkeys(fitting.SHORTENED_LAST, words)


@pytest.mark.parametrize("words", WORDS.values(), ids=WORDS)
@pytest.mark.parametrize("brand", BRANDS)
def test_two_segments_at_most(settings: Settings, brand: str, words: str) -> None:
    settings.BRAND_NAME, settings.PORTAL_URL = brand, LONG_URL
    for kind in TEXTS:
        text = said(kind, **everywhere(words), url=f"{LONG_URL}/payments/invoices/123456/")
        assert segments.count(text) <= 2, (kind, text, len(text))


@pytest.mark.parametrize("kind", TEXTS)
def test_plain_words_stay_plain_and_begin_with_who_writes(settings: Settings, kind: Kind) -> None:
    settings.BRAND_NAME, settings.PORTAL_URL = LONG_BRAND, LONG_URL
    text = said(kind, url=f"{LONG_URL}/payments/invoices/123456/")
    assert segments.ALPHABET.issuperset(text)
    assert text.startswith(f"{LONG_BRAND}: ")


def test_a_name_that_fits_is_said_as_it_is_written(settings: Settings) -> None:
    settings.BRAND_NAME, settings.PORTAL_URL = "Harbor Yoga", "https://portal.example.com"
    url = "https://portal.example.com/x/"
    text = said(Kind.PAYMENT_RECEIVED, description="Masaż dla Łukasza", url=url)
    assert text == f"Harbor Yoga: we received $29.00 for Masaż dla Łukasza. Receipt: {url}"


def test_a_name_without_plain_letters_is_left_out_rather_than_written_wrong() -> None:
    assert fitting._plain_words("Sesión para Łukasz") == "Sesion para ..."
    assert fitting._plain_words("Łukasz Łaska mówi") == "... mowi"
    assert fitting._plain_words("Ł") == "..."
    assert fitting._plain_words("Año nuevo, Müller") == "Año nuevo, Müller"


def test_a_brand_that_costs_too_much_is_written_plainly_or_as_the_portals_host(
    settings: Settings,
) -> None:
    settings.PORTAL_URL = LONG_URL
    settings.BRAND_NAME = "Siłownia «Żółw» i Spółka w starej Łodzi"
    assert said(Kind.OFFER_ACCEPTED).startswith("account.friends-of-early-morning.example: ")
    settings.BRAND_NAME = "Estúdio de Manhã à Beira do Cais da Vila"
    assert said(Kind.OFFER_ACCEPTED).startswith("Estudio de Manha à Beira do Cais da Vila: ")


def test_no_text_says_what_a_member_is_called() -> None:
    folder = Path(django_settings.BASE_DIR) / "templates" / "sms"
    for template in folder.iterdir():
        assert not re.search(r"{{ *name\b", template.read_text()), template.name


@given(st.text(max_size=300), st.text(max_size=60))
def test_any_words_fit_and_are_cut_between_letters(words: str, brand: str) -> None:
    facts = {"description": words, "brand": {"name": brand}}
    host = "portal.example.com"

    def write(one: fitting.Facts) -> str:
        return segments.plain(f"{one['brand']['name']}: $29.00 for {one['description']}. {host}")

    text = fitting.fitted(write, facts, host)
    assert segments.count(text) <= 2
    cut = fitting._shortened(words, 5)
    if cut != words:
        kept = cut.removesuffix(fitting.DOTS)
        assert words.startswith(kept)
        assert not unicodedata.combining((words[len(kept) :].lstrip() or "-")[0])
