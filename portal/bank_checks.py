"""Start checks of the settings for a bank's mails (`BANK_MAIL_…`), for `portal.start_checks`.

What's wrong here would let a stranger announce money, or leave the bank's own word unheard.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping

from common import addresses, imap_addresses

# Anybody can have a mailbox there, and so write mails with its signature.
FOR_EVERYBODY = frozenset(
    "aol.com fastmail.com gmail.com gmx.com gmx.de gmx.net googlemail.com hotmail.com icloud.com "
    "live.com mail.com me.com msn.com outlook.com pm.me proton.me protonmail.com web.de yahoo.com "
    "yandex.com zoho.com amazonses.com mailgun.org sendgrid.net".split()
)
LABEL = r"(?!-)[a-z0-9-]{1,63}(?<!-)"
DOMAIN = re.compile(rf"(?:{LABEL}\.)+[a-z](?:[a-z0-9-]*[a-z0-9])")
# The second part of such a name isn't anybody's own either: co.uk, com.au, gov.in.
SHARED_SECOND_PARTS = frozenset("ac co com edu gob gov govt mil ne net or org".split())
MOST_DAYS = 30


def refusals(settings: Mapping[str, str], *, is_live: bool) -> Iterator[str]:
    """Yield what keeps the portal from starting; `is_live`: real money is taken."""
    yield from _url(settings)
    yield from _domains(settings)
    yield from _recipients(settings)
    yield from _keys(settings, is_live=is_live)
    yield from _days(settings)


def remarks(settings: Mapping[str, str]) -> Iterator[tuple[str, str]]:
    """Yield settings to change before going live, with the end of a sentence about each."""
    if _value(settings, "BANK_MAIL_KEYS"):
        yield (
            "BANK_MAIL_KEYS",
            "is set, so DNS isn't asked: the bank's mails count no longer once it changes its key.",
        )


def _value(settings: Mapping[str, str], name: str) -> str:
    return settings.get(name, "").strip()


def _listed(settings: Mapping[str, str], name: str) -> list[str]:
    return [one.strip() for one in settings.get(name, "").split(",") if one.strip()]


def _url(settings: Mapping[str, str]) -> Iterator[str]:
    url = _value(settings, "BANK_MAIL_URL")
    if not url:
        return
    try:
        imap_addresses.parse(url)
    except imap_addresses.ImapAddressError as error:
        yield f"BANK_MAIL_URL {error}"


def _domains(settings: Mapping[str, str]) -> Iterator[str]:
    """Yield domains whose signature would prove nothing."""
    ours = {
        addresses.canonical(one).rpartition("@")[2]
        for one in _listed(settings, "BANK_MAIL_RECIPIENTS")
    }
    for written in _listed(settings, "BANK_MAIL_DOMAINS"):
        domain = addresses.domain_in_ascii(written)
        if not DOMAIN.fullmatch(domain) or _is_shared(domain):
            yield f"BANK_MAIL_DOMAINS has {written!r}, which isn't a bank's domain (chase.com)."
        elif domain in FOR_EVERYBODY:
            yield f"BANK_MAIL_DOMAINS has {written}, where anybody can have an address."
        elif any(one == domain or one.endswith(f".{domain}") for one in ours):
            yield f"BANK_MAIL_DOMAINS has {written}, where BANK_MAIL_RECIPIENTS has an address."


def _is_shared(domain: str) -> bool:
    first, _, country = domain.partition(".")
    return first in SHARED_SECOND_PARTS and len(country) == 2


def _recipients(settings: Mapping[str, str]) -> Iterator[str]:
    for address in addresses.listed(settings.get("BANK_MAIL_RECIPIENTS", "")):
        if reason := addresses.fault(address):
            yield f"BANK_MAIL_RECIPIENTS has {address!r}, which {reason}"


def _keys(settings: Mapping[str, str], *, is_live: bool) -> Iterator[str]:
    written = _value(settings, "BANK_MAIL_KEYS")
    if not written:
        return
    if is_live:
        yield (
            "BANK_MAIL_KEYS must not be set where STRIPE_SECRET_KEY is a live key: whoever made "
            "those keys could announce money."
        )
    try:
        records = json.loads(written)
    except ValueError:
        records = None
    if not isinstance(records, dict) or not all(isinstance(one, str) for one in records.values()):
        yield (
            "BANK_MAIL_KEYS must be a JSON object of names in DNS and their TXT records: "
            '{"selector._domainkey.chase.com": "v=DKIM1; p=…"}.'
        )


def _days(settings: Mapping[str, str]) -> Iterator[str]:
    days = _value(settings, "BANK_MAIL_DAYS")
    if days and not (days.isascii() and days.isdigit() and 1 <= int(days) <= MOST_DAYS):
        yield f"BANK_MAIL_DAYS must be a whole number from 1 to {MOST_DAYS}."
