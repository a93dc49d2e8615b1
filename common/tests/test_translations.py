"""Another language only needs its file: every marked text is found, and pages show what's in it."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
import time_machine
from babel.messages.pofile import read_po, write_po
from django.conf import settings as django_settings
from django.contrib.auth.models import User
from django.core.management import CommandError, call_command
from django.utils import timezone, translation
from django.utils.translation import trans_real
from pytest_django import Settings

from common import locales, translations
from emails import rendering, translating
from emails.catalog import Kind
from emails.models import Message
from members.models import Member
from members.tests.actors import ALICE, alice, browser, sign_up
from portal.backoffice.message_samples import SAMPLES
from testing import other_words

# They read all sources of the product.
pytestmark = [pytest.mark.django_db, pytest.mark.slow]
ROOT = Path(django_settings.BASE_DIR)
SOURCES = [
    file
    for folder in translations.FOLDERS
    for file in (ROOT / folder).rglob("*")
    if not translations.LEFT_OUT.intersection(file.parts)
]


@pytest.fixture(scope="module")
def found() -> dict[str, set[str]]:
    """Every marked text of the product, with its files."""
    texts: dict[str, set[str]] = {}
    for message in translations.extract(ROOT):
        names = {name for name, _line in message.locations}
        words = message.id if isinstance(message.id, (list, tuple)) else [message.id]
        for one in words:
            texts.setdefault(str(one), set()).update(names)
    return texts


@pytest.fixture
def folder(settings: Settings, tmp_path: Path) -> Iterator[Path]:
    """An own folder of catalogs, which Django reads anew."""
    settings.LOCALE_PATHS = [tmp_path]
    with other_words.forgotten_afterward():
        yield tmp_path


def translate(folder: Path, language: str, **words: str) -> None:
    """Write a language's file with some translations, as a translator's program would."""
    call_command("translations", language)
    file = translations.file_of(folder, language)
    with file.open("rb") as reader:
        catalog = read_po(reader, locale=language)
    for source, translated in words.items():
        message = catalog.get(source)
        assert message is not None, source
        message.string = translated
    with file.open("wb") as writer:
        write_po(writer, catalog)
    call_command("translations")


def offer(settings: Settings, folder: Path) -> None:
    """Start again with what's in the folder."""
    settings.LANGUAGES = locales.languages(folder)


def test_every_tag_in_every_template_is_found(found: dict[str, set[str]]) -> None:
    tags = re.compile(r"""\{% *(?:translate|trans) +(?:"([^"]*)"|'([^']*)')""")
    seen = 0
    for file in SOURCES:
        if file.suffix in translations.TEMPLATES and file.is_file():
            text = file.read_text()
            for double, single in tags.findall(text):
                assert (double or single) in found, (file, double or single)
                seen += 1
            blocks = len(re.findall(r"\{% *blocktrans", text))
            name = file.relative_to(ROOT).as_posix()
            assert blocks == 0 or any(name in names for names in found.values()), file
    assert seen > 100


class Asked:
    """A language that notes what it's asked to translate."""

    def __init__(self) -> None:
        self.texts: set[str] = set()

    def gettext(self, message: str) -> str:
        self.texts.add(message)
        return message


def test_nothing_is_said_with_an_exclamation_mark(found: dict[str, set[str]]) -> None:
    assert [text for text in found if re.search(r"\w!(?=\W|$)", text)] == []


def test_mails_ask_for_what_is_found(
    found: dict[str, set[str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Their templates are translated as a whole, by code of ours."""
    asked = Asked()
    monkeypatch.setattr(trans_real, "_translations", {"en-us": asked})
    with other_words.forgotten_afterward(), translation.override("en-us"):
        for file in SOURCES:
            if file.suffix in {".mjml", ".txt"}:
                translating.translated(file.read_text())
    assert len(asked.texts) > 300
    assert asked.texts <= set(found)


def test_functions_that_mark_texts_keep_their_names() -> None:
    """Django's `makemessages` and ours look for names: `_`, and those of gettext."""
    known = {"_", *translations.KEYWORDS}
    aliases = re.compile(r"import \(?[\w, ]*\b(n?p?gettext\w*) as (\w+)")
    for file in SOURCES:
        if file.suffix == ".py":
            for _name, alias in aliases.findall(file.read_text()):
                assert alias in known, (file, alias)


def test_no_marked_text_is_made_at_run_time() -> None:
    """`_(f"…")` and `_("…" + name)` can't be found."""
    for file in SOURCES:
        if file.suffix == ".py":
            text = file.read_text()
            made = re.findall(r"\b(?:_|n?p?gettext(?:_lazy)?)\(\s*(f[\"'][^\n]*)", text)
            assert not made, (file, made)


def test_contexts_plurals_and_trimmed_blocks_are_found(tmp_path: Path) -> None:
    (tmp_path / "templates").mkdir()
    (tmp_path / "templates" / "page.html").write_text(
        '{% load i18n %}<p>It\'s "odd" ({[</p>\n'
        '    {% translate "Save" %}{% translate "May" context "month" %}\n'
        "{% blocktranslate trimmed count n=n with a=b.c %}\n   One {{ a }}\n"
        "{% plural %}\n  {{ n }} {{ a }}s\n{% endblocktranslate %}{{ _('In a variable') }}"
        '{% include "x.html" with label=_("In a tag") only %}'
    )
    (tmp_path / "billing").mkdir()
    (tmp_path / "billing" / "words.py").write_text(
        'from x import gettext as _, ngettext, pgettext\n_("A long "\n  "text")\n'
        'ngettext("%(n)s day", "%(n)s days", n)\npgettext("verb", "Book")\n'
    )
    catalog = translations.extract(tmp_path)
    texts = {(message.context, message.id) for message in catalog if message.id}
    assert texts == {
        (None, "Save"), ("month", "May"), (None, ("One %(a)s", "%(n)s %(a)ss")),
        (None, "In a variable"), (None, "In a tag"), (None, "A long text"),
        (None, ("%(n)s day", "%(n)s days")), ("verb", "Book"),
    }  # fmt: skip


def test_a_language_only_needs_its_file(settings: Settings, folder: Path) -> None:
    translate(folder, "de", **{"Activity": "Verlauf", "Tax ID": "Steuernummer"})
    offer(settings, folder)
    settings.LOCALE = "de_DE"
    assert settings.LANGUAGES == [("en-us", "English"), ("de", "Deutsch")]
    assert locales.best_of(settings.LANGUAGES, "de_AT") == "de"
    assert locales.best_of(settings.LANGUAGES, "fr_FR") == "en-us"
    user = alice()
    page = browser(user).get("/account/").content.decode()
    assert "Activity" in page
    assert "Deutsch" in page
    answer = browser(user).post(
        "/account/profile/", {"name": "Alice", "time_zone": "own", "language": "de"}, follow=True
    )
    page = answer.content.decode()
    assert '<html lang="de">' in page
    assert "Verlauf" in page
    assert answer["Content-Language"] == "de"
    assert Member.objects.get(user=user).language == "de"


def test_visitors_read_in_their_browsers_language_and_sign_up_in_it(
    settings: Settings, folder: Path
) -> None:
    translate(folder, "de")
    offer(settings, folder)
    client = browser()
    german = {"Accept-Language": "de-AT,de;q=0.9,en;q=0.5"}
    assert '<html lang="de">' in client.get("/accounts/login/", headers=german).content.decode()
    assert '<html lang="en' in client.get("/accounts/login/").content.decode()
    client.defaults["HTTP_ACCEPT_LANGUAGE"] = german["Accept-Language"]
    sign_up(client)
    assert Member.objects.get(user__email=ALICE).language == "de"


def test_mail_is_in_the_members_language(settings: Settings, folder: Path) -> None:
    translate(folder, "de")
    offer(settings, folder)
    settings.LOCALE = "de_DE"
    user = alice()
    Member.objects.update(language="de")
    context = SAMPLES[Kind.RENEWAL_COMING] | {"renews_on": "2026-12-04T12:00:00+00:00"}
    message = Message(
        kind=Kind.RENEWAL_COMING, channel="email", user=User.objects.get(pk=user.pk),
        recipient=ALICE, context=context,
    )  # fmt: skip
    assert "Freitag, 4. Dezember 2026" in rendering.render_email(message).text


def test_with_english_alone_nothing_can_be_chosen() -> None:
    assert django_settings.LANGUAGES == [("en-us", "English")]
    answer = browser(alice()).get("/account/", headers={"Accept-Language": "de"})
    assert 'name="language"' not in answer.content.decode()
    assert '<html lang="en' in answer.content.decode()


def test_a_translation_that_breaks_its_sentence_is_named(folder: Path) -> None:
    source = "“%(topic)s” emails are on."
    with pytest.raises(CommandError, match="other placeholders"):
        translate(folder, "fr", **{source: "Les e-mails sont actifs."})
    with pytest.raises(CommandError, match="such as en_US"):
        call_command("translations", "klingon-x")


def test_an_update_keeps_translations_and_drops_what_is_gone(folder: Path) -> None:
    translate(folder, "de", Activity="Verlauf")
    file = translations.file_of(folder, "de")
    old = file.read_text()
    file.write_text(old + '\nmsgid "Gone since"\nmsgstr "Weg"\n')
    # A file changes only with its texts, whenever the command runs.
    with time_machine.travel(timezone.now() + timedelta(days=3)):
        call_command("translations")
    assert file.read_text() == old
    assert 'msgstr "Verlauf"' in old
