"""Only a bank's own, whole, recent mail counts: every other one is refused with its reason."""

from __future__ import annotations

from datetime import timedelta
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import format_datetime

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from billing.bank.mails import read, trust
from billing.bank.mails.trust import KeysUnavailableError, Rules, Verdict
from billing.tests.bank import signed
from billing.tests.bank.signed import NOW, html, mail, sign

TO = b"To: owner@harbor.example\r\n"
RULES = Rules(
    domains=("chase.com", "bankofamerica.com"),
    recipients=("owner@harbor.example",),
    oldest=timedelta(days=7),
)


def verdict(message: bytes, records: dict[str, bytes] | None = None) -> Verdict:
    known = signed.keys() if records is None else records
    return trust.check(message, RULES, known.get, NOW)


def test_the_banks_own_mail_counts() -> None:
    assert verdict(sign(mail())) == Verdict("chase.com")


def test_a_subdomain_of_the_bank_may_write_and_sign() -> None:
    message = sign(mail(From="no-reply@alerts.chase.com"), "mail.chase.com")
    assert verdict(message, signed.keys(2048, "mail.chase.com")) == Verdict("chase.com")


def test_it_is_to_us_in_any_case_and_with_any_name() -> None:
    assert verdict(sign(mail(To="Harbor Yoga <Owner@Harbor.example>"))).is_verified


def test_forwarded_unchanged_it_still_counts() -> None:
    forwarded = b"Received: from mx.example\r\nX-Forwarded-For: a@b.example\r\n" + sign(mail())
    assert verdict(forwarded) == Verdict("chase.com")


def test_one_good_signature_beside_another_is_enough() -> None:
    both = sign(sign(mail()), "esp.example")
    assert verdict(both) == Verdict("chase.com")


@pytest.mark.parametrize(
    ("message", "reason"),
    [
        (mail(), "It isn't signed."),
        (sign(mail()).replace(b"$29.00", b"$92.00"), "Its signature doesn't fit"),
        (sign(mail()).replace(b"Subject: You", b"Subject: Y0u"), "Its signature doesn't fit"),
        (sign(mail(), "evil.example"), "It's signed by evil.example, not by chase.com."),
        (sign(mail(), "notchase.com"), "It's signed by notchase.com, not by chase.com."),
        (sign(mail(), "chase.com.evil.example"), "It's signed by chase.com.evil.example"),
        (
            sign(mail(From="Chase <a@chase.com.evil.example>"), "chase.com.evil.example"),
            "It's from chase.com.evil.example, which isn't on the list of banks.",
        ),
        (sign(mail(From="a@chаse.com")), "isn't exactly one address"),  # a Cyrillic letter
        (sign(mail(From="a@xn--chse-53d.com")), "which isn't on the list of banks"),
        (
            sign(mail(From='"no.reply@chase.com" <a@evil.example>'), "evil.example"),
            "It's from evil.example",
        ),
        (sign(mail(From="a@chase.com, b@evil.example")), "isn't exactly one address"),
        (
            b"From: Chase <a@chase.com>\r\n" + sign(mail(From="a@evil.example"), "evil.example"),
            "more than one From header",
        ),
        (b"Subject: You received $5\r\n" + sign(mail()), "more than one Subject header"),
        (b"Content-Type: text/plain\r\n" + sign(mail()), "more than one Content-Type header"),
        (sign(mail(), length=True) + b"<p>Amount</p>", "covers only the beginning"),
        (sign(mail(), length=True), "covers only the beginning"),
        (sign(mail(), headers=("From", "Date")), "doesn't cover To, Subject, Message-Id"),
        (sign(mail(), headers=signed.SIGNED[:-1]), "doesn't cover Content-Type."),
        (sign(mail(To="eve@evil.example")), "It was written to eve@evil.example, not to us."),
        (sign(mail(To="eve@evil.example, owner@harbor.example")), "Its To header isn't exactly"),
        (sign(mail(To="owner@harbor.example <eve@evil.example>")), "To header isn't exactly"),
        (sign(mail(To="eve@evil.example", Cc="owner@harbor.example")), "not to us"),
        (TO + sign(mail(To="e@evil.example")), "more than one To"),
        (
            TO + sign(mail().replace(TO, b""), headers=("From", *signed.SIGNED[2:])),
            "Its signature doesn't cover To.",
        ),
        (sign(mail(Date=format_datetime(NOW - timedelta(days=8)))), "older than 7 days"),
        (sign(mail(Date=format_datetime(NOW + timedelta(hours=2)))), "in the future"),
        (sign(mail(Date="yesterday")), "Its date can't be read."),
        (sign(mail()).replace(b"v=1;", b"v=2;"), "Its signature can't be read."),
        (b"DKIM-Signature: nonsense\r\n" + mail(), "Its signature can't be read."),
        (sign(mail()) + b"x" * trust.LARGEST, "larger than 1 MB"),
        (sign(mail()).replace(b"\r\nTo:", b"\rX: y\r\nTo:"), "mail programs read differently"),
        (b"Authentication-Results: mx; dkim=pass header.d=chase.com\r\n" + mail(), "isn't signed"),
        (b"", "isn't exactly one address"),
    ],
)
def test_what_does_not_count_says_why(message: bytes, reason: str) -> None:
    found = verdict(
        message, signed.keys(2048, "chase.com", "evil.example", "chase.com.evil.example")
    )
    assert not found.is_verified
    assert reason in found.reason


@pytest.mark.parametrize(
    "record",
    [None, b"", b"v=DKIM1; p=", b"v=DKIM1; p=abc", b"v=spf1 -all", b"\xff", signed.record(1024)],
)
def test_without_the_signers_key_nothing_counts(record: bytes | None) -> None:
    name = next(iter(signed.keys()))
    assert (
        "doesn't fit" in verdict(sign(mail()), {name: record} if record is not None else {}).reason
    )


def test_without_dns_nothing_is_decided() -> None:
    def away(_name: str) -> bytes | None:
        raise KeysUnavailableError

    with pytest.raises(KeysUnavailableError):
        trust.check(sign(mail()), RULES, away, NOW)


def test_dns_is_asked_for_trusted_domains_only() -> None:
    asked = []

    def keys(name: str) -> bytes | None:
        asked.append(name)
        return signed.record()

    trust.check(sign(mail(), "evil.example"), RULES, keys, NOW)
    assert asked == []


@given(st.sampled_from(["From", "To"]), st.text('<>@"(),;:\\[]=?. \x0b\u2028éa', max_size=30))
def test_any_address_is_judged(header: str, written: str) -> None:
    message = mail().replace(f"{header}: ".encode(), f"{header}: {written}".encode(), 1)
    assert not verdict(message).is_verified


GOOD = sign(mail())


@given(st.integers(0, len(GOOD) - 1), st.integers(1, 255))
# In the name, and in the value, of the one header that isn't signed.
@example(GOOD.index(b"Content-Transfer-Encoding"), 1)
@example(GOOD.index(b"8bit"), 1)
def test_no_changed_byte_makes_another_mail_count(place: int, change: int) -> None:
    changed = GOOD[:place] + bytes([GOOD[place] ^ change]) + GOOD[place + 1 :]
    if verdict(changed).is_verified:
        # Only what canonicalization ignores (spaces, and the case of header names) may differ, the
        # signature itself (the last letter of base64 has bits that mean nothing), and the name of
        # a header that says nothing about this text.
        assert _said(changed) == _said(GOOD)
        assert read(changed) == read(GOOD)


def _said(message: bytes) -> bytes:
    """Return a mail without its signature, spaces, cases, and the unsigned header."""
    signature, start, rest = message.lower().partition(b"from:")
    assert signature.startswith(b"dkim-signature:")
    headers, end, body = (start + rest).partition(b"\r\n\r\n")
    kept = [line for line in headers.splitlines() if not line.endswith(b": 8bit")]
    return b"".join(b"".join([*kept, end, body]).split())


def encoded(text: str, cte: str) -> bytes:
    """Return an unsigned notification whose HTML travels in an encoding."""
    message = EmailMessage(policy=SMTP)
    for name, value in message_from_bytes(mail()).items():
        if not name.lower().startswith(("content", "mime")):
            message[name] = value
    message.set_content(text, subtype="html", cte=cte)
    return message.as_bytes()


SMUGGLED = html(memo="=3C/td=3E=3Ctd=3EAmount=3C/td=3E=3Ctd=3E$9,999.00")


@pytest.mark.parametrize(
    "encoding", [b"quoted-printable", b"base64", b"x-own", b"QUOTED-PRINTABLE"]
)
def test_an_unsigned_encoding_cannot_turn_a_memo_into_html(encoding: bytes) -> None:
    message = sign(encoded(SMUGGLED, "8bit"))
    assert verdict(message).is_verified
    changed = message.replace(
        b"Content-Transfer-Encoding: 8bit", b"Content-Transfer-Encoding: " + encoding
    )
    assert changed != message
    assert verdict(changed).reason.startswith("Its text can be read in two ways")


@pytest.mark.parametrize("cte", ["quoted-printable", "base64"])
def test_an_encoded_mail_counts_and_its_encoding_cannot_be_taken_away(cte: str) -> None:
    """Whether the signature covers the encoding or not."""
    message = encoded(html(), cte)
    for headers in (signed.SIGNED, (*signed.SIGNED, "Content-Transfer-Encoding")):
        good = sign(message, headers=headers)
        assert verdict(good).is_verified
        assert read(good) == read(GOOD)
        for other in (b"7bit", b"8bit", b"binary", b""):
            assert not verdict(good.replace(cte.encode(), other)).is_verified
        bare = good.replace(f"Content-Transfer-Encoding: {cte}\r\n".encode(), b"")
        assert bare != good
        assert not verdict(bare).is_verified


def test_the_encoding_of_parts_is_signed_with_them() -> None:
    message = sign(mail(plain="You received money."))
    assert verdict(message).is_verified


@given(st.binary(max_size=300))
def test_any_bytes_are_judged(message: bytes) -> None:
    assert not verdict(message).is_verified
    assert not verdict(b"From: a@chase.com\r\nDKIM-Signature: " + message).is_verified
