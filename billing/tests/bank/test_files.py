"""Account activity is read with every quirk that banks' exports have, and no other file is."""

from __future__ import annotations

from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from billing.bank.files import WrongFileError, read
from billing.bank.files.lines import Kind, Transfer
from billing.bank.files.table import LARGEST

CHASE = "Details,Posting Date,Description,Amount,Type,Balance,Check or Slip #\n"
BOA = """Description,,Summary Amt.
Beginning balance as of 01/01/2026,,"1,300.00"
Total credits,,"3,350.00"
Total debits,,"-2,239.98"
Ending balance as of 03/31/2026,,"2,410.02"

Date,Description,Amount,Running Bal.
01/01/2026,Beginning balance as of 01/01/2026,,"1,300.00"
"""


def chase(*rows: str) -> bytes:
    return (CHASE + "\n".join(rows)).encode()


def only_transfer(content: bytes) -> Transfer:
    [line] = read(content).lines
    assert line.transfer
    return line.transfer


def test_a_payment_within_chase_has_a_name_and_a_number() -> None:
    content = chase(
        "CREDIT,03/28/2026,Zelle payment from SAM DOE 27250625041,29.00,QUICKPAY_CREDIT,1234.56,,"
    )
    found = read(content)
    [line] = found.lines
    assert (found.bank, found.pending, found.unreadable) == ("Chase", [], [])
    assert (line.number, line.posted_on, line.amount) == (2, date(2026, 3, 28), 2900)
    assert line.balance == 123456
    assert line.transfer == Transfer(Kind.ZELLE_IN, "SAM DOE", "27250625041")


@pytest.mark.parametrize(
    ("description", "transfer"),
    [
        ("ZELLE PAYMENT FROM JANE SMITH BACs44a9oiu1", ("JANE SMITH", "BACs44a9oiu1")),
        ("Zelle payment from Doe WFCT0ABCDEFG", ("Doe", "WFCT0ABCDEFG")),
        ("Zelle payment from SAM DOE", ("SAM DOE", "")),
        ("Zelle payment from SAM", ("SAM", "")),
        ("Zelle payment from STUDIO 54", ("STUDIO 54", "")),
        (
            "Zelle payment from O&#39;NEILL &amp; SONS 27250625041",
            ("O'NEILL & SONS", "27250625041"),
        ),
        ('"Zelle payment from Doe, Sam, Jr. 27250625041"', ("Doe, Sam, Jr.", "27250625041")),
        ("Zelle payment from ŁUKASZ ŻÓŁĆ 27250625041", ("ŁUKASZ ŻÓŁĆ", "27250625041")),
        ("Zelle   payment  from  SAM   DOE   27250625041 ", ("SAM DOE", "27250625041")),
        ("Zelle payment from SAM\u2028DOE 27250625041", ("SAM DOE", "27250625041")),
    ],
)
def test_names_and_numbers_of_chase(description: str, transfer: tuple[str, str]) -> None:
    row = f"CREDIT,03/28/2026,{description},29.00,PARTNERFI_TO_CHASE,1234.56,,"
    assert only_transfer(chase(row)) == Transfer(Kind.ZELLE_IN, *transfer)


def test_what_goes_out_and_what_is_no_transfer() -> None:
    found = read(
        chase(
            "DEBIT,03/28/2026,Zelle payment to Sam Doe JPM99abc12de,-29.00,CHASE_TO_X,10.00,,",
            'DEBIT,03/27/2026,"STRIPE TRANSFER, ST-X",-1.00,ACH_DEBIT,39.00,,',
            "CHECK,03/27/2026,CHECK 1582,-5.00,CHECK_PAID,40.00,1582,",
            "DSLIP,03/27/2026,DEPOSIT ID NUMBER 1,500,CHECK_DEPOSIT,45,1,",
        )
    )
    assert [line.kind for line in found.lines] == [Kind.ZELLE_OUT, *[Kind.OTHER] * 3]
    assert [line.amount for line in found.lines] == [-2900, -100, -500, 50000]
    assert found.lines[0].transfer == Transfer(Kind.ZELLE_OUT, "Sam Doe", "JPM99abc12de")


def test_pending_rows_are_counted_and_not_read() -> None:
    row = "CREDIT,03/28/2026,Zelle payment from SAM DOE 27250625041,29.00,QUICKPAY_CREDIT, ,,"
    assert read(chase(row)).pending == [2]
    assert read(chase(row)).lines == []


@pytest.mark.parametrize(
    ("row", "reason"),
    [
        ("CREDIT,28/03/2026,x,1.00,T,1.00,,", "“28/03/2026” isn't a date such as 03/28/2026."),
        ("CREDIT,02/29/2026,x,1.00,T,1.00,,", "“02/29/2026” isn't a date such as 03/28/2026."),
        ("CREDIT,03/28/2026,x,one,T,1.00,,", "“one” isn't an amount."),
        ("CREDIT,03/28/2026,x,,T,1.00,,", "The amount is missing."),
        ("CREDIT,03/28/2026,x,1.234,T,1.00,,", "“1.234” isn't an amount."),
        ("CREDIT,03/28/2026,x,99999999999,T,1,,", "“99999999999” is too large an amount."),
        ("CREDIT,03/28/2026,x", "It has 3 columns instead of 6."),
        (
            "CREDIT,03/28/2026,Zelle payment from SAM,-1.00,T,1.00,,",
            "Its amount and its description say opposite things.",
        ),
    ],
)
def test_a_row_that_cannot_be_read_is_named_and_the_others_are_read(row: str, reason: str) -> None:
    good = "CREDIT,03/28/2026,Zelle payment from SAM DOE,29.00,QUICKPAY_CREDIT,1234.56,,"
    found = read(chase(row, good))
    assert [(one.number, one.text, one.reason) for one in found.unreadable] == [(2, row, reason)]
    assert [line.number for line in found.lines] == [3]


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "cp1252"])
@pytest.mark.parametrize("ending", ["\n", "\r\n", "\r"])
def test_encodings_and_line_ends(encoding: str, ending: str) -> None:
    row = "CREDIT,03/28/2026,Zelle payment from ZOË DOE 27250625041,29.00,QUICKPAY_CREDIT,1.00,,"
    content = f"{CHASE}{row}\n\n".replace("\n", ending).encode(encoding)
    assert only_transfer(content).name == "ZOË DOE"


def test_bank_of_america_has_a_summary_memos_and_bare_quotation_marks() -> None:
    found = read(
        (
            BOA
            + '03/16/2026,"Zelle payment from SAM DOE for "May, HY-7K3P-4"; Conf# 0abc12de3",'
            + '"29.00","1,329.00"\n'
            + '03/17/2026,"Zelle payment from SUE ROE Conf# x1","5.00","1,334.00"\n'
            + '03/17/2026,"Zelle payment to Bob Low for ""rent""; Conf# y2","-34.00","1,300.00"\n'
            + '03/18/2026,"ACME, INC 03/17 PURCHASE","-963.46","336.54"\n'
            + '03/19/2026,"Zelle payment from PENDING PAT Conf# z9","1.00",\n'
        ).encode()
    )
    assert (found.bank, found.unreadable, found.pending) == ("Bank of America", [], [13])
    assert [line.transfer for line in found.lines] == [
        Transfer(Kind.ZELLE_IN, "SAM DOE", "0abc12de3", "May, HY-7K3P-4"),
        Transfer(Kind.ZELLE_IN, "SUE ROE", "x1"),
        Transfer(Kind.ZELLE_OUT, "Bob Low", "y2", "rent"),
        None,
    ]
    assert [line.balance for line in found.lines] == [132900, 133400, 130000, 33654]


@pytest.mark.parametrize(
    "rows",
    [
        '"05/02/2026","29.00","*","","ZELLE FROM DOE SAM ON 05/02 REF # WFCT0ABCDEFG HY7K3P4"\n',
        (
            "DATE,AMOUNT,CHECK NUMBER,STATUS,DESCRIPTION\n"
            "05/02/2026,29.00,,Posted,ZELLE FROM DOE SAM ON 05/02 REF # WFCT0ABCDEFG HY7K3P4\n"
        ),
    ],
)
def test_wells_fargo_with_and_without_a_header(rows: str) -> None:
    expected = Transfer(Kind.ZELLE_IN, "DOE SAM", "WFCT0ABCDEFG", "HY7K3P4")
    assert only_transfer(rows.encode()) == expected


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        (b"", "The file is empty."),
        (b"\n \n", "The file is empty."),
        (b"%PDF-1.7 ...", "This is a PDF."),
        (b"PK\x03\x04...", "This is an Excel workbook or a ZIP archive."),
        (b"\xd0\xcf\x11\xe0", "This is an old Excel workbook."),
        (b"\xef\xbb\xbf<!doctype html>", "This is a web page."),
        (b"OFXHEADER:100", "This is a file for Quicken."),
        (b"a\0b", "This isn't a text file."),
        (b"x" * (LARGEST + 1), "The file is larger than 10 MB."),
        (
            b"Transaction Date,Post Date,Description,Category,Type,Amount,Memo\n",
            "We know these files: Chase",
        ),
        (b"hello", "This isn't account activity that we can read."),
    ],
)
def test_another_file_is_refused_with_what_was_expected(content: bytes, sentence: str) -> None:
    with pytest.raises(WrongFileError, match=sentence.replace(".", r"\.")):
        read(content)


def test_a_file_that_a_quotation_mark_swallows_is_refused() -> None:
    open_quote = '"' + "x" * 200_000
    with pytest.raises(WrongFileError, match="a quotation mark may be missing"):
        read(chase(f"CREDIT,03/28/2026,{open_quote},1.00,T,1.00,,"))


@given(st.binary(max_size=400))
def test_any_bytes_are_read_or_refused(content: bytes) -> None:
    for start in (b"", CHASE.encode(), BOA.encode(), b'"05/02/2026","29.00","*","",'):
        try:
            found = read(start + content)
        except WrongFileError:
            continue
        assert all(line.description == line.description.strip() for line in found.lines)


@pytest.mark.parametrize("day", ["01/01/0001", "12/31/9999", "12/31/1969"])
def test_a_day_that_nobody_could_reckon_with_is_unreadable(day: str) -> None:
    said = read(f"{CHASE}CREDIT,{day},Zelle payment from A B 27250625041,29.00,Q,1.00,,\n".encode())
    assert said.lines == []
    assert "isn't a date" in said.unreadable[0].reason
