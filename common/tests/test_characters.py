"""Characters that no mail, text, PDF, or table can show never reach one."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator
from typing import Any
from xml.etree import ElementTree

import pytest
from django import forms
from django.contrib import admin
from django.contrib.auth.models import User
from django.test import RequestFactory
from hypothesis import given
from hypothesis import strategies as st
from mjml import mjml2html

from common import characters, spreadsheets
from common.fields import CleansWords, WordsField

ANY = st.text(st.characters(categories=None)) | st.text("a\v\f\0\u202e\ufffe\ud800\r\n\x85 ")
# Not people's words: chosen, made by us, or checked letter by letter.
OTHER_FIELDS = (forms.UUIDField, forms.URLField, forms.JSONField, forms.GenericIPAddressField)
# A credential is a passkey's signed answer, read as JSON.
OTHER_NAMES = re.compile(r"password|code$|^login$|^email$|username|^credential$")


@given(ANY)
def test_every_channel_can_carry_cleaned_words(text: str) -> None:
    clean = characters.words(text)
    assert clean == characters.words(clean)
    clean.encode()
    ElementTree.fromstring(f"<a>{_escaped(clean)}</a>")  # noqa: S314  (our own text)
    mjml2html(f"<mjml><mj-body><mj-text>{_escaped(clean)}</mj-text></mj-body></mjml>")
    assert not any(unicodedata.category(one) == "Cc" for one in clean if one not in "\n\t")


@given(ANY)
def test_a_line_is_one_line_with_single_spaces(text: str) -> None:
    line = characters.line(text)
    assert line == characters.line(line) == " ".join(line.split())
    assert set(line) <= {*text, " "}


@given(st.lists(ANY, min_size=1))
def test_a_cell_can_always_be_written(cells: list[str]) -> None:
    assert "".join(spreadsheets.lines(["a"], [cells])).encode()


@pytest.mark.parametrize(
    "name",
    [
        *("Łukasz Nowak", "Иван Петров", "O’Brien", "李小龍", "محمد", "Zoë 👩‍🚀", "می‌خواهم"),
        *("Nguyễn Thị Ánh", "สมชาย", "ᠮᠣᠩᠭᠣᠯ", "x\u0301", "🏴󠁧󠁢󠁥󠁮󠁧󠁿", "神\ufa19", "a\u200fb"),
    ],
)
def test_words_of_all_scripts_stay_as_they_are(name: str) -> None:
    assert characters.line(name) == characters.words(name) == name


@pytest.mark.parametrize(
    ("typed", "line", "words"),
    [
        ("Anna\vBell", "Anna Bell", "Anna\nBell"),
        ("Anna\ufffe Bell\ufeff", "Anna Bell", "Anna Bell"),
        ("\u202eanna\u202c", "anna", "anna"),
        ("\u2068Anna\u2069", "Anna", "Anna"),
        ("one\r\ntwo\rthree\u2028four", "one two three four", "one\ntwo\nthree\nfour"),
        ("an\u200bna\u00ad", "anna", "an\u200bna\u00ad"),
        ("a\0b\ud83d", "ab", "ab"),
        ("a\tb", "a b", "a\tb"),
    ],
)
def test_what_can_not_be_shown_is_left_out(typed: str, line: str, words: str) -> None:
    assert (characters.line(typed), characters.words(typed)) == (line, words)


def test_a_field_counts_what_is_left() -> None:
    assert WordsField(max_length=4).clean("\u202eAnna\v") == "Anna"
    assert WordsField(widget=forms.Textarea, max_length=3).clean("a\r\nb") == "a\nb"
    with pytest.raises(forms.ValidationError):
        WordsField().clean("\v\u202e")


def test_every_form_cleans_the_words_that_people_type() -> None:
    unclean = [
        f"{form.__module__}.{form.__qualname__}.{name}"
        for form in _our_forms()
        for name, field in form.declared_fields.items()
        if _takes_words(name, field) and not isinstance(field, CleansWords)
    ]
    assert not unclean


@pytest.mark.django_db
def test_every_column_that_staff_write_is_cleaned(rf: RequestFactory) -> None:
    request = rf.get("/staff/")
    request.user = User.objects.create_superuser("root", "root@example.com")
    pages = [
        inline
        for page in admin.site._registry.values()
        for inline in [page, *page.get_inline_instances(request, page.model())]
        if page.has_change_permission(request) or page.has_add_permission(request)
    ]
    assert len(pages) > 3
    unclean = [
        f"{page.opts.label}.{column.name}"
        for page in pages
        for column in page.opts.concrete_fields
        if column.editable and column.name not in page.readonly_fields
        if (field := page.formfield_for_dbfield(column, request))
        if _takes_words(column.name, field) and not isinstance(field, CleansWords)
    ]
    assert not unclean


def _escaped(text: str) -> str:
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def _our_forms() -> Iterator[Any]:
    """Yield every form class of the project that is loaded: the staff site loads them all.

    What a form takes from a model's columns is the staff site's to make: see the next test.
    """
    assert admin.site._registry
    waiting = [forms.BaseForm]
    while waiting:
        form = waiting.pop()
        waiting += form.__subclasses__()
        home = form.__module__
        if home.partition(".")[0] in {"billing", "business", "emails", "members", "portal"}:
            yield form


def _takes_words(name: str, field: forms.Field) -> bool:
    is_text = isinstance(field, forms.CharField) and not isinstance(field, OTHER_FIELDS)
    return is_text and not field.disabled and not OTHER_NAMES.search(name)
