"""Only a bank's own, whole, recent mail counts: every other one is refused with its reason."""

from __future__ import annotations

from datetime import timedelta
from email.utils import format_datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from billing.bank.mails import trust
from billing.bank.mails.trust import KeysUnavailableError, Rules, Verdict
from billing.tests.bank import signed
from billing.tests.bank.signed import NOW, mail, sign

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
def test_no_changed_byte_makes_another_mail_count(place: int, change: int) -> None:
    changed = GOOD[:place] + bytes([GOOD[place] ^ change]) + GOOD[place + 1 :]
    if verdict(changed).is_verified:
        # Only what canonicalization ignores (spaces, and the case of header names) may differ, and
        # the signature itself: the last letter of base64 has bits that mean nothing.
        assert _said(changed) == _said(GOOD)


def _said(message: bytes) -> bytes:
    """Return a mail without its signature, spaces, and cases."""
    signature, start, rest = message.lower().partition(b"from:")
    assert signature.startswith(b"dkim-signature:")
    return b"".join((start + rest).split())


@given(st.binary(max_size=300))
def test_any_bytes_are_judged(message: bytes) -> None:
    assert not verdict(message).is_verified
    assert not verdict(b"From: a@chase.com\r\nDKIM-Signature: " + message).is_verified
