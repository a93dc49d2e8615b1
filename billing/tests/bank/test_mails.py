"""Notifications are read as a person sees them, and not at all where two readings are possible."""

from __future__ import annotations

import html as html_module
from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from billing.bank.files.lines import Kind
from billing.bank.mails import Notice, UnreadableMailError, read
from billing.tests.bank.signed import html, mail

USUAL = Notice(
    bank="Chase",
    kind=Kind.ZELLE_IN,
    name="SAM DOE",
    amount=2900,
    sent_on=date(2026, 3, 28),
    transaction="27250625041",
    memo="HY-7K3P-4",
)


def test_a_mail_of_chase() -> None:
    assert read(mail()) == USUAL


@pytest.mark.parametrize(
    ("written", "cents"),
    [("$1,234.56", 123456), ("$50", 5000), ("$50.5", 5050), ("$0.01", 1), ("50.00", 5000)],
)
def test_amounts(written: str, cents: int) -> None:
    notice = read(mail(html(amount=written)))
    assert notice
    assert notice.amount == cents


@pytest.mark.parametrize("written", ["", "$", "€5.00", "$-5.00", "$0.00", "free", "$5.00 or $6.00"])
def test_what_is_no_amount_is_not_read(written: str) -> None:
    with pytest.raises(UnreadableMailError):
        read(mail(html(amount=written)))


@pytest.mark.parametrize(
    "written", ["Mar 28, 2026", "March 28, 2026 at 12:20:28 AM EDT", "03/28/2026"]
)
def test_days(written: str) -> None:
    notice = read(mail(html(sent_on=written)))
    assert notice
    assert notice.sent_on == date(2026, 3, 28)


@pytest.mark.parametrize("memo", ["N/A", "n/a", "-"])
def test_no_memo_is_none(memo: str) -> None:
    notice = read(mail(html(memo=memo)))
    assert notice
    assert notice.memo == ""


@pytest.mark.parametrize("subject", ["You received money with Zelle(R)", "SAM DOE sent you money"])
def test_subjects(subject: str) -> None:
    assert read(mail(Subject=subject)) == USUAL


def test_what_is_sent_away() -> None:
    body = html().replace("SAM DOE sent you money", "You sent money to SAM DOE")
    notice = read(mail(body, Subject="You sent money with Zelle®"))
    assert notice
    assert (notice.kind, notice.name, notice.amount) == (Kind.ZELLE_OUT, "SAM DOE", 2900)


@pytest.mark.parametrize("subject", ["Your statement is ready", "", "Money"])
def test_another_mail_is_about_nothing(subject: str) -> None:
    assert read(mail(Subject=subject)) is None


def test_a_plain_part_may_say_the_same_or_nothing() -> None:
    plain = "SAM DOE sent you money\n\nAmount: {}\nTransaction number: 27250625041\n"
    assert read(mail(plain=plain.format("$29.00"))) == USUAL
    assert read(mail(plain="Please read this mail as HTML.")) == USUAL
    with pytest.raises(UnreadableMailError, match="Its two texts say different things"):
        read(mail(plain=plain.format("$92.00")))


@pytest.mark.parametrize(
    "trick",
    [
        '<p style="display : NONE">{}</p>',
        '<p style="font-size:0">{}</p>',
        '<p style="visibility:hidden">{}</p>',
        '<div style="max-height: 0px; overflow:hidden">{}</div>',
        '<p style="opacity: 0.0">{}</p>',
        "<p hidden>{}</p>",
        "<!-- {} -->",
        "<script>{}</script>",
        "<style>{}</style>",
        "<template>{}</template>",
        '<div style="position:absolute; left:-999px">{}</div>',
        '<div style="dis/**/play:none">{}</div>',
    ],
)
def test_hidden_text_is_not_read(trick: str) -> None:
    other = "<table><tr><td>Amount</td><td>$9,999.00</td></tr></table>"
    body = html().replace("<p>", trick.format(other) + "<p>")
    assert read(mail(body)) == USUAL


@pytest.mark.parametrize(
    "memo",
    [
        "Amount",
        "Amount: $9,999.00",
        "Transaction number",
        "EVE EVIL sent you money",
        "</td></tr><tr><td>Amount</td><td>$9,999.00",
    ],
)
def test_a_memo_that_plays_the_bank_makes_a_mail_unreadable(memo: str) -> None:
    with pytest.raises(UnreadableMailError):
        read(mail(html(memo=memo)))


@pytest.mark.parametrize("memo", ["Amount $9,999.00", "my memo: May", "a<br>b"])
def test_a_memo_beside_it_is_a_memo(memo: str) -> None:
    notice = read(mail(html(memo=html_module.escape(memo))))
    assert notice
    assert (notice.amount, notice.memo) == (2900, memo)


def test_two_texts_of_a_kind_are_not_read() -> None:
    message = mail(plain="hello").replace(
        b'text/plain; charset="utf-8"', b'text/html; charset="utf-8"'
    )
    with pytest.raises(UnreadableMailError, match="more than one text"):
        read(message)


def test_deep_and_huge_mails_end() -> None:
    deep = html().replace("<p>", "<div>" * 30_000 + "<p>")
    assert read(mail(deep)) == USUAL
    with pytest.raises(UnreadableMailError, match="too long"):
        read(mail(html() + "x" * 300_000))


def test_a_mail_of_bank_of_america() -> None:
    body = "<p>Message</p><p>HY-7K3P-4</p><p>Confirmation</p><p>0abc12de3</p>"
    notice = read(mail(body, Subject="SUE O'ROE sent you $1,234.56"))
    assert notice == Notice(
        "Bank of America", Kind.ZELLE_IN, "SUE O'ROE", 123456, None, "0abc12de3", "HY-7K3P-4"
    )


@given(st.text(max_size=200), st.text(max_size=200))
def test_any_html_is_read_or_refused(body: str, memo: str) -> None:
    for one in (body, html(memo=memo)):
        try:
            notice = read(mail(one or " "))
        except UnreadableMailError:
            continue
        assert notice is None or notice.amount == 2900


WELLS_FARGO = """<html><body><p>You received money with Zelle<sup>®</sup></p>
<p>SAM DOE sent you money. Here are the details:</p>
<table><tr><td><b>Date</b></td><td>03/28/2026</td></tr>
<tr><td><b>Amount</b></td><td>$1,029.00</td></tr>
<tr><td><b>Memo</b></td><td>{memo}</td></tr>
<tr><td><b>Confirmation Code</b></td><td>RT09XMTXRD</td></tr></table>
<p>This money has been deposited in your Wells Fargo account XXXXXX5516.</p></body></html>"""


def wells_fargo(body: str) -> bytes:
    sender = "Wells Fargo Online <alerts@notify.wellsfargo.com>"
    return mail(body, From=sender, Subject="You received money with Zelle®")


def test_a_mail_of_wells_fargo() -> None:
    assert read(wells_fargo(WELLS_FARGO.format(memo="HY-7K3P-4"))) == Notice(
        bank="Wells Fargo",
        kind=Kind.ZELLE_IN,
        name="SAM DOE",
        amount=102900,
        sent_on=date(2026, 3, 28),
        transaction="RT09XMTXRD",
        memo="HY-7K3P-4",
    )


@pytest.mark.parametrize(
    "wrong",
    [
        ("$1,029.00", "lots"),
        ("sent you money.", "waved."),
        ("RT09XMTXRD", "RT09 XMTXRD!"),
        ("<b>Date</b>", "<b>Amount</b>"),
    ],
)
def test_what_wells_fargo_would_not_write_is_not_read(wrong: tuple[str, str]) -> None:
    with pytest.raises(UnreadableMailError):
        read(wells_fargo(WELLS_FARGO.format(memo="HY-7K3P-4").replace(*wrong)))
