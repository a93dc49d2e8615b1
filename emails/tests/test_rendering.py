"""Every kind of message renders well in every part, whatever a member's name."""

from __future__ import annotations

import html
import logging
import re
from html.parser import HTMLParser
from pathlib import Path
from xml.etree import ElementTree

import pytest
from django.contrib.auth.models import User
from django.template.loader import get_template
from pytest_django import Settings

from common.brand import contrast, palette, parse
from common.context import current_brand
from emails import rendering, segments
from emails.catalog import CATALOG, Category, Kind
from emails.models import Channel, Message
from emails.tests.hostile import HOSTILE, hostile
from members.models import Member
from portal.backoffice.message_samples import SAMPLES

EMAILS = [kind for kind, spec in CATALOG.items() if spec.email]
TEXTS = [kind for kind, spec in CATALOG.items() if spec.sms]

# What mrml knows, with the attributes that we use. It passes unknown ones in silence.
SHARED = {"css-class", "padding", "font-family"}
TEXT = SHARED | {"color", "font-size", "line-height", "font-weight"}
BUTTON = {"background-color", "color", "font-size", "font-weight", "border-radius", "align"}
ALLOWED = {
    "mjml": {"lang"},
    "mj-head": set(),
    "mj-title": set(),
    "mj-attributes": set(),
    "mj-all": {"font-family"},
    "mj-raw": set(),
    "mj-style": {"inline"},
    "mj-body": {"background-color", "width", "css-class"},
    "mj-section": SHARED | {"background-color", "border-radius"},
    "mj-column": SHARED,
    "mj-text": TEXT,
    "mj-table": TEXT | {"align"},
    "mj-button": SHARED | BUTTON | {"inner-padding", "href"},
}
# HTML inside mj-text, mj-table and mj-raw goes through as it is.
HTML: dict[str, set[str]] = {
    "meta": {"name", "content"},
    "tr": {"class"},
    "td": {"class"},
    "h1": set(),
    "script": {"type"},
    "div": {"class"},
    "a": {"href"},
    "br": set(),
    "img": {"src", "alt", "width", "height", "style"},
}


class Links(HTMLParser):
    """Collects the addresses of a page's links, as a browser reads them."""

    def __init__(self) -> None:
        super().__init__()
        self.addresses: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Note a link's address."""
        self.addresses += [value for name, value in attrs if name == "href" and value]


def message(kind: Kind, context: dict[str, object], channel: Channel = Channel.EMAIL) -> Message:
    """Return an unsaved message."""
    return Message(kind=kind, channel=channel, recipient="nina@example.com", context=context)


@pytest.fixture(autouse=True)
def brand(settings: Settings) -> None:
    """The demo's brand."""
    settings.BRAND_NAME = "Harbor Yoga"
    settings.PORTAL_URL = "https://portal.example.com"


def test_every_kind_has_a_sample() -> None:
    assert set(SAMPLES) == set(Kind) == set(CATALOG)


@pytest.mark.parametrize("kind", EMAILS)
def test_email_has_subject_html_and_text(kind: Kind) -> None:
    email = rendering.render_email(message(kind, SAMPLES[kind]))
    assert 5 < len(email.subject) < 90
    assert "{" not in email.subject
    for part in (email.html, email.text):
        assert "Harbor Yoga" in part
        to_staff = CATALOG[kind].category == Category.STAFF
        assert ("help@example.com" in part) != to_staff
        assert ("https://portal.example.com/staff/" in part) >= to_staff
        assert "{{" not in part
        assert "{%" not in part
    assert "<mj-" not in email.html
    assert "prefers-color-scheme: dark" in email.html


@pytest.mark.parametrize("kind", EMAILS)
def test_hostile_words_stay_words(kind: Kind) -> None:
    email = rendering.render_email(message(kind, hostile(SAMPLES[kind])))
    assert "<script>" not in email.html
    assert "\n" not in email.subject
    if hostile(SAMPLES[kind]) != SAMPLES[kind]:
        assert "&lt;script&gt;" in email.html
        assert HOSTILE.split(" ")[0] in email.text
        assert "{{ braces }}" in email.text


def test_hostile_address_stays_an_attribute() -> None:
    url = """https://portal.example.com/?a=1&b="><script>alert('x')</script>"""
    email = rendering.render_email(message(Kind.ACCOUNT_EXISTS, {"url": url}))
    links = Links()
    links.feed(email.html)
    assert url in links.addresses
    assert "<script>" not in email.html


@pytest.mark.parametrize("kind", EMAILS)
def test_html_and_text_tell_the_same(kind: Kind) -> None:
    email = rendering.render_email(message(kind, SAMPLES[kind]))
    seen = html.unescape(re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", email.html)))
    read = re.sub(r"\s+", " ", email.text)
    facts = [
        fact
        for name, fact in SAMPLES[kind].items()
        # What paid is a picture, and in words as the method.
        if isinstance(fact, str) and "T12:" not in fact and name != "method_picture"
    ]
    for fact in facts:
        assert fact in read, fact
        assert fact in seen or fact in email.html, fact


@pytest.mark.parametrize("kind", EMAILS)
def test_one_button_at_most(kind: Kind) -> None:
    assert _source(kind).count("<mj-button href") <= 1


@pytest.mark.parametrize("kind", EMAILS)
def test_templates_use_only_what_mjml_knows(kind: Kind) -> None:
    well_formed = re.sub(r"<meta([^>]*)>", r"<meta\1/>", _source(kind))
    for element in ElementTree.fromstring(well_formed).iter():  # noqa: S314  (our own template)
        allowed = HTML.get(element.tag) if element.tag in HTML else ALLOWED.get(element.tag)
        assert allowed is not None, element.tag
        assert set(element.attrib) <= allowed, (element.tag, element.attrib)
        assert not [value for value in element.attrib.values() if '"' in value]


def _source(kind: Kind) -> str:
    """Return a kind's MJML as it goes into the compiler."""
    letterhead = rendering._letterhead(current_brand(), "https://portal.example.com", kind)
    shared = {"why": "Because.", "subject": "Your payment", "language": "en", "for_staff": False}
    facts = {**letterhead.facts, **shared, "unsubscribe_url": "https://example.com/off"}
    context = SAMPLES[kind] | facts
    return str(get_template(f"emails/{kind}.mjml").render(context))


@pytest.mark.parametrize("kind", TEXTS)
def test_text_message_fits_one_segment(kind: Kind) -> None:
    text = rendering.render_sms(message(kind, SAMPLES[kind], Channel.SMS))
    assert text.startswith("Harbor Yoga: ")
    assert segments.ALPHABET.issuperset(text), set(text) - segments.ALPHABET
    assert segments.count(text) == 1, len(text)


def test_long_name_is_cut_to_save_a_segment() -> None:
    receipt = SAMPLES[Kind.PAYMENT_RECEIVED] | {"description": "Sunrise and sunset yoga, " * 8}
    text = rendering.render_sms(message(Kind.PAYMENT_RECEIVED, receipt, Channel.SMS))
    assert segments.count(text) == 1
    assert "Sunrise and sunset yoga" in text
    assert text.endswith(f"... Receipt: {receipt['url']}")


def test_what_cannot_fit_one_segment_is_said_in_full_in_two(settings: Settings) -> None:
    settings.BRAND_NAME = "The Society of Friends of Early Morning Yoga beside the Harbor " * 2
    text = rendering.render_sms(
        message(Kind.PAYMENT_RECEIVED, SAMPLES[Kind.PAYMENT_RECEIVED], Channel.SMS)
    )
    assert "Harbor Yoga membership, November 2026" in text


def test_typography_does_not_double_the_price() -> None:
    context = SAMPLES[Kind.WELCOME] | {"plan_name": "Nina’s “Harbor” plan"}
    text = rendering.render_sms(message(Kind.WELCOME, context, Channel.SMS))
    assert 'your Nina\'s "Harbor" plan is active' in text


def test_phone_offers_the_code_to_the_page() -> None:
    text = rendering.render_sms(message(Kind.PHONE_CODE, SAMPLES[Kind.PHONE_CODE], Channel.SMS))
    assert text.splitlines()[-1] == "@portal.example.com #K7F3-9QXZ"


@pytest.mark.parametrize("color", ["#2f5d50", "#ffd400", "#000000", "#ffffff"])
def test_brand_name_can_be_read_on_any_brand(settings: Settings, color: str) -> None:
    settings.BRAND_COLOR = color
    colors = palette(color)
    assert contrast(parse(colors.brand), parse(colors.on_brand)) >= 4.5
    email = rendering.render_email(message(Kind.WELCOME, SAMPLES[Kind.WELCOME]))
    assert f"color:{colors.on_brand}" in email.html


@pytest.mark.django_db
def test_dates_are_the_members_own() -> None:
    user = User.objects.create_user("nina", "nina@example.com")
    Member.objects.filter(user=user).update(time_zone="Pacific/Auckland")
    moved = SAMPLES[Kind.ACCOUNT_CHANGED] | {"at": "2026-11-24T12:30:00+00:00"}
    letter = message(Kind.ACCOUNT_CHANGED, moved)
    letter.user = User.objects.get(pk=user.pk)
    assert "Wednesday, November 25, 2026, 1:30 AM NZDT" in rendering.render_email(letter).text


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
    assert "Tuesday, November 24, 2026" in email.text


@pytest.fixture
def as_in_production(monkeypatch: pytest.MonkeyPatch) -> None:
    """Only log a name that a message lacks."""
    monkeypatch.setattr(logging.getLogger("emails.rendering"), "filters", [])


@pytest.mark.usefixtures("as_in_production")
def test_message_without_a_name_is_sent_and_noted_in_the_log(
    caplog: pytest.LogCaptureFixture,
) -> None:
    before = {
        name: fact
        for name, fact in SAMPLES[Kind.PAYMENT_RECEIVED].items()
        if name not in {"recovered", "next_card"}
    }
    email = rendering.render_email(message(Kind.PAYMENT_RECEIVED, before))
    assert "We received $29.00" in email.text
    noted = [record.getMessage() for record in caplog.records if record.levelname == "ERROR"]
    assert "emails/payment_received.txt: the message has no next_card, recovered." in noted
    assert "Nina" not in caplog.text


@pytest.mark.parametrize(
    "source",
    [
        "{{ nmae }}",
        "{% if nmae %}x{% endif %}",
        "{% if not nmae or name %}x{% endif %}",
        "{% for one in nmae %}x{% endfor %}",
        '{{ nmae|default:"you" }}',
        "{% firstof nmae name %}",
    ],
)
def test_unknown_name_fails_a_test_wherever_it_stands(
    source: str, tmp_path: Path, settings: Settings
) -> None:
    settings.TEMPLATES = [settings.TEMPLATES[0] | {"DIRS": [tmp_path], "APP_DIRS": False}]
    settings.DEBUG = True  # reads the templates anew
    (tmp_path / "emails").mkdir()
    (tmp_path / "emails/welcome.txt").write_text(f"{{% block subject %}}{source}{{% endblock %}}")
    with pytest.raises(AssertionError, match="nmae"):
        rendering.render_subject(message(Kind.WELCOME, SAMPLES[Kind.WELCOME]))
