"""Spreadsheets have numbers, days, and text, and none of the text is a formula."""

from __future__ import annotations

import io
import resource
import tempfile
import tracemalloc
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

import openpyxl
import pytest
from django.utils import timezone
from hypothesis import given
from hypothesis import strategies as st

from common import spreadsheets
from common.money import Money
from testing.sheets import rows_of

NASTY = [
    *("=1+1", "+1", "-1+2", "@SUM(A1)", "\t=1", "＝1", "{=1}", "http://example.com", "'", "007"),
    *("a\x0bb", "<b>&", '=HYPERLINK("http://example.com")', "line\nline", ""),
]


def made(rows: Any, head: Any = ("A",)) -> bytes:
    file = io.BytesIO()
    spreadsheets.workbook(head, rows, file)
    return file.getvalue()


@pytest.mark.parametrize("text", NASTY)
def test_text_stays_text(text: str) -> None:
    sheet = openpyxl.load_workbook(io.BytesIO(made([[text]]))).active
    assert sheet is not None
    shown: Any = sheet.cell(2, 1)
    assert (shown.value or "") == text.replace("\x0b", "\n")
    assert shown.data_type != "f"
    assert shown.hyperlink is None
    # Excel asks for nothing when it's edited, either.
    assert shown.quotePrefix == (text[:1] in {"=", "+", "-", "@", "\t", "＝"})


@given(st.text(st.characters(exclude_categories=["Cs"]), max_size=40))
def test_any_text_can_be_written(text: str) -> None:
    sheet: Any = openpyxl.load_workbook(io.BytesIO(made([[text, "end"]], ("A", "B")))).active
    assert sheet.cell(2, 2).value == "end"
    assert sheet.cell(2, 1).data_type != "f"


@pytest.mark.parametrize(
    ("money", "value", "pattern", "plain"),
    [
        (Money(-1_234_567, "usd"), -12345.67, "#,##0.00", "-12345.67"),
        (Money(5000, "jpy"), 5000, "#,##0", "5000"),
        (Money(1_234_560, "kwd"), 1234.56, "#,##0.000", "1234.560"),
    ],
)
def test_money_is_a_number_with_its_currencys_decimals(
    money: Money, value: float, pattern: str, plain: str
) -> None:
    sheet: Any = openpyxl.load_workbook(io.BytesIO(made([[money]]))).active
    assert (sheet.cell(2, 1).value, sheet.cell(2, 1).number_format) == (value, pattern)
    assert [*spreadsheets.lines(["A"], [[money]])][1] == f"{plain}\r\n"


def test_days_are_days_and_times_are_the_readers() -> None:
    moment = datetime(2026, 11, 30, 23, 30, tzinfo=UTC)
    row: list[spreadsheets.Cell] = [
        date(2026, 11, 4),
        moment,
        date(1899, 1, 1),
        12,
        Decimal("7.25"),
        None,
    ]
    with timezone.override("Asia/Tokyo"):
        [found] = rows_of(made([row], "ABCDEF"))
        lines = spreadsheets.lines("ABCDEF", [row])
    assert [str(value) for value in found.values()] == [
        *("2026-11-04 00:00:00", "2026-12-01 08:30:00", "1899-01-01", "12", "7.25", "None")
    ]
    # The time zone is the one when it was asked for.
    assert [*lines][1] == "2026-11-04,2026-12-01 08:30,1899-01-01,12,7.25,\r\n"


def test_what_does_not_fit_continues_on_another_sheet(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(spreadsheets, "MOST_ROWS", 4)
    content = made([[number] for number in range(8)], ["Number"])
    assert len(openpyxl.load_workbook(io.BytesIO(content)).worksheets) == 3
    assert [row["Number"] for row in rows_of(content)] == [*range(8)]


def test_a_long_list_takes_little_memory() -> None:
    tracemalloc.start()
    made(([f"row {number}", Money(number, "usd")] for number in range(30_000)), "AB")
    _, most = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert most < 6_000_000


def test_a_very_long_text_is_cut() -> None:
    [found] = rows_of(made([["x" * 40_000]]))
    assert len(found["A"]) == spreadsheets.LONGEST_CELL
    assert found["A"].endswith("…")


# Hosts without room


def sent(rows: Any) -> tuple[int, bytes]:
    """Return the status and the content of a download."""
    answer = spreadsheets.download(("A", "B"), rows, "list", spreadsheets.XLSX)
    return answer.status_code, b"".join(answer)


@pytest.fixture
def no_folder(monkeypatch: pytest.MonkeyPatch) -> None:
    """Have no folder for temporary files, as on a host where nothing can be written."""
    monkeypatch.setattr(tempfile, "tempdir", "/there/is/no/such/folder")


@pytest.mark.usefixtures("no_folder")
def test_without_a_folder_a_file_is_made_in_memory() -> None:
    status, content = sent([["Ines", 2]])
    assert status == 200
    assert rows_of(content) == [{"A": "Ines", "B": 2}]


@pytest.mark.usefixtures("no_folder")
def test_what_is_too_large_for_memory_is_refused_with_a_sentence(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(spreadsheets, "MOST_IN_MEMORY", 3)
    assert sent([[1, 2]] * 3)[0] == 200
    status, content = sent([[1, 2]] * 4)
    assert status == 503
    assert content.decode().endswith("Download it as CSV, or filter the list first.")


def test_a_full_folder_is_said() -> None:
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, hard))
    try:
        status, content = sent([[f"{number} {'x' * 200}", number] for number in range(2000)])
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert (status, content.decode()) == (503, spreadsheets.NO_ROOM)
