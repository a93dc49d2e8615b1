"""Takes in the bank's mails: checks who signed them, stores what they say, and lets it count."""

from __future__ import annotations

import hashlib
import logging
import re
from dataclasses import dataclass
from datetime import timedelta
from email.parser import BytesParser
from email.policy import compat32

from django.conf import settings
from django.db import transaction
from django.utils import timezone

from billing.bank import mails
from billing.bank.files.lines import Kind
from billing.bank.mails import trust, visible
from billing.bank.mails.notice import Notice
from billing.core.bank_statuses import Direction, MailState
from billing.models import BankMail
from billing.zelle import meeting, proposing
from billing.zelle.keys import keys
from billing.zelle.locks import bank_lock
from common import characters

logger = logging.getLogger(__name__)

# Subjects of mails about a transfer, of whatever bank: who forges one uses such words, too.
_ABOUT_A_TRANSFER = re.compile(r"zelle|sent you|you (received|sent)", re.IGNORECASE)


@dataclass(frozen=True)
class _Read:
    """A mail and all that's known about it before it's stored."""

    content: bytes
    digest: str
    verdict: trust.Verdict
    notice: Notice | None
    problem: str


def receive(content: bytes, source: str, *, keys_can_wait: bool = True) -> BankMail | None:
    """Store a mail about a transfer, and let it count if it's truly the bank's.

    None: it's about something else, so nothing is kept. The same bytes again change nothing.
    Without `keys_can_wait`, a mail whose keys can't be had now is stored as unverified.

    Raises:
        trust.KeysUnavailableError: DNS doesn't answer; hand the same mail in again later.
    """
    digest = hashlib.sha256(content).hexdigest()
    if known := BankMail.objects.filter(digest=digest).first():
        return known
    read = _read(content, digest, keys_can_wait=keys_can_wait)
    if read is None:
        return None
    mail = _store(read)
    logger.info("A mail came by %s: %s %s", source, mail.state, mail.problem)
    return mail


def _read(content: bytes, digest: str, *, keys_can_wait: bool) -> _Read | None:
    """Check and read a mail; None if it isn't about a transfer."""
    verdict = _verdict(content, keys_can_wait=keys_can_wait)
    try:
        notice, problem = mails.read(content), ""
    except mails.UnreadableMailError as error:
        notice, problem = None, str(error)
    if notice is None and not problem:
        if not verdict.is_verified and not _claims_to_be(content):
            return None
        if verdict.is_verified and not _ABOUT_A_TRANSFER.search(visible.subject(content)):
            return None
        problem = "It doesn't look like the mails that we can read."
    return _Read(content, digest, verdict, notice, problem)


def _verdict(content: bytes, *, keys_can_wait: bool) -> trust.Verdict:
    rules = trust.Rules(
        domains=settings.BANK_MAIL_DOMAINS,
        recipients=settings.BANK_MAIL_RECIPIENTS,
        oldest=timedelta(days=settings.BANK_MAIL_DAYS),
    )
    try:
        return trust.check(content, rules, keys, timezone.now())
    except trust.KeysUnavailableError:
        if keys_can_wait:
            raise
        return trust.Verdict(reason="The keys of its domain could not be had for a long time.")


def _claims_to_be(content: bytes) -> bool:
    """Whether a mail that isn't a bank's wants to be taken for a notification."""
    subject, sender = visible.subject(content), _header(content, "From")
    names_bank = any(one.split(".")[0] in sender.lower() for one in settings.BANK_MAIL_DOMAINS)
    return names_bank and bool(_ABOUT_A_TRANSFER.search(subject))


@transaction.atomic
def _store(read: _Read) -> BankMail:
    """Store a mail once, with its transfer if it counts."""
    bank_lock()
    if known := BankMail.objects.filter(digest=read.digest).first():
        return known
    mail = _row(read)
    mail.save(force_insert=True)
    if mail.state == MailState.VERIFIED:
        _tells_of_transfer(mail)
    return mail


def _row(read: _Read) -> BankMail:
    mail = BankMail(
        digest=read.digest,
        content=read.content,
        message_id=_header(read.content, "Message-ID")[:998],
        sender=_header(read.content, "From")[:320],
        subject=visible.subject(read.content)[:500],
        domain=read.verdict.domain,
    )
    if notice := read.notice:
        mail.direction = Direction.IN if notice.kind == Kind.ZELLE_IN else Direction.OUT
        mail.name, mail.amount, mail.sent_on = notice.name[:200], notice.amount, notice.sent_on
        mail.transaction, mail.memo = notice.transaction[:60], notice.memo[:500]
    mail.state, mail.problem = _state_of(mail, read)
    return mail


def _state_of(mail: BankMail, read: _Read) -> tuple[MailState, str]:
    """Return what becomes of a mail, and why it doesn't count if it doesn't."""
    if not read.verdict.is_verified:
        return MailState.UNVERIFIED, read.verdict.reason
    counted = BankMail.objects.filter(state__in=[MailState.VERIFIED, MailState.UNREADABLE])
    if counted.filter(message_id=mail.message_id).exists():
        return MailState.REPEATED, "A mail with the same Message-ID came before."
    if read.notice is None:
        return MailState.UNREADABLE, read.problem
    same = counted.filter(direction=mail.direction, transaction=mail.transaction)
    if mail.transaction and same.exists():
        return MailState.REPEATED, "Another mail told of the same transfer."
    return MailState.VERIFIED, ""


def _tells_of_transfer(mail: BankMail) -> None:
    """Let a mail's transfer meet its line, and count for what it names."""
    row = meeting.of_mail(mail)
    row.save(force_insert=True)
    changed = meeting.meet(Direction(row.direction), row.amount, [row.on])
    # What met is in `changed` as it is now.
    proposing.look_at(({row.pk: row} | {one.pk: one for one in changed}).values())


def _header(content: bytes, name: str) -> str:
    """Return a header's text as it stands, on one line."""
    headers = BytesParser(policy=compat32).parsebytes(content, headersonly=True)
    return characters.line(str(headers.get(name, "")))
