"""Another language needs only a file: each sentence of a mail or text to members is translated.

Staff's mails are in English. Every kind is checked twice: its templates with all their branches,
and each sample as it's sent, with Greek facts, so that what a template makes of them is seen, too.
"""

from __future__ import annotations

import html
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from babel.messages.catalog import Catalog
from babel.messages.mofile import write_mo
from django.utils import translation
from django.utils.translation import trans_real
from pytest_django import Settings

from common import translations
from emails import compiling, rendering, translating
from emails.catalog import CATALOG, Category, Kind
from emails.models import Channel, Message
from portal.backoffice import more_samples
from portal.tests.test_marked_for_translation import Marking, Unmarked

KINDS = [kind for kind, spec in CATALOG.items() if spec.category != Category.STAFF]
GREEK = "Μάθημα 29"
# What's left of a template are facts: no addresses, dates, or codes for programs.
FACT = re.compile(r"https?://|T\d\d:\d\d|@|\A[^A-Za-z]*\Z")
TAGS = re.compile(
    r"{%\s*blocktranslate.*?{%\s*endblocktranslate\s*%}|{%\s*comment.*?endcomment\s*%}"
    r"|{%.*?%}|{{.*?}}|<script.*?</script>",
    re.DOTALL,
)


@pytest.fixture
def brand(settings: Settings) -> None:
    """A business whose name isn't a word of ours."""
    settings.BRAND_NAME = "Ωμέγα"
    settings.PORTAL_URL = "https://portal.example.com"


@pytest.fixture
def marking(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Whatever is translated carries the marks."""
    monkeypatch.setattr(trans_real, "_translations", dict.fromkeys(("en", "en-us"), Marking()))
    compiling.forget()
    with translation.override("en-us"):
        yield
    compiling.forget()


def greek(fact: Any) -> Any:
    """Return a fact in Greek letters, unless it's an address, a moment, or a number."""
    if isinstance(fact, str):
        return fact if FACT.search(fact) else GREEK
    if isinstance(fact, dict):
        return {name: greek(one) for name, one in fact.items()}
    return [greek(one) for one in fact] if isinstance(fact, list) else fact


def words_of(kind: Kind, facts: dict[str, Any]) -> Iterator[str]:
    """Yield each part of a message as its reader gets it, as HTML."""
    spec = CATALOG[kind]
    if spec.email:
        email = rendering.render_email(Message(kind=kind, channel=Channel.EMAIL, context=facts))
        yield from (html.escape(email.subject), email.html, html.escape(email.text))
    if spec.sms:
        text = rendering.render_sms(Message(kind=kind, channel=Channel.SMS, context=facts))
        # The last line is for the browser.
        yield html.escape(re.sub(r"\n@\S+ #.*", "", text))


def branches_of(kind: Kind) -> Iterator[str]:
    """Yield each template of a kind with the words of all its branches."""
    spec = CATALOG[kind]
    if spec.email:
        yield compiling.subject(f"emails/{kind}.txt")
        yield compiling.flattened(f"emails/{kind}.txt")
        yield compiling.flattened(f"emails/{kind}.mjml")
    if spec.sms:
        yield compiling.flattened(f"sms/{kind}.txt")


@pytest.mark.usefixtures("brand", "marking")
def test_each_sample_is_all_marked() -> None:
    found, samples = {}, 0
    for kind in KINDS:
        for sample in more_samples.of_kind(kind):
            facts = {name: greek(fact) for name, fact in sample.context.as_json().items()}
            parts = list(words_of(kind, facts))
            assert any("⟦" in part for part in parts)
            if left := [words for part in parts for words in Unmarked(part).found]:
                found[f"{kind}: {sample.title}"] = left
            samples += 1
    assert found == {}
    assert samples > len(KINDS)


@pytest.mark.usefixtures("marking")
def test_each_branch_of_a_template_is_marked() -> None:
    found: dict[str, list[str]] = {}
    for kind in KINDS:
        for source in branches_of(kind):
            words = re.sub(r"<mj-(head|style).*?</mj-\1>", "", source, flags=re.DOTALL)
            if left := Unmarked(TAGS.sub(" ", translating.translated(words))).found:
                found.setdefault(str(kind), []).extend(left)
    assert found == {}


SENTENCES: dict[str | tuple[str, str], str | tuple[str, str]] = {
    "Your account is closed": "Ihr Konto ist geschlossen",
    "Your account was closed on %(time)s.": "Ihr Konto wurde am %(time)s geschlossen (zu 100 %%).",
    "%(name)s, your account was closed on %(time)s.": "%(name)s, {{ brand }} {% now %}",
    'You didn’t ask for this? Write to us right away: <a href="mailto:%(email)s">%(email)s</a>.': (
        'Nicht von Ihnen? Schreiben Sie uns: <a href="mailto:%(email)s">%(email)s</a>.'
    ),
    "You can’t sign in anymore.": "%(secret)s",
    ("It works for %(minutes)s minute.", "It works for %(minutes)s minutes."): (
        "Gilt %(minutes)s Minute.",
        "Gilt %(minutes)s Minuten.",
    ),
    "%(code)s is your code": "%(code)s ist Ihr Code",
    "%(code)s is your code. Never share it.": "%(code)s ist Ihr Code. Geben Sie ihn nie weiter.",
}


@pytest.fixture
def german(settings: Settings, tmp_path: Path) -> Iterator[None]:
    """A catalog of some sentences in German, the business's language."""
    catalog = Catalog(locale="de", charset="utf-8", fuzzy=False)
    for source, words in SENTENCES.items():
        catalog.add(source, words)
    file = translations.file_of(tmp_path, "de", translations.MO)
    file.parent.mkdir(parents=True)
    with file.open("wb") as writer:
        write_mo(writer, catalog)
    settings.LOCALE_PATHS = [tmp_path]
    settings.LANGUAGES = [("en-us", "English"), ("de", "Deutsch")]
    settings.LANGUAGE_CODE = "de"
    compiling.forget()
    yield
    compiling.forget()
    translation.activate("en-us")


def email_of(kind: Kind, **facts: Any) -> rendering.RenderedEmail:
    """Render a kind's usual sample with some other facts."""
    usual = more_samples.of_kind(kind)[0].context.as_json()
    return rendering.render_email(
        Message(kind=kind, channel=Channel.EMAIL, context=usual | facts),
    )


@pytest.mark.usefixtures("brand", "german")
def test_words_facts_and_links_of_another_language_come_together() -> None:
    email = email_of(Kind.ACCOUNT_CLOSED, name="")
    assert email.subject == "Ihr Konto ist geschlossen"
    assert "geschlossen (zu 100 %)." in email.text
    # A link in a translation is styled as one in the original.
    link = r'Schreiben Sie uns: <a href="mailto:help@example.com" style="[^"]*underline'
    assert re.search(link, email.html)
    email = email_of(Kind.ADDRESS_CODE, code="K7F3", minutes=1)
    assert email.subject == "K7F3 ist Ihr Code"
    assert "Gilt 1 Minute." in email.text
    assert "Gilt 15 Minuten." in email_of(Kind.ADDRESS_CODE, minutes=15).html
    code = more_samples.of_kind(Kind.PHONE_CODE)[0].context.as_json()
    sms = rendering.render_sms(Message(kind=Kind.PHONE_CODE, channel=Channel.SMS, context=code))
    assert "Geben Sie ihn nie weiter." in sms


@pytest.mark.usefixtures("brand", "german")
def test_a_translation_brings_no_tags_and_no_other_facts() -> None:
    email = email_of(Kind.ACCOUNT_CLOSED, name="Nina")
    for part in (email.html, email.text):
        assert "Nina, your account was closed on" in part
        assert "You can’t sign in anymore." in part
