"""A PDF of an invoice or a credit note, typeset by Typst, so names in any script work."""

from __future__ import annotations

import importlib.util
import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from functools import cache
from pathlib import Path

import typst

TEMPLATE = Path(__file__).parent.parent / "templates" / "sheet.typ"
FONT_PACKAGES = ("manimgx_fonts", "manimgx_fonts_cjk")


@dataclass(frozen=True)
class Sheet:
    """What an invoice says, already as text."""

    title: str
    facts: Sequence[tuple[str, str]]
    lines: Sequence[tuple[str, str]]
    sums: Sequence[tuple[str, str]]
    footer: str


def render(sheet: Sheet, *, refuses_boxes: bool = False) -> bytes:
    """The sheet as a PDF. A character that no font has becomes a box, or is refused."""
    filled = json.dumps(asdict(sheet), ensure_ascii=False)
    document: bytes = typst.compile(
        TEMPLATE,
        font_paths=_fonts(),
        sys_inputs={"sheet": filled},
        # PDF/A is checked for it.
        pdf_standards="a-2b" if refuses_boxes else [],
    )
    return document


@cache
def _fonts() -> typst.Fonts:
    specs = [importlib.util.find_spec(name) for name in FONT_PACKAGES]
    folders = [place for spec in specs if spec for place in spec.submodule_search_locations or []]
    return typst.Fonts(include_system_fonts=False, font_paths=folders)
