"""Email addresses: one spelling per mailbox, and how headers write them (pure).

A non-ASCII domain has two spellings, as people write it and as DNS has it (IDNA 2008, by UTS 46).
Both are one mailbox; we keep the second, since every channel carries it. Non-ASCII letters before
the @ (RFC 6531) have only one spelling, and not every mail server accepts them.
"""

from __future__ import annotations

import re
import unicodedata
from contextlib import suppress
from email.headerregistry import Address
from email.utils import getaddresses

import idna
from django.core.exceptions import ValidationError
from django.core.validators import validate_email

# Non-ASCII characters allowed before the @: letters, their combining marks, and digits.
LETTERS = frozenset({"L", "M", "N"})
NAMED = re.compile(r"(?P<name>.*?)\s*<\s*(?P<address>[^<>]*?)\s*>", re.DOTALL)
QUOTED = re.compile(r'"(?P<name>(?:[^"\\]|\\.)*)"', re.DOTALL)
EXAMPLE = "help@yourbusiness.com"
LONGEST = 254


def canonical(address: str) -> str:
    """Return the one spelling of a mailbox: lower case, with its domain as DNS has it.

    Text that isn't an address comes back in lower case, so it can still be compared.
    """
    local, at, domain = address.strip().rpartition("@")
    local = unicodedata.normalize("NFC", unicodedata.normalize("NFC", local).lower())
    return f"{local}{at}{domain_in_ascii(domain)}"


def without_tag(address: str) -> str:
    """Return an address without what follows a plus: `a+1@x.com` is nearly always `a@x.com`."""
    local, at, domain = address.rpartition("@")
    return f"{local.partition('+')[0] or local}{at}{domain}"


def deliverable(address: str) -> str:
    """Return an address with its domain as DNS has it, and the local part unchanged."""
    local, at, domain = address.strip().rpartition("@")
    return f"{local}{at}{domain_in_ascii(domain)}"


def readable(address: str) -> str:
    """Return an address with its domain as people write it."""
    local, at, domain = address.rpartition("@")
    if "xn--" not in domain:
        return address
    try:
        return f"{local}{at}{idna.decode(domain)}"
    except idna.IDNAError:
        return address


def needs_smtputf8(address: str) -> bool:
    """Whether only mail servers that support RFC 6531 can deliver to it."""
    return not address.rpartition("@")[0].isascii()


def check(address: str) -> None:
    """Raise ValidationError unless this is an address in the form that `canonical` returns."""
    local, _at, domain = address.rpartition("@")
    if not domain.isascii():
        # IDNA can't encode it, for example letters of two directions in one label.
        raise ValidationError(validate_email.message, code="invalid")
    beyond = [one for one in local if not one.isascii()]
    if not all(unicodedata.category(one)[0] in LETTERS for one in beyond):
        raise ValidationError(validate_email.message, code="invalid")
    # Django's own check accepts only ASCII before the @, so use a stand-in there.
    stand_in = "".join(one if one.isascii() else "x" for one in local)
    validate_email(f"{stand_in}@{domain}")
    if len(address) > LONGEST:
        raise ValidationError(f"Enter an address of at most {LONGEST} characters.", code="invalid")


def named(name: str, address: str) -> str:
    """Return a mailbox as headers write it, with commas and quotes in names quoted (RFC 5322)."""
    return str(Address(display_name=name, addr_spec=deliverable(address)))


def split(text: str) -> tuple[str, str]:
    """Return the name and address in `Name <address>`, even if the name isn't quoted properly."""
    match = NAMED.fullmatch(text.strip())
    if match is None:
        return "", text.strip()
    name = match["name"]
    if quoted := QUOTED.fullmatch(name):
        name = re.sub(r"\\(.)", r"\1", quoted["name"])
    return name, match["address"]


def header(text: str) -> str:
    """Return `Name <address>` as headers write it, whatever is in the name.

    Raises:
        ValueError: the address is invalid.
    """
    name, address = split(text)
    return named(name, address) if name else deliverable(address)


def listed(text: str) -> list[str]:
    """Return the addresses in a comma-separated list; anything else comes back unchanged."""
    pairs = getaddresses([text])
    if any(not address for _name, address in pairs):
        return [one.strip() for one in text.split(",") if one.strip()]
    return [deliverable(address) for _name, address in pairs]


def fault(text: str, *, may_have_name: bool = False) -> str:
    """Return what's wrong with an address in a setting, as the end of a sentence, or ""."""
    name, address = split(text)
    if name and not may_have_name:
        return f"must be an address alone, such as {EXAMPLE}."
    try:
        check(canonical(address))
    except ValidationError:
        example = f'{EXAMPLE} or "Your Business" <{EXAMPLE}>' if may_have_name else EXAMPLE
        return f"is not an email address, such as {example}."
    if needs_smtputf8(address):
        return "has letters before the @ that many mail servers don't take: use a to z."
    return ""


def domain_in_ascii(domain: str) -> str:
    """Return a domain as DNS has it, in lower case; a leading dot means all its subdomains."""
    if domain.isascii():
        return domain.lower()
    if domain.startswith("."):
        return f".{domain_in_ascii(domain[1:])}"
    with suppress(idna.IDNAError):
        return idna.encode(domain, uts46=True).decode()
    # Symbols that only IDNA 2003 allows, and some registries still sell.
    with suppress(UnicodeError):
        return domain.encode("idna").decode().lower()
    # DNS can't have it: `check` refuses it on input.
    return unicodedata.normalize("NFC", domain).lower()
