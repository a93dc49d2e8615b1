"""Put a message into the outbox, in the transaction of its cause."""

from __future__ import annotations

import logging
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from datetime import datetime, timedelta

from django.conf import settings
from django.contrib.auth.models import User
from django.db import connection, transaction
from django.db.transaction import TransactionManagementError
from django.utils import timezone, translation
from django.utils.translation import get_language

from common.context import current_brand
from emails.catalog import Kind
from emails.contexts import MessageContext
from emails.drafts import DEDUPE_KEY_LENGTH, Draft, key_of, person, recipients, write
from emails.models import Channel, Message
from members import languages

logger = logging.getLogger(__name__)

_nothing_before: ContextVar[datetime | None] = ContextVar("nothing_before", default=None)


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
    return [message for message in map(write, drafts) if message]


def put_staff(
    say: Callable[[], MessageContext],
    *,
    cause: str,
    happened_at: datetime,
    or_to_support: bool = False,
) -> list[Message]:
    """Write the mails that tell staff something; call it in the cause's transaction.

    Each address in STAFF_EMAIL gets one; without an address, only the staff site shows it, unless
    it goes to the address that members write to (`or_to_support`).
    `say` returns the context in the active language: a colleague's own, or the business's for an
    address without an account. `cause` and `happened_at` are as for `put`: the same cause makes
    one mail per address.

    Raises:
        TransactionManagementError: there is no transaction to be part of.
    """
    own = languages.own()
    said = {own: _said(say, own)}
    kind = said[own].kind
    if not is_news(kind, cause, happened_at, None):
        return []
    to: list[str] = settings.STAFF_EMAIL
    if or_to_support and not to:
        to = [current_brand().support_email]
    reads = languages.of_staff(to)
    for language in set(reads.values()) - set(said):
        said[language] = _said(say, language)
    drafts = [
        Draft(
            kind=kind,
            channel=Channel.EMAIL,
            recipient=address,
            context=said[reads[address]].as_json() | {"language": reads[address]},
            dedupe_key=f"{kind}:{cause}:{Channel.EMAIL}:{person(address)}"[:DEDUPE_KEY_LENGTH],
            cause=cause,
            user=None,
        )
        for address in to
    ]
    return [message for message in map(write, drafts) if message]


def _said(say: Callable[[], MessageContext], language: str) -> MessageContext:
    with translation.override(language):
        return say()


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
    return write(draft)


def put_account(
    channel: Channel,
    recipient: str,
    context: MessageContext,
    user: User | None,
    good_for: timedelta | None = None,
) -> None:
    """Write a message about signing in: each request makes one.

    It isn't sent after `good_for` has passed. Someone without an account reads it in the language
    of the page that they're on.
    """
    facts = context.as_json()
    draft = Draft(
        kind=context.kind,
        channel=channel,
        recipient=recipient,
        context=facts if user else facts | {"language": get_language() or ""},
        dedupe_key=f"{context.kind}:{uuid.uuid4()}:{channel}",
        user=user,
        expires_at=timezone.now() + good_for if good_for else None,
    )
    with transaction.atomic():
        write(draft)


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
        write(draft)
