"""A mailbox's address: `imaps://user:password@host/Folder%2FSub`, as settings have it (pure)."""

from __future__ import annotations

from dataclasses import dataclass, field
from urllib.parse import SplitResult, unquote, urlsplit

from common.addresses import domain_in_ascii

PORTS = {"imaps": 993, "imap": 143}
HERE = frozenset({"127.0.0.1", "localhost", "::1"})
INBOX = "INBOX"
FORM = "imaps://user:password@host/Folder"
# What the row that remembers a mailbox has room for.
LONGEST = 300


class ImapAddressError(ValueError):
    """An address is wrong. The message is the end of a sentence, and never has the password."""


@dataclass(frozen=True)
class ImapAddress:
    """Where a mailbox is, and who signs in there."""

    host: str
    port: int
    user: str
    password: str = field(repr=False)
    folder: str
    is_encrypted: bool

    @property
    def name(self) -> str:
        """What tells it from other mailboxes; without the password, which may change."""
        port = "" if self.port in PORTS.values() else f":{self.port}"
        return f"{self.user}@{self.host}{port}/{self.folder}"


def parse(url: str) -> ImapAddress:
    """Return a mailbox's address. No folder: the inbox.

    Raises:
        ImapAddressError: what's wrong with it.
    """
    parts, port = _split(url)
    user, password = _decoded(parts.username or ""), _decoded(parts.password or "")
    if not user or not password:
        raise ImapAddressError(f"lacks the user or the password: {FORM}.")
    if parts.scheme == "imap" and parts.hostname not in HERE:
        raise ImapAddressError("must begin with imaps://: the password would cross the network.")
    address = ImapAddress(
        host=domain_in_ascii(parts.hostname or ""),
        port=port,
        user=user,
        password=password,
        folder=_decoded(parts.path.removeprefix("/").removesuffix("/")) or INBOX,
        is_encrypted=parts.scheme == "imaps",
    )
    if len(address.name) > LONGEST:
        raise ImapAddressError(f"is too long: user, host, and folder have {LONGEST} characters.")
    return address


def _split(url: str) -> tuple[SplitResult, int]:
    """Return an address's parts and its port.

    Python's own errors would quote the text around a fault, and that may be the password.
    """
    try:
        parts = urlsplit(url.strip())
        port = parts.port or PORTS.get(parts.scheme, 0)
    except ValueError:
        raise ImapAddressError(
            "can't be read. In user and password, write / ? # @ [ ] : % as %2F and the like."
        ) from None
    if parts.scheme not in PORTS:
        raise ImapAddressError(f"must be like {FORM}.")
    if parts.query or parts.fragment:
        raise ImapAddressError("has a ? or #: in passwords and folders, write them %3F and %23.")
    if not parts.hostname:
        raise ImapAddressError(f"lacks the host: {FORM}.")
    return parts, port


def _decoded(text: str) -> str:
    """Return a percent-encoded text. IMAP's commands are lines, so it has to be one."""
    try:
        decoded = unquote(text, errors="strict")
    except UnicodeDecodeError:
        raise ImapAddressError("has a % that isn't UTF-8: write a percent sign as %25.") from None
    if not decoded.isprintable():
        raise ImapAddressError("has a control character, such as %00 or %0A.")
    return decoded
