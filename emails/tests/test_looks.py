"""Every kind of email looks right in every mail program that we agreed on (docs/messages.md)."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from collections.abc import Iterator
from functools import lru_cache
from html import unescape
from mailbox import mbox
from pathlib import Path

import pytest
from django.core import mail as django_mail
from pytest_django import Settings
from selectolax.lexbor import LexborHTMLParser, LexborNode

from common.brand import contrast, parse
from emails import mail, rendering
from emails.catalog import CATALOG, Kind
from emails.flowed import LONGEST, flowed
from emails.models import Channel, Message
from emails.tests.hostile import hostile
from portal.backoffice import more_samples
from portal.backoffice.message_samples import SAMPLES
from testing import thorough

EMAILS = [kind for kind, spec in CATALOG.items() if spec.email]
SPAMASSASSIN = shutil.which("spamassassin")
# Gmail shows no more of a mail than this.
CLIPPED_AT = 102_000
WORST_SCORE = 0.5
# Labels don't break: on a phone, a longer one leaves a few letters' room for what it's about.
LONGEST_LABEL = 24
LIST = json.loads((Path(__file__).parent / "caniemail" / "features.json").read_text("utf-8"))
# What a program may lack, and what's seen then.
DISPENSABLE = {
    "css-border-radius": "corners are square",
    "css-max-height": "the preview is hidden by display",
    "css-overflow": "the preview is hidden by display",
    "css-table-layout": "auto is the default",
    "css-white-space": "a long amount breaks into two lines",
    "css-word-break": "a long word widens the table",
    "css-word-spacing": "normal is the default",
    "html-body": "what's in it has the same background",
    "html-aria-label": "the title says the same",
    "html-dir": "the language's own direction",
    "html-lang": "screen readers use the program's own language",
    "html-role": "a table that lays out is read as one",
    "html-target": "the link opens where the program likes",
    "css-cursor": "a link's cursor is the default",
}
# Properties that caniemail has no page for, as every program knows them or only one needs them.
UNLISTED = re.compile(r"(mso|-webkit|-ms)-|color$|font-family$|font-variant-numeric$|max-width$")
ATTRIBUTES = {"align", "aria-label", "cellpadding", "cellspacing", "dir", "height", "lang", "role"}
ATTRIBUTES |= {"target", "valign", "width"}
DARK = re.compile(r"@media \(prefers-color-scheme: dark\) \{(.*?\})\s*\}", re.DOTALL)


def message(kind: Kind, context: dict[str, object] | None = None) -> Message:
    """Return an unsaved message, by default with the kind's sample."""
    facts = SAMPLES[kind] if context is None else context
    return Message(
        pk=7,
        kind=kind,
        channel=Channel.EMAIL,
        recipient="nina@example.org",
        context=facts,
        dedupe_key=kind,
    )


@pytest.fixture(autouse=True)
def brand(settings: Settings) -> None:
    """A business as it may be."""
    settings.BRAND_NAME = "Harbor Yoga"
    settings.PORTAL_URL = "https://portal.harboryoga.com"
    settings.SUPPORT_EMAIL = "help@harboryoga.com"
    settings.DEFAULT_FROM_EMAIL = "Harbor Yoga <hello@mail.harboryoga.com>"
    settings.POSTAL_ADDRESS = "2 Quay Street, Portland, ME 04101"


def read(kind: Kind) -> LexborHTMLParser:
    return LexborHTMLParser(rendering.render_email(message(kind)).html)


def style_of(node: LexborNode) -> dict[str, str]:
    parts = (part.partition(":") for part in (node.attributes.get("style") or "").split(";"))
    return {name.strip(): value.strip() for name, _, value in parts if value}


@pytest.mark.parametrize("kind", EMAILS)
def test_rows_are_aligned_without_a_style_sheet(kind: Kind) -> None:
    tree = read(kind)
    tree.strip_tags(["style"])
    for cell in tree.css(".facts table td"):
        style = style_of(cell)
        assert style["padding"].startswith("10px ")
        assert style["border-bottom"]
        assert style["vertical-align"] == "top"
    for row in tree.css(".facts table tr"):
        cells = row.css("td")
        assert len(cells) in {1, 2}
        if cells[0].attributes.get("class") == "label":
            assert len(cells[0].text(strip=True)) <= LONGEST_LABEL
        if len(cells) == 2:
            assert style_of(cells[1])["text-align"] == "right"
            assert style_of(cells[0])["padding"] == "10px 16px 10px 0"
        if row.attributes.get("class") == "total":
            assert all(style_of(cell)["font-weight"] == "600" for cell in cells)
    [headline] = tree.css("h1")
    assert style_of(headline)["margin"] == "0"
    assert headline.text(strip=True)


@pytest.mark.parametrize("kind", EMAILS)
def test_no_feature_that_an_agreed_program_lacks(kind: Kind) -> None:
    for feature in set(_features(read(kind))) - set(DISPENSABLE):
        lacking = [
            client
            for client, answer in zip(LIST["clients"], LIST["features"][feature], strict=True)
            if answer == "n"
        ]
        assert not lacking, (feature, lacking)


def _features(tree: LexborHTMLParser) -> Iterator[str]:
    """Name what an email uses outside of its style sheet, by caniemail's names."""
    for node in tree.css("body, body *"):
        if f"html-{node.tag}" in LIST["features"]:
            yield f"html-{node.tag}"
        yield from (f"html-{name}" for name in node.attributes if name in ATTRIBUTES)
        for name in style_of(node):
            slug = next(
                (
                    f"css-{part}"
                    for part in (name, name.rsplit("-", 1)[0], name.split("-")[0])
                    if f"css-{part}" in LIST["features"]
                ),
                None,
            )
            assert slug or UNLISTED.match(name), name
            if slug:
                yield slug


def test_what_may_be_lacking_is_used_and_lacking() -> None:
    used = {feature for kind in EMAILS for feature in _features(read(kind))}
    lacking = {feature for feature in used if "n" in LIST["features"][feature]}
    assert set(DISPENSABLE) == lacking


@pytest.mark.parametrize("kind", EMAILS)
def test_outlook_pads_only_cells(kind: Kind) -> None:
    """Word's engine ignores the padding of anything else."""
    for node in read(kind).css("body *"):
        pads = [name for name in style_of(node) if name.startswith("padding")]
        # A button's cell has the same padding for Word only (mso-padding-alt).
        assert not pads or node.tag == "td" or "mso-padding-alt" in style_of(node), node.html


@pytest.mark.parametrize("kind", EMAILS)
def test_text_can_be_read_in_both_themes(kind: Kind) -> None:
    html = rendering.render_email(message(kind)).html
    for dark in (False, True):
        tree = LexborHTMLParser(html)
        if dark:
            _darken(tree, html)
        seen = 0
        for node in tree.css("body *"):
            if node.text(deep=False, strip=True) and "display" not in style_of(node):
                ink, paper = _colors(node)
                assert contrast(parse(ink), parse(paper)) >= 4.5, (dark, ink, paper, node.html)
                seen += 1
        assert seen > 4


def _darken(tree: LexborHTMLParser, html: str) -> None:
    """Put the rules of the dark theme into the elements that they match."""
    rules = re.findall(r"([^{}]+)\{([^{}]*)\}", DARK.findall(html)[0])
    assert len(rules) > 4
    for selector, style in rules:
        assert all("!important" in part for part in style.split(";") if part.strip())
        for node in tree.css(selector):
            node.attrs["style"] = f"{node.attributes.get('style') or ''};{style}".replace(
                "!important", ""
            )


def _colors(node: LexborNode) -> tuple[str, str]:
    """Return the colors of a node's text and of what's behind it."""
    ink = paper = ""
    at: LexborNode | None = node
    while at is not None and not (ink and paper):
        style = style_of(at)
        ink = ink or style.get("color", "")
        paper = paper or style.get("background-color", "") or style.get("background", "")
        at = at.parent
    return ink, paper


@pytest.mark.parametrize("kind", EMAILS)
def test_nothing_is_clipped(kind: Kind) -> None:
    html = rendering.render_email(message(kind, hostile(SAMPLES[kind]))).html
    assert len(html.encode()) < CLIPPED_AT


@pytest.mark.parametrize("kind", EMAILS)
def test_everything_is_said_with_images_off(kind: Kind) -> None:
    for picture in read(kind).css("img"):
        assert picture.attributes["alt"] is not None
    assert "Harbor Yoga" in unescape(read(kind).body.text())  # type: ignore[union-attr]


@pytest.mark.parametrize("name", ["Yoga", "</script><b>\"\\x\" & 'y'"])
@pytest.mark.parametrize(
    ("kind", "status"),
    [
        (Kind.PAYMENT_RECEIVED, "PaymentComplete"),
        (Kind.JOINED, "PaymentComplete"),
        (Kind.ZELLE_RECEIVED, "PaymentComplete"),
        (Kind.INVOICE_SENT, "PaymentDue"),
        (Kind.INVOICE_OVERDUE, "PaymentPastDue"),
    ],
)
def test_programs_are_told_of_an_invoice(kind: Kind, status: str, name: str) -> None:
    facts = SAMPLES[kind] | {"description": name}
    tree = LexborHTMLParser(rendering.render_email(message(kind, facts)).html)
    [markup] = tree.css("script")
    told = json.loads(markup.text())
    assert told["@type"] == "Invoice"
    assert told["paymentStatus"] == f"https://schema.org/{status}"
    assert told["description"] == name
    assert told["url"] == told["potentialAction"]["target"] == SAMPLES[kind]["url"]
    assert ("paymentDueDate" in told) == ("due_on" in SAMPLES[kind])


@pytest.mark.parametrize("kind", EMAILS)
def test_preview_adds_what_the_subject_lacks(kind: Kind) -> None:
    for sample in more_samples.of_kind(kind):
        email = rendering.render_email(message(kind, sample.context.as_json()))
        [preview] = LexborHTMLParser(email.html).css(".preview")
        said = " ".join(preview.text().split())
        assert said, sample.title
        for sentence in re.split(r"(?<=[.?]) ", said):
            assert sentence.rstrip(".?") not in email.subject, (sample.title, sentence)
        is_more = len(_words(said) - _words(email.subject)) >= 3 or "@" in said
        assert is_more, (sample.title, said)


def _words(text: str) -> set[str]:
    return set(re.findall(r"[\w$.,’@−-]+", text.lower()))


@lru_cache
def sent(kind: Kind) -> str:
    """Return the plain text of an email as it goes out."""
    django_mail.outbox.clear()
    mail.send(message(kind))
    return str(django_mail.outbox[0].body)


@pytest.mark.parametrize("kind", EMAILS)
def test_text_part_is_written_to_be_read(kind: Kind) -> None:
    text = sent(kind)
    lines = text.splitlines()
    assert "\n\n\n" not in text
    assert not text.startswith("\n")
    for line in lines:
        assert len(line) <= LONGEST or re.fullmatch(r"\S+", line), line
        assert "://" not in line or re.fullmatch(r"\S+", line), line
    rows = rendering.render_email(message(kind)).text.splitlines()
    for table in read(kind).css(".facts table"):
        said = [" ".join(part) for part in _rows(table)]
        at = [_place(rows, one) for one in said]
        assert at == list(range(at[0], at[0] + len(at))), (said, at)


def _rows(table: LexborNode) -> Iterator[list[str]]:
    for row in table.css("tr"):
        yield [" ".join(cell.text(separator=" ").split()) for cell in row.css("td")]


def _place(lines: list[str], row: str) -> int:
    """Return the number of the line that says what a row does."""
    plain = [re.sub(r"[:,]|^- ", "", line) for line in lines]
    return plain.index(re.sub(r"[:,]", "", row))


def test_text_is_marked_as_flowed() -> None:
    django_mail.outbox.clear()
    mail.send(message(Kind.WELCOME))
    made = django_mail.outbox[0].message()
    [plain] = [part for part in made.walk() if part.get_content_type() == "text/plain"]
    assert plain["Content-Type"].replace(" ", "") == 'text/plain;charset="utf-8";format="flowed"'


@pytest.mark.parametrize(
    ("text", "lines"),
    [
        ("short\n", ["short"]),
        ("a " * 60, ["a " * 39, ("a " * 21).rstrip()]),
        ("x" * 90 + " y", ["x" * 90 + " ", "y"]),
        ("    K7F3", ["     K7F3"]),
        ("> said\nFrom here\n\n", [" > said", " From here", ""]),
        ("a" * 76 + " From here on", ["a" * 76 + " ", " From here on"]),
    ],
)
def test_lines_are_broken_as_programs_put_them_together(text: str, lines: list[str]) -> None:
    assert flowed(text).split("\n")[:-1] == lines


@thorough.MARK
@pytest.mark.skipif(
    SPAMASSASSIN is None,
    reason="SpamAssassin, which would score the emails, isn't installed (apt install spamassassin)",
)
def test_no_email_looks_like_spam(tmp_path: Path) -> None:
    """Ask a SpamAssassin that asks nobody else. One run takes all emails: starting it takes 2 s."""
    django_mail.outbox.clear()
    kinds = thorough.one_in(12, EMAILS, start=1)
    folder = mbox(tmp_path / "mails")
    for kind in kinds:
        mail.send(message(kind))
    for letter in django_mail.outbox:
        folder.add(letter.message().as_bytes())
    folder.close()
    done = subprocess.run(
        [str(SPAMASSASSIN), "--local", "--mbox", str(tmp_path / "mails")],
        capture_output=True,
        check=True,
        text=True,
        env={"HOME": str(tmp_path), "PATH": "/usr/bin:/bin", "LC_ALL": "C.UTF-8"},
    )
    scores = [
        float(one)
        for one in re.findall(r"^X-Spam-Status: .*score=(\S+)", done.stdout, re.MULTILINE)
    ]
    assert len(scores) == len(kinds)
    bad = {kind: score for kind, score in zip(kinds, scores, strict=True) if score >= WORST_SCORE}
    tests = re.findall(r"^X-Spam-Status: (?:.|\n\s)*", done.stdout, re.MULTILINE)
    assert not bad, (bad, tests)
