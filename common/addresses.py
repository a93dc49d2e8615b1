"""E-mail addresses: one spelling for a mailbox, and how a header names one (pure).

A domain beyond ASCII has two spellings, as people write it and as DNS has it (IDNA 2008, by UTS
46); both are one mailbox, and the second is what every channel carries, so it is kept. Letters
beyond ASCII before the @ (RFC 6531) have one spelling only, and not every mail server takes them.
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

# What may stand before the @ beyond ASCII: letters, the marks upon them, and digits.
LETTERS = frozenset({"L", "M", "N"})
NAMED = re.compile(r"(?P<name>.*?)\s*<\s*(?P<address>[^<>]*?)\s*>", re.DOTALL)
QUOTED = re.compile(r'"(?P<name>(?:[^"\\]|\\.)*)"', re.DOTALL)
EXAMPLE = "help@yourbusiness.com"
LONGEST = 254


def canonical(address: str) -> str:
    """Return the one spelling of a mailbox: lower case, and its domain as DNS has it.

    What is no address comes back in lower case, so that it can be compared all the same.
    """
    local, at, domain = address.strip().rpartition("@")
    local = unicodedata.normalize("NFC", unicodedata.normalize("NFC", local).lower())
    return f"{local}{at}{domain_in_ascii(domain)}"


def without_tag(address: str) -> str:
    """Return an address without what follows a plus: `a+1@x.com` is, nearly always, `a@x.com`."""
    local, at, domain = address.rpartition("@")
    return f"{local.partition('+')[0] or local}{at}{domain}"


def deliverable(address: str) -> str:
    """Return an address with its domain as DNS has it, and what is before the @ as it is."""
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
    """Whether only mail servers that know RFC 6531 can deliver to it."""
    return not address.rpartition("@")[0].isascii()


def check(address: str) -> None:
    """Raise ValidationError unless this is an address as `canonical` returns one."""
    local, _at, domain = address.rpartition("@")
    if not domain.isascii():
        # No IDNA has it: letters of two directions in one label, say.
        raise ValidationError(validate_email.message, code="invalid")
    beyond = [one for one in local if not one.isascii()]
    if not all(unicodedata.category(one)[0] in LETTERS for one in beyond):
        raise ValidationError(validate_email.message, code="invalid")
    # Django's own check knows ASCII only before the @: there any letter is as good as another.
    stand_in = "".join(one if one.isascii() else "x" for one in local)
    validate_email(f"{stand_in}@{domain}")
    if len(address) > LONGEST:
        raise ValidationError(f"Enter an address of at most {LONGEST} characters.", code="invalid")


def named(name: str, address: str) -> str:
    """Return how a header names a mailbox: a comma or a quote in the name is quoted (RFC 5322)."""
    return str(Address(display_name=name, addr_spec=deliverable(address)))


def split(text: str) -> tuple[str, str]:
    """Return name and address of `Name <address>`, whose name need not be quoted as it should."""
    found = NAMED.fullmatch(text.strip())
    if found is None:
        return "", text.strip()
    name = found["name"]
    if quoted := QUOTED.fullmatch(name):
        name = re.sub(r"\\(.)", r"\1", quoted["name"])
    return name, found["address"]


def header(text: str) -> str:
    """Return `Name <address>` as a header has it, whatever is in the name.

    Raises:
        ValueError: the address is none.
    """
    name, address = split(text)
    return named(name, address) if name else deliverable(address)


def listed(text: str) -> list[str]:
    """Return the addresses of a list with commas; what is none of them comes back as it is."""
    pairs = getaddresses([text])
    if any(not address for _name, address in pairs):
        return [one.strip() for one in text.split(",") if one.strip()]
    return [deliverable(address) for _name, address in pairs]


def fault(text: str, *, may_have_name: bool = False) -> str:
    """Return what is wrong with an address in a setting, as the end of a sentence, or ""."""
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
    """Return a domain as DNS has it, in lower case; a dot in front stands for all that is in it."""
    if domain.isascii():
        return domain.lower()
    if domain.startswith("."):
        return f".{domain_in_ascii(domain[1:])}"
    with suppress(idna.IDNAError):
        return idna.encode(domain, uts46=True).decode()
    # Symbols that only the older IDNA of 2003 allows, and some registries still sell.
    with suppress(UnicodeError):
        return domain.encode("idna").decode().lower()
    # No DNS can have it: `check` refuses it where people enter it.
    return unicodedata.normalize("NFC", domain).lower()
