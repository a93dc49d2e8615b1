"""CSV that spreadsheets open as intended: streamed, UTF-8, with no cell as a formula."""

from __future__ import annotations

import csv
import re
from collections.abc import Iterable, Iterator, Sequence

from django.http import StreamingHttpResponse

from common import characters
from common.file_names import saved_as

# Excel recognizes a file as UTF-8 only if it begins with this.
BYTE_ORDER_MARK = "\N{ZERO WIDTH NO-BREAK SPACE}"
# OWASP, "CSV Injection": what makes a cell a formula, including full-width forms.
FULL_WIDTH = tuple("\uff1d\uff0b\uff0d\uff20")
FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r", "\n", *FULL_WIDTH)
BLANKS = " \N{NO-BREAK SPACE}\N{IDEOGRAPHIC SPACE}\N{ZERO WIDTH NO-BREAK SPACE}\x0b\x0c\0"

NUMBER = re.compile(r"-?[0-9]+(?:\.[0-9]+)?")


class _Echo:
    """A file that returns what's written to it."""

    def write(self, text: str) -> str:
        return text


def cell(text: str) -> str:
    """Return text that a spreadsheet shows and never treats as a formula; plain numbers stay."""
    text = characters.words(text)
    if NUMBER.fullmatch(text):
        return text
    return f"'{text}" if text.lstrip(BLANKS).startswith(FORMULA_STARTS) else text


def lines(head: Sequence[str], rows: Iterable[Sequence[str]]) -> Iterator[str]:
    """Yield the lines of a CSV file (RFC 4180), with its header."""
    writer = csv.writer(_Echo())
    yield BYTE_ORDER_MARK + writer.writerow(head)
    for row in rows:
        yield writer.writerow([cell(text) for text in row])


def download(
    head: Sequence[str], rows: Iterable[Sequence[str]], filename: str
) -> StreamingHttpResponse:
    """Return a file that the browser saves under a name."""
    response = StreamingHttpResponse(lines(head, rows), content_type="text/csv; charset=utf-8")
    response["Content-Disposition"] = saved_as(filename)
    return response
