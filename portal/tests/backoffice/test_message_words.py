"""Staff write a message's subject, opening, and text; whatever they write, the message goes out."""

from __future__ import annotations

import html
import re
from dataclasses import replace
from typing import Any

import pytest
from django.contrib.admin.models import LogEntry
from django.test import Client
from pytest_django import Settings

from billing.tests import staff_world
from emails import rendering, segments, wording
from emails.catalog import CATALOG, Kind
from emails.models import Channel, EditedText, Message
from portal.backoffice import gallery, message_words, problems
from portal.backoffice.message_samples import CONTEXTS

pytestmark = pytest.mark.django_db
KIND = Kind.MEMBERSHIP_ENDS
EMAILS = [kind for kind, spec in CATALOG.items() if spec.email]


def mail(kind: Kind = KIND, **changes: Any) -> rendering.RenderedEmail:
    """Return the usual sample with other facts."""
    context = replace(CONTEXTS[kind], **changes).as_json()
    return rendering.render_email(Message(kind=kind, channel=Channel.EMAIL, context=context))


def text(kind: Kind = KIND, **changes: Any) -> str:
    """Return the usual sample's text message with other facts."""
    context = replace(CONTEXTS[kind], **changes).as_json()
    return rendering.render_sms(
        Message(kind=kind, channel=Channel.SMS, context=context, says_stop=True)
    )


def write(subject: str = "", lead: str = "", language: str = "en-us", **values: Any) -> EditedText:
    """Put words in force."""
    version = EditedText.objects.filter(kind=KIND, language=language).count() + 1
    row = EditedText.objects.create(
        **{"kind": KIND, "language": language, "version": version, "days": ["ends_on"]} | values,
        subject=subject,
        lead=lead,
    )
    wording.KEPT.assume(wording.newest())
    return row


def test_what_only_chooses_a_picture_is_no_fact_to_write() -> None:
    known = wording.names(type(CONTEXTS[Kind.PAYMENT_RECEIVED]))
    assert "method" in known
    assert "method_picture" not in known


@pytest.fixture
def owner() -> Client:
    """An owner's browser."""
    client = Client()
    client.force_login(staff_world.owner())
    return client


@pytest.mark.parametrize("kind", EMAILS)
def test_every_email_has_an_opening_that_can_be_replaced(kind: Kind) -> None:
    row = EditedText(kind=kind, language="en-us", lead="Dear reader")
    before = message_words.originals(kind)
    found = wording.LEAD_IN_HTML.search(before.html)
    assert found
    words = " ".join(html.unescape(re.sub(r"<[^>]+>", "", found[2])).split())
    assert words == " ".join(wording.lead_of(before.text).split())
    after = message_words.preview(row)
    assert words not in after.text.split("\n")
    assert after.html.count("Dear ") == after.text.count("Dear ") == 1


def test_words_are_filled_and_escaped() -> None:
    before = mail()
    write("{brand}: until {ends_on}", "Goodbye {name}, see you & yours.")
    after = mail(name="<b>Nina</b>")
    assert after.subject.endswith(": until Thursday, December 24, 2026")
    assert "Goodbye &lt;b&gt;Nina&lt;/b&gt;, see you &amp; yours." in after.html
    assert "Goodbye <b>Nina</b>, see you & yours." in after.text
    assert after.text.split("\n")[0] == before.text.split("\n")[0]


def test_a_message_that_lacks_a_fact_keeps_the_original() -> None:
    original = mail(name="")
    write("For {name}", "Dear {name}.")
    assert mail(name="") == original


def test_words_that_no_longer_fit_stop_nothing_and_are_a_task(
    caplog: pytest.LogCaptureFixture,
) -> None:
    original = mail()
    write("{gone}", "{gone} on {ends_on}")
    assert mail() == original
    assert "names gone" in caplog.text
    [task] = [one for one in problems.current() if one.key.startswith("edited text:")]
    assert "{gone} isn’t a fact of this message." in task.text
    write()
    assert not [one for one in problems.current() if one.key.startswith("edited text:")]


def test_words_are_in_force_in_their_own_language_only(settings: Settings) -> None:
    original = mail()
    write("Auf Wiedersehen", language="de")
    assert mail() == original


def test_an_owner_previews_saves_and_goes_back(owner: Client) -> None:
    original = mail()
    url = message_words.address(KIND)
    typed = {"subject": "Ends {ends_on}", "lead": "Bye {name}\nfor now.", "based_on": "0"}
    page = owner.post(url, typed | {"step": "preview"}).content.decode()
    assert "Ends Thursday, December 24, 2026" in page
    assert not EditedText.objects.exists()
    assert "Saved." in owner.post(url, typed | {"step": "save"}, follow=True).content.decode()
    assert mail().subject == "Ends Thursday, December 24, 2026"
    assert "Bye Nina Novak for now." in mail().text
    assert LogEntry.objects.filter(change_message__contains="Ends {ends_on}").exists()
    same = owner.post(url, typed | {"based_on": "1", "step": "save"}, follow=True)
    assert "Nothing was changed" in same.content.decode()
    assert EditedText.objects.count() == 1
    # Another tab still shows the original.
    assert "someone else saved" in owner.post(url, typed | {"step": "save"}).content.decode()
    owner.post(url, typed | {"based_on": "1", "step": "original"})
    assert mail() == original
    page = owner.get(url).content.decode()
    assert page.count("<article") == 2
    assert "Ends {ends_on}" in page


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("{nmae}", "{nmae} isn’t a fact of this message. It has: "),
        ("{url}", "{url} isn’t a fact of this message."),
        ("{{ name }}", "Write a fact’s name in single braces"),
        ("{% now 'Y' %}", "Write a fact’s name in single braces"),
        ("<b>Hi</b>", "Write plain text"),
        ("Hi {name", "A brace is missing"),
        ("x" * 121, "at most 120 characters"),
    ],
)
def test_what_cannot_be_filled_is_refused_in_a_sentence(
    owner: Client, text: str, said: str
) -> None:
    page = owner.post(
        message_words.address(KIND), {"subject": text, "based_on": "0", "step": "save"}
    )
    assert said in html.unescape(page.content.decode())
    assert not EditedText.objects.exists()


def test_a_text_is_filled_and_says_how_to_stop() -> None:
    write(sms="{brand}: bye on {ends_on}! {url}")
    assert re.fullmatch(r".+: bye on Dec 24! https://\S+ Reply STOP to opt out\.", text())
    # The email keeps its own words.
    assert "bye on" not in mail().text


@pytest.mark.parametrize("words", ["{brand}: {gone}", "{brand}: " + "so long, " * 40])
def test_a_text_that_cannot_be_sent_keeps_the_original(
    words: str, caplog: pytest.LogCaptureFixture
) -> None:
    original = text()
    write(sms=words)
    assert text() == original
    assert "what staff wrote" in caplog.text


def test_a_long_name_in_what_staff_wrote_is_shortened() -> None:
    write(sms="{brand}: your {plan_name} is yours, " + "yes, " * 30, kind=Kind.WELCOME)
    said = text(Kind.WELCOME, plan_name="The unlimited sunrise and sunset membership " * 5)
    assert "The unlimited" in said
    assert "..." in said
    assert segments.count(said) == 2


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ("See you! {url}", "Begin with {brand}: a text has to say who writes."),
        ("{brand}: {cancel_url}", "{cancel_url} isn’t a fact of this message. It has: "),
        ("{brand}: " + "so long, " * 40, "With the sample “Usual” it takes 3 segments"),
        ("{brand}: 🧘 " + "so long, " * 13, "segments, and a text has 2 at most."),
    ],
)
def test_a_text_that_could_not_be_sent_is_refused(owner: Client, words: str, said: str) -> None:
    typed = {"sms": words, "based_on": "0", "step": "save"}
    page = owner.post(message_words.address(KIND), typed)
    assert said in html.unescape(page.content.decode())
    assert not EditedText.objects.exists()


def test_an_owner_writes_a_text_and_the_gallery_shows_it_as_it_is_sent(owner: Client) -> None:
    kind, words = Kind.INVOICE_SENT, "{brand}: pay until {due_on}. {url}"
    url = message_words.address(kind)
    typed = {"sms": words, "based_on": "0"}
    seen = re.compile(r": pay until \w+ \d+\. \S+/t/x{9}a/? Reply STOP to opt out\.")
    assert seen.search(owner.post(url, typed | {"step": "preview"}).content.decode())
    assert "Saved." in owner.post(url, typed | {"step": "save"}, follow=True).content.decode()
    page = owner.get(gallery.address(kind)).content.decode()
    assert seen.search(page)
    assert "Only the first text to a number" in page
    owner.post(url, {"based_on": "1", "step": "original", "sms": words})
    assert not seen.search(owner.get(gallery.address(kind)).content.decode())
    assert words in owner.get(url).content.decode()


@pytest.mark.parametrize("kind", [Kind.PHONE_CODE, Kind.TEXTS_ON])
def test_codes_and_the_answer_to_a_consent_keep_their_form(owner: Client, kind: Kind) -> None:
    assert owner.get(message_words.address(kind)).status_code == 404


def test_only_owners_edit() -> None:
    client = Client()
    client.force_login(staff_world.support())
    assert client.get(message_words.address(KIND)).status_code == 403
    assert client.post(message_words.address(KIND), {"based_on": "0"}).status_code == 403
