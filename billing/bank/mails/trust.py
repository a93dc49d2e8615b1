"""Whether a mail is a bank's own: only a valid DKIM signature says so (RFC 6376).

A From line proves nothing, and neither does what a mail says about itself in a header such as
`Authentication-Results`. Keys are given by a function, so this asks no network itself.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from email.utils import parsedate_to_datetime

import dkim

from billing.bank.mails import transfer

Keys = Callable[[str], bytes | None]
"""Returns the TXT record of a DNS name or None, or raises `KeysUnavailableError`."""

LARGEST = 1024 * 1024
MOST_SIGNATURES = 5
# Clocks differ. A mail's date may be so far ahead of ours.
AHEAD = timedelta(hours=1)
ALGORITHMS = frozenset([b"rsa-sha256", b"ed25519-sha256"])
# Each decides what we read. One that isn't signed could have been put there by anybody.
SIGNED = (b"from", b"to", b"subject", b"date", b"message-id")
# Which part of the body is read depends on it, in a mail that has it.
SIGNED_IF_THERE = (b"content-type",)
ENCODING = b"content-transfer-encoding"
# What dkimpy raises about a signature or key that somebody made up.
MADE_UP = (dkim.DKIMException, ValueError, TypeError, LookupError)
# An address alone, or in brackets behind a name. Python's own parser of headers fails on some that
# were made up, and reads others in surprising ways.
_ADDRESS = r"[a-z0-9.!#$%&'*+/=?^_{|}~-]+@[a-z0-9.-]+"
_ONE_ADDRESS = re.compile(
    rf"""(?P<bare>{_ADDRESS})|(?:"[^"\\<>]*"|[^"\\<>@,;:()]*)\s?<(?P<bracketed>{_ADDRESS})>""",
    re.IGNORECASE | re.ASCII,
)
_LONE_RETURN = re.compile(rb"\r(?!\n)")


class KeysUnavailableError(Exception):
    """DNS can't be asked right now, so nothing is decided."""


@dataclass(frozen=True)
class Verdict:
    """Which trusted domain signed a mail, or why none did."""

    domain: str = ""
    reason: str = ""

    @property
    def is_verified(self) -> bool:
        """Whether the mail counts."""
        return bool(self.domain)


class _Refused(Exception):
    """The mail doesn't count; the sentence is for staff."""


@dataclass(frozen=True)
class Rules:
    """Whose mails count, to whom, and for how long."""

    domains: Collection[str]  # of banks, lower case
    recipients: Collection[str]  # where our bank writes to us, lower case
    oldest: timedelta


def check(message: bytes, rules: Rules, keys: Keys, now: datetime) -> Verdict:
    """Return which of the trusted domains signed a mail.

    It must be to us: somebody else could pass on what the bank truly wrote to them about money that
    they got.

    Raises:
        KeysUnavailableError: DNS didn't answer; ask again later.
    """
    try:
        headers = _headers(message)
        domain = _trusted_domain(headers, rules.domains)
        _check_recipient(headers, rules.recipients)
        _check_age(headers, now, rules.oldest)
        _check_signatures(message, headers, domain, keys)
    except _Refused as refused:
        return Verdict(reason=str(refused))
    return Verdict(domain)


def _headers(message: bytes) -> dict[bytes, list[bytes]]:
    """Return the headers as the signature's checker sees them, by lower-case name."""
    if len(message) > LARGEST:
        raise _Refused("It's larger than 1 MB.")
    if _LONE_RETURN.search(message) or b"\0" in message:
        raise _Refused("Its lines end in a way that mail programs read differently.")
    try:
        pairs, _ = dkim.rfc822_parse(message)
    except MADE_UP:
        raise _Refused("Its headers can't be read.") from None
    headers: dict[bytes, list[bytes]] = {}
    for name, value in pairs:
        headers.setdefault(name.strip().lower(), []).append(value)
    for name in (*SIGNED, *SIGNED_IF_THERE, ENCODING):
        if len(headers.get(name, [])) > 1:
            raise _Refused(f"It has more than one {name.decode().title()} header.")
    return headers


def _trusted_domain(headers: dict[bytes, list[bytes]], trusted: Collection[str]) -> str:
    """Return the trusted domain that the From address belongs to."""
    domain = _only_address(headers, b"from").rpartition("@")[2].rstrip(".")
    for one in trusted:
        if _is_within(domain, one):
            return one
    raise _Refused(f"It's from {domain}, which isn't on the list of banks.")


def _check_recipient(headers: dict[bytes, list[bytes]], recipients: Collection[str]) -> None:
    address = _only_address(headers, b"to")
    if address not in recipients:
        raise _Refused(f"It was written to {address}, not to us.")


def _only_address(headers: dict[bytes, list[bytes]], name: bytes) -> str:
    """Return a header's one address in lower case, read more strictly than by mail programs."""
    [written] = headers.get(name, [b""])
    match = _ONE_ADDRESS.fullmatch(" ".join(written.decode("utf-8", "replace").split()))
    if not match:
        raise _Refused(f"Its {name.decode().title()} header isn't exactly one address.")
    return (match["bare"] or match["bracketed"]).lower()


def _is_within(domain: str, trusted: str) -> bool:
    return domain == trusted or domain.endswith(f".{trusted}")


def _check_age(headers: dict[bytes, list[bytes]], now: datetime, oldest: timedelta) -> None:
    [written] = headers.get(b"date", [b""])
    try:
        sent_at = parsedate_to_datetime(written.decode("ascii", "replace").strip())
        is_old, is_ahead = now - sent_at > oldest, sent_at - now > AHEAD
    except (TypeError, ValueError, OverflowError):
        raise _Refused("Its date can't be read.") from None
    if is_old:
        raise _Refused(f"It's older than {oldest.days} days.")
    if is_ahead:
        raise _Refused("Its date is in the future.")


def _check_signatures(
    message: bytes, headers: dict[bytes, list[bytes]], domain: str, keys: Keys
) -> None:
    """Refuse the mail unless one of its signatures is the domain's, valid, and of everything."""
    count = len(headers.get(b"dkim-signature", []))
    if not count:
        raise _Refused("It isn't signed.")
    reasons = []
    for place in range(min(count, MOST_SIGNATURES)):
        reason = next(_faults(message, headers, domain, keys, place), "")
        if not reason:
            return
        reasons.append(reason)
    raise _Refused(reasons[0])


def _faults(
    message: bytes, headers: dict[bytes, list[bytes]], domain: str, keys: Keys, place: int
) -> Iterator[str]:
    """Yield what's wrong with one signature, the cheap checks first."""

    def record(name: bytes, timeout: int = 5) -> bytes | None:
        return keys(name.decode("ascii", "replace").rstrip("."))

    signature = dkim.DKIM(message)
    try:
        prepared = signature.verify_headerprep(place)
    except MADE_UP:
        yield "Its signature can't be read."
        return
    fields: dict[bytes, bytes] = prepared[0]
    signer = fields[b"d"].decode("ascii", "replace").lower()
    if not _is_within(signer, domain):
        yield f"It's signed by {signer}, not by {domain}."
    if fields.get(b"a") not in ALGORITHMS:
        yield "Its signature is of an outdated kind."
    if b"l" in fields:
        yield "Its signature covers only the beginning of the text."
    signed = set(signature.include_headers)
    needed = [*SIGNED, *(name for name in SIGNED_IF_THERE if name in headers)]
    if missing := [name.decode().title() for name in needed if name not in signed]:
        yield f"Its signature doesn't cover {', '.join(missing)}."
    if ENCODING not in signed and not transfer.is_certain(headers, signature.body):
        yield "Its text can be read in two ways, and its signature doesn't say in which."
    try:
        is_valid = signature.verify(place, dnsfunc=record)
    except MADE_UP:
        is_valid = False
    if not is_valid:
        yield "Its signature doesn't fit: it was changed on its way, or isn't the bank's."
