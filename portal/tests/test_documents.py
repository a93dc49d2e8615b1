"""PDF documents say what they were given, whatever it looks like."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest

from portal import documents

AT = datetime(2026, 11, 24, 12, 30, 15, 250_000, tzinfo=UTC)
TEMPLATE = """
#import "frame.typ": *
#show: framed.with("Test")
= #content.title
#listing(("What", "Amount"), content.rows, columns: (1fr, auto), right: (1,))
"""


@pytest.fixture
def template(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    (tmp_path / "frame.typ").write_text((documents.FOLDER / "frame.typ").read_text())
    (tmp_path / "test.typ").write_text(TEMPLATE)
    monkeypatch.setattr(documents, "FOLDER", tmp_path)
    return "test"


def test_a_document_is_a_pdf_and_the_same_content_gives_the_same_bytes(template: str) -> None:
    content = {"title": "Zoë Łukasz Ελένη Иван", "rows": [["Membership", "$29.00"]]}
    once = documents.render(template, content, made_at=AT)
    assert once.startswith(b"%PDF-")
    assert documents.render(template, content, made_at=AT) == once


def test_text_is_never_taken_as_markup(template: str) -> None:
    rows = [["#panic() *bold* $x$ \\ <label> @ref", '"]}'], ["日本語", "−$5.00"]]
    assert documents.render(template, {"title": "#read(", "rows": rows}, made_at=AT)


def test_characters_that_no_document_can_show_are_left_out(template: str) -> None:
    rows = [["Anna\v\ufffe\u202ellB\u202c\x1b\ud83d", "$5.00"]]
    once = documents.render(template, {"title": "A\0b", "rows": rows}, made_at=AT)
    same = documents.render(template, {"title": "Ab", "rows": [["Anna\nllB", "$5.00"]]}, made_at=AT)
    assert once == same
