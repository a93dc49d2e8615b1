"""However files are split, overlap, are sorted, and come again, they hold the same lines."""

from __future__ import annotations

from dataclasses import replace
from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from billing.bank.files import read
from billing.bank.files.identity import identified
from billing.bank.files.lines import Kind, Line, Transfer

ROWS = [
    "CREDIT,03/28/2026,Zelle payment from SAM DOE 27250625041,29.00,QUICKPAY_CREDIT,187.00,,",
    "CREDIT,03/28/2026,Zelle payment from SUE ROE,29.00,QUICKPAY_CREDIT,158.00,,",
    "CREDIT,03/28/2026,Zelle payment from SUE ROE,29.00,QUICKPAY_CREDIT,129.00,,",
    "DEBIT,03/27/2026,RENT,-50.00,ACH_DEBIT,100.00,,",
    "DEBIT,03/27/2026,Zelle payment to SAM DOE JPM99abc12de,-29.00,CHASE_TO_X,150.00,,",
    "CREDIT,03/26/2026,Zelle payment from ÅSA BERG BACs44a9oiu1,29.00,PARTNERFI_TO_CHASE,179.00,,",
]
HEADER = "Details,Posting Date,Description,Amount,Type,Balance,Check or Slip #"


def of_file(rows: list[str]) -> dict[str, Line]:
    content = "\n".join([HEADER, *rows]).encode()
    return {key: replace(line, number=0) for key, line in identified("1234", read(content).lines)}


EVERYTHING = of_file(ROWS)


def test_each_line_is_itself_and_two_alike_are_two() -> None:
    assert len(EVERYTHING) == len(ROWS)


@given(st.lists(st.lists(st.sampled_from(ROWS), max_size=8), max_size=5))
def test_any_files_hold_parts_of_the_same_lines(files: list[list[str]]) -> None:
    imported: dict[str, Line] = {}
    for rows in files:
        imported |= of_file(rows)
    rows_in_files = {row for rows in files for row in rows}
    assert imported == {
        key: line
        for row, (key, line) in zip(ROWS, EVERYTHING.items(), strict=True)
        if row in rows_in_files
    }


@given(st.permutations(ROWS), st.integers(0, 6))
def test_two_files_in_any_order_hold_everything(rows: list[str], cut: int) -> None:
    assert of_file(rows[cut:]) | of_file(rows[:cut]) == EVERYTHING


def test_without_balances_lines_alike_on_a_day_are_counted() -> None:
    row = '"05/02/2026","29.00","*","","ZELLE FROM SAM DOE ON 05/02"'
    other = '"05/01/2026","29.00","*","","ZELLE FROM SAM DOE ON 05/01"'
    once, twice = (
        {key for key, _ in identified("1", read("\n".join(rows).encode()).lines)}
        for rows in ([row, other], [other, row, row])
    )
    assert len(once) == 2
    assert len(twice) == 3
    assert once < twice


@pytest.mark.parametrize(
    "change",
    [
        {"amount": 2901},
        {"transfer": Transfer(Kind.ZELLE_IN, "SAM DOE", "27250625042")},
        {"amount": -2900, "transfer": Transfer(Kind.ZELLE_OUT, "SAM DOE", "27250625041")},
    ],
)
def test_what_differs_is_another_line(change: dict[str, object]) -> None:
    transfer = Transfer(Kind.ZELLE_IN, "SAM DOE", "27250625041")
    line = Line(1, date(2026, 3, 28), 2900, "Zelle payment from SAM DOE", transfer, 100)
    [(one, _)] = identified("1234", [line])
    [(other, _)] = identified("1234", [replace(line, **change)])  # type: ignore[arg-type]
    [(elsewhere, _)] = identified("5678", [line])
    [(later, _)] = identified("1234", [replace(line, balance=999)])
    assert len({one, other, elsewhere}) == 3
    assert later == one, "a bank may sort a day anew, with other balances"
