"""PDF documents show what they're given, whatever it looks like."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from pathlib import Path

import pytest
import typst

from common import documents
from portal import checks

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


# A name or a word of each script, and what stands beside names.
WORDS = {
    "Latin": "Łukasz Żółw, Đặng Thị Ngọc, Þórdís Ísfjörð, O’Neil",
    "Greek": "Γιώργος Παπαδόπουλος",
    "Cyrillic": "Иван Петров, Њ Ђ Ї Ґ",
    "Chinese": "王小明 張偉 陈静",
    "rare Chinese": "𠮷野家 㐂 龘",
    "Japanese": "田中さくら カタカナ ｶﾅ 髙﨑",
    "Korean": "김민수 한글 ㅋㅋ",
    "Thai": "สมชาย ใจดี",
    "Arabic": "محمد علي، فاطمة",
    "Persian": "پگاه چیت‌ساز",
    "Urdu": "ڈاکٹر ٹیپو",
    "Hebrew": "דוד כהן",
    "Hindi": "राहुल शर्मा, क्षितिज",
    "Bengali": "রাহুল চৌধুরী",
    "Tamil": "ராகுல்",
    "Telugu": "రాహుల్",
    "Kannada": "ರಾಹುಲ್",
    "Malayalam": "രാഹുൽ",
    "Gujarati": "રાહુલ",
    "Punjabi": "ਰਾਹੁਲ",
    "Oriya": "ରାହୁଲ",
    "Sinhala": "නිමල්",
    "Georgian": "გიორგი",
    "Armenian": "Արմեն",
    "Amharic": "አበበ ቢቂላ",
    "Khmer": "សុខា",
    "Lao": "ສົມຈິດ",
    "Burmese": "အောင်ဆန်း",
    "money": "€ £ ¥ ₹ ₩ ₪ ₫ ₱ ₦ ₺ ₽ ฿",
    "signs": "– — … “” ‘’ « » × − → ✓ ★ ™ © ½",
    "emoji": "🎉 🧘‍♀️ 👨‍👩‍👧 👍🏽 🇺🇦 ❤️ 🏴󠁧󠁢󠁥󠁮󠁧󠁿",
}


@pytest.mark.parametrize("script", WORDS)
def test_no_glyph_is_missing(template: str, script: str) -> None:
    word = WORDS[script]
    content = {"title": word, "rows": [[word, f"{word} $5.00"], [f"Name: {word}, 2026", "−$5.00"]]}
    assert documents.render(template, content, made_at=AT, refuses_boxes=True).startswith(b"%PDF-")


def glyphs(word: str) -> list[str]:
    """Return the glyphs of a word from left to right, set in the documents' faces."""
    frame = (documents.FOLDER / "frame.typ").read_text()
    faces = frame[frame.index("#let faces") : frame.index("// An emoji")]
    source = f'{faces}\n#set text(font: faces)\n#"{word}"'.encode()
    drawing = typst.compile(source, font_paths=documents.fonts(), format="svg")
    placed = re.findall(r'<use xlink:href="#(\w+)" x="([\d.]+)"', drawing.decode())
    return [name for name, _x in sorted(placed, key=lambda one: float(one[1]))]


def test_names_from_right_to_left_read_from_right_to_left() -> None:
    aleph, bet, gimel = (glyphs(letter)[0] for letter in "אבג")
    assert glyphs("אבג") == [gimel, bet, aleph]
    assert glyphs("AB") == [glyphs("A")[0], glyphs("B")[0]]
    # Arabic letters are joined: at the beginning, in the middle and at the end of a word.
    joined = glyphs("محمد")
    assert len(set(joined)) == len(joined) == 4
    assert not {glyphs(letter)[0] for letter in "محد"} & set(joined[1:])


@pytest.mark.parametrize("name", ["statement", "evidence"])
def test_no_template_sets_another_face(name: str) -> None:
    assert "font:" not in (documents.FOLDER / f"{name}.typ").read_text()


def test_what_no_font_has_is_refused(template: str) -> None:
    rows = [["𒀀", "$5.00"]]
    with pytest.raises(typst.TypstError, match="could not be displayed"):
        documents.render(template, {"title": "A", "rows": rows}, made_at=AT, refuses_boxes=True)


def test_missing_fonts_are_a_warning(monkeypatch: pytest.MonkeyPatch) -> None:
    assert checks.documents_have_fonts() == []
    monkeypatch.setattr(documents, "FONT_PACKAGES", ("portal",))
    told = [str(warning) for warning in checks.documents_have_fonts()]
    assert len(told) == 2
    assert "PDFs show boxes for Chinese, Japanese and Korean: their fonts are missing." in told[1]


def test_characters_that_no_document_can_show_are_left_out(template: str) -> None:
    rows = [["Anna\v\ufffe\u202ellB\u202c\x1b\ud83d", "$5.00"]]
    once = documents.render(template, {"title": "A\0b", "rows": rows}, made_at=AT)
    same = documents.render(template, {"title": "Ab", "rows": [["Anna\nllB", "$5.00"]]}, made_at=AT)
    assert once == same
