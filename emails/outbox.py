"""Put a message into the outbox, in the transaction of its cause.

The row and its job are written together: either both exist, or neither. A cause that's seen again
finds its row and writes nothing.
"""

from __future__ import annotations

import logging
import uuid
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.conf import settings
from django.contrib.auth.models import User
from django.db import connection, transaction
from django.db.transaction import TransactionManagementError
from django.utils import timezone
from django.utils.crypto import salted_hmac
from psycopg.types.json import Jsonb

from common import addresses
from common.context import current_brand
from emails import causes, preferences, rendering, short_links
from emails.catalog import Kind, spec_of
from emails.contexts import MessageContext
from emails.delivery import job_key
from emails.models import Channel, Message, MessageState
from emails.other_channel import of_the_same
from emails.tasks import deliver
from members import phones

logger = logging.getLogger(__name__)

# People are waiting for codes, so they overtake receipts.
URGENT, NORMAL = 10, 0
ON_ITS_WAY = (MessageState.QUEUED, MessageState.SENDING)
# How the keys of samples begin, and how many a colleague may send themselves.
SAMPLE, SAMPLES_AN_HOUR = "sample", 20
DEDUPE_KEY_LENGTH = CAUSE_LENGTH = 255
INSERT = """
    INSERT INTO emails_message
        (kind, channel, recipient, subject, context, dedupe_key,
         user_id, expires_at, resend_of_id, resent_by_id, cause, empty_when_done,
         link_key, country)
    VALUES (%s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s)
    ON CONFLICT (dedupe_key) DO NOTHING
    RETURNING id
"""


_nothing_before: ContextVar[datetime | None] = ContextVar("nothing_before", default=None)


class ResendRefused(Exception):
    """The message can't be sent again; the text is for staff."""


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
    not_before: datetime | None = None


@contextmanager
def nothing_before(moment: datetime) -> Iterator[None]:
    """Inside this, nobody is told about the time before a moment: an import reads the past."""
    token = _nothing_before.set(moment)
    try:
        yield
    finally:
        _nothing_before.reset(token)


def put(
    user: User,
    context: MessageContext,
    *,
    cause: str,
    happened_at: datetime,
    good_until: datetime | None = None,
    only: Channel | None = None,
    not_before: datetime | None = None,
) -> list[Message]:
    """Write the messages that tell a member something; call it in the cause's transaction.

    There's one message per channel that the kind has and the member accepts, or `only` one's.
    `context` says which kind it is, and its facts. `cause` is a stable ID: the same cause makes a
    message once. Nothing is sent about what happened more than MESSAGE_MAX_AGE_HOURS ago, or after
    `good_until`, when it's no longer news; nor before `not_before`.

    Raises:
        TransactionManagementError: there is no transaction to be part of.
    """
    kind = context.kind
    if not is_news(kind, cause, happened_at, good_until):
        return []
    facts = context.as_json()
    drafts = [
        Draft(
            kind=kind,
            channel=channel,
            recipient=recipient,
            context=facts,
            dedupe_key=f"{key_of(kind, cause)}:{channel}",
            cause=cause,
            user=user,
            expires_at=good_until,
            not_before=not_before,
        )
        for channel, recipient in recipients(kind, user)
        if only in (None, channel)
    ]
    return [message for message in map(_write, drafts) if message]


def put_staff(
    context: MessageContext, *, cause: str, happened_at: datetime, or_to_support: bool = False
) -> list[Message]:
    """Write the mails that tell staff something; call it in the cause's transaction.

    Each address in STAFF_EMAIL gets one; without an address, only the staff site shows it, unless
    it goes to the address that members write to (`or_to_support`).
    `context`, `cause`, and `happened_at` are as for `put`: the same cause makes one mail per
    address.

    Raises:
        TransactionManagementError: there is no transaction to be part of.
    """
    kind = context.kind
    if not is_news(kind, cause, happened_at, None):
        return []
    facts = context.as_json()
    to: list[str] = settings.STAFF_EMAIL
    if or_to_support and not to:
        to = [current_brand().support_email]
    drafts = [
        Draft(
            kind=kind,
            channel=Channel.EMAIL,
            recipient=address,
            context=facts,
            dedupe_key=f"{kind}:{cause}:{Channel.EMAIL}:{person(address)}"[:DEDUPE_KEY_LENGTH],
            cause=cause,
            user=None,
        )
        for address in to
    ]
    return [message for message in map(_write, drafts) if message]


def person(recipient: str) -> str:
    """Return a stand-in for an address or number in keys, which are kept longer."""
    return salted_hmac(
        "emails.recipient", addresses.canonical(recipient), algorithm="sha256"
    ).hexdigest()[:32]


def key_of(kind: Kind, cause: str) -> str:
    """Return the beginning of the dedupe keys of a cause's messages, for any channel."""
    return f"{kind}:{cause}"


def is_news(kind: Kind, cause: str, happened_at: datetime, good_until: datetime | None) -> bool:
    """Whether an event is worth a message: neither too old nor out of date.

    Raises:
        TransactionManagementError: there is no transaction to be part of.
    """
    if not connection.in_atomic_block:
        raise TransactionManagementError("A message is written with its cause, in one transaction.")
    oldest = timezone.now() - timedelta(hours=settings.MESSAGE_MAX_AGE_HOURS)
    if happened_at < max(oldest, _nothing_before.get() or oldest):
        logger.info("No %s for %s: it happened at %s.", kind, cause, happened_at)
        return False
    if good_until and good_until <= timezone.now():
        logger.info("No %s for %s: it was good until %s.", kind, cause, good_until)
        return False
    return True


def put_invitation(address: str, context: MessageContext) -> Message | None:
    """Write an invitation to someone who isn't a member yet; each address gets it once."""
    draft = Draft(
        kind=context.kind,
        channel=Channel.EMAIL,
        recipient=address,
        context=context.as_json(),
        dedupe_key=f"{context.kind}:{person(address)}:{Channel.EMAIL}",
        user=None,
    )
    return _write(draft)


@transaction.atomic
def put_other(lost: Message) -> Message | None:
    """Write by the other channel what didn't arrive by one; nothing if it was written already.

    Only what's still true and needs nothing secret is said so, and only to members who accept it.
    """
    user = lost.user
    if user is None or lost.emptied_at or lost.resend_of_id or lost.kind not in set(Kind):
        return None
    kind = Kind(lost.kind)
    is_stale = lost.expires_at is not None and lost.expires_at <= timezone.now()
    if spec_of(kind).sensitive or not lost.cause or is_stale or causes.why_not_needed(lost):
        return None
    others = [one for one in recipients(kind, user) if one[0] != lost.channel]
    for channel, recipient in others:
        if of_the_same(lost, channel).exists():
            continue
        draft = Draft(
            kind=kind,
            channel=channel,
            recipient=recipient,
            context=lost.context,
            dedupe_key=f"{key_of(kind, lost.cause)}:{channel}",
            cause=lost.cause,
            user=user,
            expires_at=lost.expires_at,
        )
        if written := _write(draft):
            logger.info("Message %s says what %s couldn't.", written.pk, lost.pk)
            return written
    return None


def put_account(
    channel: Channel,
    recipient: str,
    context: MessageContext,
    user: User | None,
    good_for: timedelta | None = None,
) -> None:
    """Write a message about signing in: each request makes one.

    It isn't sent after `good_for` has passed.
    """
    draft = Draft(
        kind=context.kind,
        channel=channel,
        recipient=recipient,
        context=context.as_json(),
        dedupe_key=f"{context.kind}:{uuid.uuid4()}:{channel}",
        user=user,
        expires_at=timezone.now() + good_for if good_for else None,
    )
    with transaction.atomic():
        _write(draft)


def put_goodbye(user: User, context: MessageContext) -> None:
    """Write the last mail to someone who leaves; nothing of it is kept once it's sent.

    Call it in the transaction that closes the account, while the user still has an address.
    """
    draft = Draft(
        kind=context.kind,
        channel=Channel.EMAIL,
        recipient=user.email,
        context=context.as_json(),
        dedupe_key=f"{context.kind}:{user.pk}:{Channel.EMAIL}",
        user=user,
        empty_when_done=True,
    )
    if user.email:
        _write(draft)


@transaction.atomic
def put_sample(user: User, context: MessageContext) -> Message | None:
    """Write a mail with made-up facts to the colleague who asks for it; None if it's too many.

    It's no member's: nothing in it is checked against them, and they can't turn it off.
    """
    # Simultaneous clicks wait for each other here.
    User.objects.select_for_update().get(pk=user.pk)
    key = f"{SAMPLE}:{user.pk}:"
    since = timezone.now() - timedelta(hours=1)
    lately = Message.objects.filter(dedupe_key__startswith=key, created_at__gte=since)
    if lately.count() >= SAMPLES_AN_HOUR:
        return None
    kind, facts = context.kind, context.as_json()
    subject = rendering.render_subject(Message(kind=kind, context=facts))
    return _write(
        Draft(
            kind=kind,
            channel=Channel.EMAIL,
            recipient=user.email,
            context=facts,
            dedupe_key=f"{key}{uuid.uuid4()}",
            user=None,
            subject=f"[Sample] {subject}"[: rendering.SUBJECT_LENGTH],
        )
    )


@transaction.atomic
def resend(message: Message, actor: User) -> Message:
    """Resend a message to the member's current address or number; return the new row.

    Raises:
        ResendRefused: `why_not_resend` says why.
    """
    # Two simultaneous clicks wait for each other here, and get consecutive numbers.
    first = Message.objects.select_for_update().get(pk=message.resend_of_id or message.pk)
    message.refresh_from_db()
    if refusal := why_not_resend(message):
        raise ResendRefused(refusal)
    draft = Draft(
        kind=Kind(message.kind),
        channel=Channel(message.channel),
        recipient=_current_recipient(message),
        context=message.context,
        dedupe_key=f"{first.dedupe_key}:resend:{first.resends.count() + 1}",
        cause=message.cause,
        user=message.user,
        resend_of=first,
        resent_by=actor,
    )
    copy = _write(draft)
    if copy is None:
        raise ResendRefused("This message was sent again a moment ago.")
    logger.info("User %s sends message %s again, as %s.", actor.pk, message.pk, copy.pk)
    return copy


def why_not_resend(message: Message) -> str:
    """Return a sentence that says why a message can't be resent, or "" if it can."""
    if message.emptied_at or spec_of(message.kind).sensitive:
        return _why_empty(message)
    if message.state in ON_ITS_WAY:
        return "This message is still on its way: it’s retried automatically."
    if reason := _why_pointless(message):
        return reason
    if not _current_recipient(message):
        if message.channel == Channel.SMS:
            return "The member does not accept text messages."
        return "The member has no email address."
    return ""


def _why_pointless(message: Message) -> str:
    if reason := causes.why_not_needed(message):
        return f"It isn’t true anymore. {reason}"
    return preferences.why_not_wanted(message)


def _why_empty(message: Message) -> str:
    if message.emptied_at:
        return "We no longer keep who this message was for, or what it said."
    return "This message held a code or a secret, which is gone. Ask the member to try again."


def _current_recipient(message: Message) -> str:
    """Return the member's current address or number, or "" if there's none we may use."""
    user = message.user
    if message.channel == Channel.EMAIL:
        return user.email if user else message.recipient
    return str(user.member.phone) if user and user.member.accepts_sms else ""


def recipients(kind: Kind, user: User) -> list[tuple[Channel, str]]:
    """Return where a member gets messages of a kind, by channel."""
    spec, member = spec_of(kind), user.member
    found = [(Channel.EMAIL, user.email)] if spec.email and user.email else []
    if spec.sms and member.accepts_sms:
        found.append((Channel.SMS, str(member.phone)))
    return found


def _write(draft: Draft) -> Message | None:
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


def _subject(draft: Draft) -> str:
    """Return the subject that staff may read in the list of messages."""
    if draft.channel == Channel.SMS or spec_of(draft.kind).sensitive:
        return ""
    return rendering.render_subject(
        Message(kind=draft.kind, context=draft.context, user=draft.user)
    )
