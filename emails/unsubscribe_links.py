"""The address that turns off one topic's emails for one member, without signing in (RFC 8058).

Mails are kept for years, so it doesn't expire. It's signed for the mailbox that the mail went to:
once the member has another address, the old mailbox has no say. It opens nothing else.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from urllib.parse import quote

from django.conf import settings
from django.contrib.auth.models import User
from django.core.signing import BadSignature, Signer

from common import addresses
from common.links import portal_url
from emails import preferences, return_paths, topics
from emails.catalog import Kind
from emails.models import Channel, Message
from emails.topics import Topic

SALT = "emails.unsubscribe"
SEPARATOR = "."
# Made once: each mail asks.
KINDS = frozenset(Kind)
TOKEN = re.compile(r"(?P<user>[1-9][0-9]{0,17})\.(?P<topic>[a-z_]{1,40})\.(?P<proof>[\w-]{20,100})")
TAG = re.compile(r"off\.(?P<user>[1-9][0-9]{0,17})\.(?P<topic>[a-z_]{1,40})\.(?P<proof>\w{20})")


@dataclass(frozen=True)
class Asked:
    """Whose emails about what a link turns off."""

    user: User
    topic: Topic


def address(message: Message) -> str:
    """Return the link for a mail that its reader can turn off, or ""."""
    topic = _topic(message)
    if topic is None or message.user_id is None:
        return ""
    return portal_url("members:unsubscribe", _token(message.user_id, topic, message.recipient))


def headers(message: Message) -> dict[str, str]:
    """Return the headers from which mail programs make their own button; none if it's needed."""
    link = address(message)
    if not link:
        return {}
    ways = [f"<{link}>"]
    if by_mail := _mail_address(message):
        ways.append(f"<mailto:{by_mail}?subject=unsubscribe>")
    elif settings.UNSUBSCRIBE_EMAIL:
        subject = quote(f"Unsubscribe {link.rstrip('/').rpartition('/')[2]}")
        ways.append(f"<mailto:{settings.UNSUBSCRIBE_EMAIL}?subject={subject}>")
    return {
        "List-Unsubscribe": ", ".join(ways),
        "List-Unsubscribe-Post": "List-Unsubscribe=One-Click",
    }


def read(token: str) -> Asked | None:
    """Return what a link asks for, or None if we didn't make it or it no longer counts."""
    match = TOKEN.fullmatch(token)
    if match is None or match["topic"] not in set(Topic):
        return None
    topic = Topic(match["topic"])
    user = User.objects.select_related("member").filter(pk=match["user"]).first()
    value = _value(int(match["user"]), topic, user.email if user else "")
    try:
        Signer(sep=SEPARATOR, salt=SALT).unsign(f"{value}{SEPARATOR}{match['proof']}")
    except BadSignature:
        return None
    is_ours = user is not None and user.email and topics.is_optional(topic)
    return Asked(user, topic) if user and is_ours else None


def asked_by_mail(tag: str) -> Asked | None:
    """Return what the tag of an address asks for that somebody wrote to, or None."""
    match = TAG.fullmatch(tag)
    if match is None or match["topic"] not in set(Topic):
        return None
    topic = Topic(match["topic"])
    user = User.objects.filter(pk=match["user"]).first()
    if user is None or not user.email or not topics.is_optional(topic):
        return None
    value = _value(user.pk, topic, user.email)
    return Asked(user, topic) if return_paths.is_proved(SALT, value, match["proof"]) else None


def _mail_address(message: Message) -> str:
    """Return the address that turns the same off by writing to it, if we read such mail."""
    topic = _topic(message)
    if topic is None or message.user_id is None or not settings.BOUNCE_MAIL_URL:
        return ""
    value = _value(message.user_id, topic, message.recipient)
    return return_paths.tagged(f"off.{message.user_id}.{topic}.{return_paths.proof(SALT, value)}")


def _topic(message: Message) -> Topic | None:
    if message.channel != Channel.EMAIL or message.kind not in KINDS:
        return None
    return preferences.optional_topic(Kind(message.kind), Channel.EMAIL)


def _token(user_id: int, topic: Topic, mailbox: str) -> str:
    value = _value(user_id, topic, mailbox)
    proof = Signer(sep=SEPARATOR, salt=SALT).signature(value)
    return SEPARATOR.join([str(user_id), topic, proof])


def _value(user_id: int, topic: Topic, mailbox: str) -> str:
    return f"{user_id}{SEPARATOR}{topic}{SEPARATOR}{addresses.canonical(mailbox)}"
