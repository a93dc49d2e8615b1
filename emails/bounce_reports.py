"""What a mail server's report says: which mail, and what became of it (pure).

Reports about delivery are multipart/report with message/delivery-status (DSN, RFC 3464), and those
about complaints have message/feedback-report (ARF, RFC 5965). Anything else, such as a vacation
reply, says nothing.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from email import message_from_bytes, message_from_string, policy
from email.message import Message
from enum import StrEnum

from emails import smtp_replies

WORDS = 500
# Where servers write to which address a mail came.
ENVELOPE = ("Delivered-To", "X-Original-To", "Envelope-To", "To")
MESSAGE_ID = re.compile(r"<[^<>\s]+>")
ENHANCED = re.compile(r"\b[245]\.\d{1,3}\.\d{1,3}\b")


class Outcome(StrEnum):
    """What became of a mail. `refused`: it won't arrive, but the address may well work."""

    DELIVERED = "delivered"
    DELAYED = "delayed"
    REFUSED = "refused"
    BOUNCED = "bounced"
    COMPLAINED = "complained"


@dataclass(frozen=True)
class Report:
    """An outcome in the server's words, and by what the mail can be found."""

    outcome: Outcome
    words: str
    message_ids: tuple[str, ...]


@dataclass(frozen=True)
class Incoming:
    """A mail that came to our mailbox: to which of its addresses, and its report, if it is one."""

    to: tuple[str, ...]
    report: Report | None


def read(content: bytes) -> Incoming:
    """Return what a mail says. It comes from outside, so any part may be missing or nonsense."""
    mail = message_from_bytes(content, policy=policy.compat32)
    to = tuple(str(one) for name in ENVELOPE for one in mail.get_all(name, []))
    return Incoming(to, _report(mail))


def _report(mail: Message) -> Report | None:
    if mail.get_content_type() != "multipart/report" or not mail.is_multipart():
        return None
    parts = {part.get_content_type(): part for part in reversed(list(mail.walk()))}
    ids = _message_ids(mail)
    if (complaint := parts.get("message/feedback-report")) is not None:
        fields = _blocks(complaint)
        kind = next((one["Feedback-Type"] for one in fields if one["Feedback-Type"]), "abuse")
        # "not-spam" and the like are no complaints.
        if kind.strip().lower() not in {"abuse", "fraud", "virus", "other"}:
            return None
        return Report(Outcome.COMPLAINED, "The reader marked it as spam.", ids)
    status = parts.get("message/delivery-status")
    found = [one for block in _blocks(status) if (one := _outcome(block))] if status else []
    if not found:
        return None
    # Ours go to one recipient each; the gravest counts where a server lists several.
    outcome, words = max(found, key=lambda one: list(Outcome).index(one[0]))
    return Report(outcome, words, ids)


def _blocks(part: Message) -> list[Message]:
    """Return the groups of fields in a part of a report."""
    payload = part.get_payload()
    if isinstance(payload, list):
        return [one for one in payload if isinstance(one, Message)] + [
            message_from_string(str(one.get_payload()))
            for one in payload
            if isinstance(one, Message) and not one.keys() and isinstance(one.get_payload(), str)
        ]
    return [message_from_string(str(payload))]


def _outcome(block: Message) -> tuple[Outcome, str] | None:
    """Return what became of the mail for one recipient; None for the fields about the report."""
    action = str(block.get("Action", "")).strip().lower()
    status, said = _line(block.get("Status", "")), _line(block.get("Diagnostic-Code", ""))
    words = f"{status} {said.partition(';')[2].strip() or said}".strip()[:WORDS]
    match action:
        case "failed":
            return (Outcome.BOUNCED if is_dead(status, said) else Outcome.REFUSED), words
        case "delayed":
            return Outcome.DELAYED, words
        case "delivered":
            return Outcome.DELIVERED, words
    return None


def is_dead(status: str, said: str) -> bool:
    """Whether the address itself is refused for good, by the status or the server's own reply."""
    own = ENHANCED.search(said)
    # "5.0.0" and "5.3.0" stand for "see what it said".
    is_vague = not status or status.startswith(("5.0.", "5.3.0"))
    text = own[0] if own and is_vague else status
    if text.startswith(("2.", "4.")):
        return False
    basic = re.search(r"\b(5\d\d)\b", said)
    code = int(basic[1]) if basic else 550
    if not ENHANCED.search(text) or text.startswith("5.0."):
        text = ""
        if not basic:
            return False
    return smtp_replies.is_dead_address(code, text, named_recipient=True)


def _message_ids(mail: Message) -> tuple[str, ...]:
    """Return the Message-IDs of the mails that a report returns, whole or as headers."""
    found: list[str] = []
    for part in mail.walk():
        if part is mail:
            continue
        kind = part.get_content_type()
        if kind == "text/rfc822-headers":
            payload = part.get_payload(decode=True)
            text = payload.decode("utf-8", "replace") if isinstance(payload, bytes) else ""
            found += MESSAGE_ID.findall(str(message_from_string(text).get("Message-ID", "")))
        elif kind == "message/rfc822":
            inner = part.get_payload()
            if isinstance(inner, list) and inner and isinstance(inner[0], Message):
                found += MESSAGE_ID.findall(str(inner[0].get("Message-ID", "")))
    return tuple(dict.fromkeys(found))


def _line(value: object) -> str:
    return " ".join(str(value).split())
