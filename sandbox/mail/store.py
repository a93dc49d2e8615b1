"""The world's mail: parsed from its raw form, every copy stored, listed newest first."""

import secrets
from collections import Counter
from collections.abc import Sequence
from email import message_from_bytes, policy
from email.message import EmailMessage
from typing import Any

from sandbox.world import World

OBJECT = "sandbox_mail"

Mail = dict[str, Any]
Mark = tuple[str, str]
PUBLIC = ("id", "message_id", "to", "from", "subject", "text", "html", "headers", "received_at")


def receive(world: World, raw: bytes, sender: str, recipients: Sequence[str]) -> Mail:
    """Store a message as it arrived, even if the same one arrived before."""
    mail = parse(raw, sender, recipients)
    with world.lock:
        mail["received_at"] = world.now()
        world.common.put(mail)
        world.save()
    return mail


def parse(raw: bytes, sender: str, recipients: Sequence[str]) -> Mail:
    """Return what a mail program would show of a message, and its source."""
    message = message_from_bytes(raw, policy=policy.default)
    return {
        "id": "mail_" + secrets.token_hex(12),
        "object": OBJECT,
        "message_id": str(message.get("Message-ID", "")).strip(),
        "to": ", ".join(recipients),
        "from": str(message.get("From", sender)),
        "subject": str(message.get("Subject", "")),
        "text": _part(message, "plain"),
        "html": _part(message, "html"),
        "headers": _headers(message),
        "attachments": [part.get_filename() or "unnamed" for part in message.iter_attachments()],
        "raw": raw.decode("utf-8", "replace"),
    }


def find(world: World, mail_id: str) -> Mail | None:
    with world.lock:
        mail = world.common.get(mail_id)
    return mail if mail and mail["object"] == OBJECT else None


def newest_first(world: World, to: str | None = None) -> list[Mail]:
    """All mail, or only mail to the address `to` (in any case)."""
    with world.lock:
        mails = world.common.list(OBJECT)
    return [mail for mail in mails if to is None or to.lower() in addresses(mail)]


def addresses(mail: Mail) -> list[str]:
    return [address.strip().lower() for address in str(mail["to"]).split(",")]


def mark(mail: Mail) -> Mark:
    """Return the key by which mail programs merge messages; without a Message-ID, none."""
    return str(mail["to"]).lower(), mail["message_id"] or mail["id"]


def copies(world: World, mail: Mail) -> list[Mail]:
    """Every message that mail programs merge with this one, itself included, oldest first."""
    return [other for other in reversed(newest_first(world)) if mark(other) == mark(mail)]


def counts(world: World) -> Counter[Mark]:
    """Return how many copies each message has."""
    return Counter(mark(mail) for mail in newest_first(world))


def public(mail: Mail, copies: int) -> dict[str, Any]:
    """The message as the control API shows it."""
    return {**{key: mail[key] for key in PUBLIC}, "copies": copies}


def clear(world: World) -> None:
    """Delete all mail."""
    with world.lock:
        for mail in world.common.list(OBJECT):
            world.common.remove(mail["id"])
        world.save()


def _part(message: EmailMessage, kind: str) -> str:
    part = message.get_body(preferencelist=(kind,))
    if not part:
        return ""
    text = str(part.get_content())
    return _unflowed(text) if part.get_param("format") == "flowed" else text


def _unflowed(text: str) -> str:
    """Join the lines that the sender broke for narrow windows (RFC 3676)."""
    plain = (line.removeprefix(" ") for line in text.splitlines())
    return "".join(line if line.endswith(" ") else f"{line}\n" for line in plain)


def _headers(message: EmailMessage) -> dict[str, str]:
    """Header values by name; a repeated header has one per line."""
    headers: dict[str, str] = {}
    for name, value in message.items():
        headers[name] = f"{headers[name]}\n{value}" if name in headers else str(value)
    return headers
