"""PDF documents: a Typst template from `templates/documents/`, filled with JSON."""

from __future__ import annotations

import importlib.util
import json
from collections.abc import Callable, Mapping
from dataclasses import asdict
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any

import typst
from django.conf import settings
from django.http import HttpResponse
from django.utils.module_loading import import_string
from django.utils.translation import gettext as _

from common import characters, locales
from common.context import Brand, current_brand
from common.file_names import saved_as

FOLDER = settings.BASE_DIR / "templates" / "documents"
# Packages of fonts only: Noto for the world's scripts, and for emoji.
FONT_PACKAGES = ("manimgx_fonts", "manimgx_fonts_cjk")
PREVIEW_PPI = 96
# Behind a logo that white paper would swallow.
INK = "#1c1b19"
# Countries that print on US Letter (CLDR, "paperSize").
LETTER = frozenset("BZ CA CL CO CR DO GT MX NI PA PH PR SV US VE".split())
# One family from each package: if it's there, so are all of its scripts.
FAMILIES = {
    "Noto Sans Arabic": "Arabic, Hebrew, Indic, Thai and other scripts, and emoji",
    "Noto Sans CJK SC": "Chinese, Japanese and Korean",
}


def render(
    template: str, content: Mapping[str, Any], *, made_at: datetime, refuses_boxes: bool = False
) -> bytes:
    """Return a PDF: `render("statement", {...}, made_at=now)` fills `statement.typ`.

    `content` is JSON, with money and dates already as text; the template reads it and the brand
    from `frame.typ`. Nothing in it is treated as Typst markup. `made_at` is the document's date:
    the same content made in the same second gives the same bytes. With `refuses_boxes`, a character
    that no font has is an error instead of a box.

    Raises:
        typst.TypstError: the template is wrong, or needs something that `content` lacks.
    """
    document: bytes = typst.compile(
        FOLDER / f"{template}.typ",
        root=FOLDER,
        font_paths=fonts(),
        sys_inputs=_inputs(content),
        timestamp=made_at.astimezone(UTC).replace(microsecond=0),
        # PDF/A is checked for it.
        pdf_standards="a-2b" if refuses_boxes else [],
    )
    return document


def _inputs(content: Mapping[str, Any]) -> dict[str, str]:
    """Return what a template reads: the brand, its logo, and its own content."""
    brand = current_brand()
    words = {
        "page": _("Page {page} of {pages}"),
        "tax_id": _("Tax ID"),
    }
    filled = characters.all_words({"brand": asdict(brand), "content": content, "words": words})
    here = locales.current()
    filled |= {"logo": list(_logo(brand)), "ink": INK, "language": here.days.language}
    filled["paper"] = "us-letter" if here.numbers.territory in LETTER else "a4"
    return {"filled": json.dumps(filled, ensure_ascii=False)}


def _logo(brand: Brand) -> bytes:
    """Return the logo's file; nothing if there's none, or it can't be read now.

    A document is worth more than the picture on it, and the file's reader has logged why.
    """
    if not brand.logo_file:
        return b""
    reader: Callable[[str], bytes] = import_string(settings.LOGO_READER)
    return reader(brand.logo_file)


def picture(template: str, content: Mapping[str, Any], *, made_at: datetime) -> bytes:
    """Return a document's first page as PNG, as `render` would make it."""
    # One page comes as bytes, and several as a list, whatever its types say.
    pages: Any = typst.compile(
        FOLDER / f"{template}.typ",
        root=FOLDER,
        font_paths=fonts(),
        sys_inputs=_inputs(content),
        timestamp=made_at.astimezone(UTC).replace(microsecond=0),
        format="png",
        ppi=PREVIEW_PPI,
    )
    first: bytes = pages[0] if isinstance(pages, list) else pages
    return first


def fonts() -> typst.Fonts:
    """Return our available fonts, in the order of `frame.typ`.

    The machine's own are left out: a document must not depend on where it was made, and some fonts
    that claim to have every character show nothing.
    """
    return _found(FONT_PACKAGES)


@lru_cache(maxsize=2)
def _found(packages: tuple[str, ...]) -> typst.Fonts:
    """Find fonts, once per process."""
    specs = [importlib.util.find_spec(name) for name in packages]
    folders = [place for spec in specs if spec for place in spec.submodule_search_locations or []]
    return typst.Fonts(include_system_fonts=False, font_paths=folders)


def missing_scripts() -> list[str]:
    """Return the scripts that documents would show as boxes because fonts are missing."""
    there = set(fonts().families())
    return [scripts for family, scripts in FAMILIES.items() if family not in there]


def download(document: bytes, filename: str, content_type: str = "application/pdf") -> HttpResponse:
    """Return a response that the browser saves under a name."""
    response = HttpResponse(document, content_type=content_type)
    response["Content-Disposition"] = saved_as(filename)
    return response
