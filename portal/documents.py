"""PDF documents: a Typst template of `templates/documents/` filled with JSON."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict
from datetime import UTC, datetime
from typing import Any

import typst
from django.conf import settings
from django.http import HttpResponse

from portal import characters
from portal.context import current_brand
from portal.file_names import saved_as

FOLDER = settings.BASE_DIR / "templates" / "documents"


def render(template: str, content: Mapping[str, Any], *, made_at: datetime) -> bytes:
    """Return a PDF: `render("statement", {...}, made_at=now)` fills `statement.typ`.

    `content` is JSON, with its money and dates already as text; the template reads it, and the
    brand, from `frame.typ`. Nothing in it is taken as Typst's markup. `made_at` is the document's
    own date: the same content made in the same second gives the same bytes.

    Raises:
        typst.TypstError: the template is wrong, or asks for what `content` lacks.
    """
    filled = characters.all_words({"brand": asdict(current_brand()), "content": content})
    document: bytes = typst.compile(
        FOLDER / f"{template}.typ",
        root=FOLDER,
        ignore_system_fonts=True,
        sys_inputs={"filled": json.dumps(filled, ensure_ascii=False)},
        timestamp=made_at.astimezone(UTC).replace(microsecond=0),
    )
    return document


def download(document: bytes, filename: str, content_type: str = "application/pdf") -> HttpResponse:
    """Return a response that the browser saves under a name."""
    response = HttpResponse(document, content_type=content_type)
    response["Content-Disposition"] = saved_as(filename)
    return response
