"""Where a mail comes back to if it can't be delivered (VERP): an address of its own, signed.

`bounces+4711.0123456789abcdef0123@example.com` is message 4711's. So a report that arrives there is
about that mail, whatever it quotes, and nobody can make one up without having had the mail.
Everything is in lower case, because some mail servers change that.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

from django.conf import settings
from django.utils.crypto import constant_time_compare, salted_hmac

SALT = "emails.return_path"
DIGITS = 20


def address(message_pk: int) -> str:
    """Return the address that a mail comes back to, or "" if there's no mailbox for that."""
    return tagged(f"{message_pk}.{proof(SALT, str(message_pk))}")


def tagged(tag: str) -> str:
    """Return the address of the mailbox with a tag, or "" if there's none."""
    local, _, domain = settings.BOUNCE_ADDRESS.rpartition("@")
    return f"{local}+{tag}@{domain}" if local else ""


def proof(salt: str, value: str, secret: str | None = None) -> str:
    """Return a value's signature."""
    return salted_hmac(salt, value, secret=secret, algorithm="sha256").hexdigest()[:DIGITS]


def is_proved(salt: str, value: str, claimed: str) -> bool:
    """Whether a signature is ours, by the key in force or an earlier one."""
    secrets = (settings.SECRET_KEY, *settings.SECRET_KEY_FALLBACKS)
    return any(constant_time_compare(proof(salt, value, one), claimed) for one in secrets)


def tags(texts: Iterable[str]) -> list[str]:
    """Return the tags of our mailbox in some texts, such as headers, each once."""
    local, _, domain = settings.BOUNCE_ADDRESS.lower().rpartition("@")
    if not local:
        return []
    pattern = re.compile(
        rf"(?<![\w.+-]){re.escape(local)}\+([\w.-]+)@{re.escape(domain)}(?![\w.-])"
    )
    found = [tag for text in texts for tag in pattern.findall(text.lower())]
    return list(dict.fromkeys(found))


def message_of(tag: str) -> int | None:
    """Return the number of the message whose return path has this tag, or None if it isn't ours."""
    number, _, claimed = tag.partition(".")
    if not re.fullmatch(r"[1-9][0-9]{0,17}", number):
        return None
    return int(number) if is_proved(SALT, number, claimed) else None
