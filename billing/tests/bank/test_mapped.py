"""Any bank's file is read once its owner has said which column is what."""

from __future__ import annotations

from dataclasses import replace
from datetime import date

import pytest

from billing.bank.files import BankFile, WrongFileError, mapped
from billing.bank.files.lines import Kind, Transfer
from billing.bank.files.mapped import DayFormat, Mapping
from billing.bank.files.table import rows_of

CREDIT_UNION = Mapping(
    bank="Harbor Credit Union",
    day="Posted",
    description="Details",
    came_in="Deposit",
    went_out="Withdrawal",
    name="Who",
    transaction="Confirmation",
    memo="Note",
    balance="Balance",
    day_format=DayFormat.ISO,
)
TOP = "Account,**1234\n\nPosted,Details,Who,Note,Confirmation,Withdrawal,Deposit,Balance\n"


def read(text: str, mapping: Mapping = CREDIT_UNION) -> BankFile:
    return mapped.read(rows_of(text), mapping)


def test_columns_are_found_by_their_names_wherever_they_are() -> None:
    found = read(
        TOP
        + "2026-03-28,Zelle credit,Sam Doe,HY-7K3P-4,ZX1,,29.00,129.00\n"
        + "2026-03-27,Zelle payment to Bob Low,,,ZX0,50.00,,100.00\n"
        + "2026-03-26,Coffee,,,,4.00,0.00,150.00\n"
        + "2026-03-29,Zelle credit,Pat Pending,,,,1.00,\n"
    )
    assert (found.bank, found.pending, found.unreadable) == ("Harbor Credit Union", [7], [])
    assert [line.amount for line in found.lines] == [2900, -5000, -400]
    assert [line.balance for line in found.lines] == [12900, 10000, 15000]
    assert found.lines[0].posted_on == date(2026, 3, 28)
    assert [line.transfer for line in found.lines] == [
        Transfer(Kind.ZELLE_IN, "Sam Doe", "ZX1", "HY-7K3P-4"),
        Transfer(Kind.ZELLE_OUT, "Bob Low", "ZX0"),
        None,
    ]


def test_one_column_with_a_sign_is_enough() -> None:
    mapping = Mapping("Tiny Bank", "date", "text", amount="amount", day_format=DayFormat.WORDS)
    found = read('DATE,Text,Amount\n"Mar 28, 2026",ZELLE FROM SAM DOE,"1,029.00"\n', mapping)
    [line] = found.lines
    assert line.transfer == Transfer(Kind.ZELLE_IN, "SAM DOE")
    assert (line.amount, line.balance) == (102900, None)


@pytest.mark.parametrize(
    ("text", "name", "number"),
    [
        ("Zelle from SAM DOE REF 998877", "SAM DOE", "998877"),
        ("ZELLE PAYMENT FROM SAM DOE; Conf# 0abc12de3", "SAM DOE", "0abc12de3"),
        ("Zelle from SAM REF", "SAM REF", ""),
        ("Zelle from CONF TRN REFS LLC", "CONF TRN REFS LLC", ""),
        ("Zelle from " + " " * 50_000 + "SAM", "SAM", ""),
    ],
)
def test_a_number_behind_the_name_is_the_banks(text: str, name: str, number: str) -> None:
    mapping = Mapping("Tiny Bank", "date", "text", amount="amount", day_format=DayFormat.WORDS)
    [line] = read(f'date,text,amount\n"Mar 28, 2026",{text},1.00\n', mapping).lines
    assert line.transfer == Transfer(Kind.ZELLE_IN, name, number)


@pytest.mark.parametrize(
    ("row", "reason"),
    [
        ("03/28/2026,Zelle,,,,,1.00,1.00", "“03/28/2026” isn't a date such as 2026-03-28."),
        ("2026-03-28,Zelle,,,,1.00,1.00,1.00", "Money comes in and goes out in one line."),
        ("2026-03-28,Zelle,,,,,,1.00", "The amount is missing."),
        ("2026-03-28", "The amount is missing."),
        (
            "2026-03-28,Zelle from Sam,,,,1.00,,1.00",
            "Its amount and its description say opposite things.",
        ),
    ],
)
def test_a_row_that_cannot_be_read_is_named(row: str, reason: str) -> None:
    [unreadable] = read(f"{TOP}{row}\n").unreadable
    assert (unreadable.number, unreadable.reason) == (4, reason)


def test_another_file_is_refused_with_the_columns_that_it_lacks() -> None:
    with pytest.raises(WrongFileError, match="columns of Harbor Credit Union: Posted, Details"):
        read("Date,Amount\n2026-03-28,1.00\n")
    with pytest.raises(WrongFileError):
        read(TOP, replace(CREDIT_UNION, memo="Memo"))


def test_a_form_offers_the_headers_names() -> None:
    assert mapped.headers(rows_of(TOP))[:3] == ["Posted", "Details", "Who"]
    assert mapped.headers([]) == []
