"""Checks files for the bank: their kind, by what's in them, and their pages."""

from __future__ import annotations

import io
import logging
from dataclasses import dataclass

from PIL import Image
from pypdf import PdfReader
from pypdf.errors import PyPdfError

from billing.core.dispute_evidence import MOST_BYTES, TYPES

logger = logging.getLogger(__name__)

KINDS = "Choose a PDF, JPEG, or PNG file."
TOO_LARGE = "The file is larger than 4.5 MB. Stripe takes no more for a whole answer."
EMPTY = "The file is empty."
LOCKED = "The PDF needs a password, so the bank couldn’t open it."
UNREADABLE = "The file can’t be opened. Save it again, or choose another one."
PICTURES = {"JPEG": "jpg", "PNG": "png"}


class FileError(Exception):
    """The bank couldn't read the file; the text is for staff."""


@dataclass(frozen=True)
class Checked:
    """A file that a bank can read."""

    kind: str
    pages: int

    @property
    def content_type(self) -> str:
        """Its type, for a browser."""
        return TYPES[self.kind]


def check(content: bytes) -> Checked:
    """Return what a file is.

    Raises:
        FileError: it's too large, or the bank couldn't read it.
    """
    if not content:
        raise FileError(EMPTY)
    if len(content) > MOST_BYTES:
        raise FileError(TOO_LARGE)
    return _pdf(content) if content.startswith(b"%PDF-") else _picture(content)


def kind_of(content: bytes) -> str:
    """Return the kind of a file that was checked before."""
    if content.startswith(b"%PDF-"):
        return "pdf"
    return "png" if content.startswith(b"\x89PNG") else "jpg"


def _pdf(content: bytes) -> Checked:
    try:
        reader = PdfReader(io.BytesIO(content))
        if reader.is_encrypted:
            raise FileError(LOCKED)
        pages = len(reader.pages)
    except (PyPdfError, ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        # A broken file can break its reader anywhere.
        logger.info("A PDF can't be read: %r", error)
        raise FileError(UNREADABLE) from error
    if not pages:
        raise FileError(UNREADABLE)
    return Checked("pdf", pages)


def _picture(content: bytes) -> Checked:
    try:
        with Image.open(io.BytesIO(content), formats=list(PICTURES)) as picture:
            kind = PICTURES[picture.format or ""]
            picture.verify()
    except (OSError, SyntaxError, ValueError, KeyError, Image.DecompressionBombError) as error:
        logger.info("A picture can't be read: %r", error)
        raise FileError(KINDS) from error
    return Checked(kind, 1)
