"""A message that's about to be written, and its row and job.

They're written together: either both exist, or neither. A cause that's seen again finds its row and
writes nothing.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.contrib.auth.models import User
from django.db import connection
from django.utils.crypto import salted_hmac
from psycopg.types.json import Jsonb

from common import addresses
from emails import rendering, short_links
from emails.catalog import Kind, spec_of
from emails.delivery import job_key
from emails.models import Channel, Message, WaitsFor
from emails.tasks import deliver
from members import phones

# People are waiting for codes, so they overtake receipts.
URGENT, NORMAL = 10, 0
DEDUPE_KEY_LENGTH = CAUSE_LENGTH = 255
INSERT = """
    INSERT INTO emails_message
        (kind, channel, recipient, subject, context, dedupe_key,
         user_id, expires_at, resend_of_id, resent_by_id, cause, empty_when_done,
         link_key, country, waits_until, waits_for)
    VALUES (%s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s)
    ON CONFLICT (dedupe_key) DO NOTHING
    RETURNING id
"""


@dataclass(frozen=True, kw_only=True)
class Draft:
    """A message that's about to be written."""

    kind: Kind
    channel: Channel
    recipient: str
    context: Mapping[str, Any]
    dedupe_key: str
    user: User | None
    expires_at: datetime | None = None
    resend_of: Message | None = None
    resent_by: User | None = None
    cause: str = ""
    subject: str = ""
    empty_when_done: bool = False
    # Only what may become another message, or none, by what follows waits from the start.
    not_before: datetime | None = None


def write(draft: Draft) -> Message | None:
    """Write one row and its job, or nothing if the row exists."""
    values: list[Any] = [
        draft.kind,
        draft.channel,
        draft.recipient,
        draft.subject or _subject(draft),
        Jsonb(dict(draft.context)),
        draft.dedupe_key,
        draft.user.pk if draft.user else None,
        draft.expires_at,
        draft.resend_of.pk if draft.resend_of else None,
        draft.resent_by.pk if draft.resent_by else None,
        draft.cause[:CAUSE_LENGTH],
        draft.empty_when_done,
        short_links.new_key() if draft.channel == Channel.SMS else None,
        phones.country(draft.recipient) if draft.channel == Channel.SMS else "",
        draft.not_before,
        WaitsFor.MORE if draft.not_before else "",
    ]
    with connection.cursor() as cursor:
        cursor.execute(INSERT, values)
        row = cursor.fetchone()
    if row is None:
        return None
    deliver.configure(
        queueing_lock=job_key(row[0]),
        lock=f"recipient:{person(draft.recipient)}",
        priority=URGENT if spec_of(draft.kind).sensitive else NORMAL,
        schedule_at=draft.not_before,
    ).defer(message_id=row[0])
    return Message.objects.get(pk=row[0])


def person(recipient: str) -> str:
    """Return a stand-in for an address or number in keys, which are kept longer."""
    return salted_hmac(
        "emails.recipient", addresses.canonical(recipient), algorithm="sha256"
    ).hexdigest()[:32]


def key_of(kind: Kind, cause: str) -> str:
    """Return the beginning of the dedupe keys of a cause's messages, for any channel."""
    return f"{kind}:{cause}"


def recipients(kind: Kind, user: User) -> list[tuple[Channel, str]]:
    """Return where a member gets messages of a kind, by channel."""
    spec, member = spec_of(kind), user.member
    found = [(Channel.EMAIL, user.email)] if spec.email and user.email else []
    if spec.sms and member.accepts_sms:
        found.append((Channel.SMS, str(member.phone)))
    return found


def _subject(draft: Draft) -> str:
    """Return the subject that staff may read in the list of messages."""
    if draft.channel == Channel.SMS or spec_of(draft.kind).sensitive:
        return ""
    return rendering.render_subject(
        Message(kind=draft.kind, context=draft.context, user=draft.user)
    )
