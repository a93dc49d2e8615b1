"""Reads spreadsheets and PDFs that tests download, as the programs of people do."""

from __future__ import annotations

import csv
import io
from typing import Any

import openpyxl
import pypdf


def body(answer: Any) -> bytes:
    """Return a download's bytes."""
    if answer.status_code != 200:
        raise AssertionError(f"The answer is {answer.status_code}, and no file.")
    return b"".join(answer.streaming_content) if answer.streaming else bytes(answer.content)


def of_csv(answer: Any) -> list[dict[str, str]]:
    """Return a CSV file's rows by the names of their columns."""
    _check_ending(answer, ".csv")
    return [*csv.DictReader(io.StringIO(body(answer).decode("utf-8-sig")))]


def of_xlsx(answer: Any) -> list[dict[str, Any]]:
    """Return an XLSX file's rows by the names of their columns, as Excel has the values."""
    _check_ending(answer, ".xlsx")
    return rows_of(body(answer))


def rows_of(content: bytes) -> list[dict[str, Any]]:
    """Return the rows of all sheets of an XLSX file."""
    book = openpyxl.load_workbook(io.BytesIO(content))
    found = []
    for sheet in book.worksheets:
        head, *rows = sheet.iter_rows(values_only=True)
        found += [dict(zip(map(str, head), row, strict=True)) for row in rows]
    return found


def of_pdf(answer: Any) -> str:
    """Return a PDF's text, its words with single spaces."""
    pages = pypdf.PdfReader(io.BytesIO(body(answer))).pages
    return " ".join(" ".join(one.extract_text() for one in pages).split())


def _check_ending(answer: Any, ending: str) -> None:
    if not answer["Content-Disposition"].rstrip('"').endswith(ending):
        raise AssertionError(f"{answer['Content-Disposition']} has another ending than {ending}.")
