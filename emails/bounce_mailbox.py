"""Reads the mailbox that mails come back to (BOUNCE_MAIL_URL), each mail once.

Only what proves that it's about a mail of ours counts: the signed address that it came to, or the
Message-ID of the mail that it returns, which has a signature, too. How far we've read is a row.
"""

from __future__ import annotations

import logging
import time
from datetime import date, timedelta

from django.conf import settings
from django.db import OperationalError
from django.utils import timezone
from procrastinate.contrib.django import app

from common import imap_addresses, imap_folders
from emails import bounce_reports, bounces, return_paths, unsubscribe_links
from emails.bounce_reports import Incoming
from emails.jobs import JobName
from emails.models import BounceMailbox, Channel, Message, SuppressionSource

logger = logging.getLogger(__name__)

# Reports quote at most a whole mail of ours.
LARGEST = 2_000_000
MOST, LONGEST_RUN = 200, 45.0
# Older mails are no news, and their reports came long ago.
COUNTS_FOR = timedelta(days=30)
TOO_LONG = 500


def name() -> str:
    """Return the name of the mailbox that's read, or ""."""
    url = settings.BOUNCE_MAIL_URL
    return imap_addresses.parse(url).name if url else ""


def read() -> None:
    """Take in what's new. That the mailbox can't be read is noted in its row."""
    address = imap_addresses.parse(settings.BOUNCE_MAIL_URL)
    row, _ = BounceMailbox.objects.get_or_create(mailbox=address.name)
    rows = BounceMailbox.objects.filter(pk=row.pk)
    try:
        with imap_folders.opened(address) as folder:
            is_done = _read(row, folder)
    except imap_folders.MailboxError as error:
        logger.warning("The mailbox of bounces can't be read: %s", error)
        rows.update(problem=str(error)[:TOO_LONG])
        rows.filter(failing_since=None).update(failing_since=timezone.now())
    else:
        rows.update(problem="", failing_since=None)
        if is_done:
            rows.update(read_at=timezone.now())


def _read(row: BounceMailbox, folder: imap_folders.Folder) -> bool:
    """Take in new mails in order; return whether all were read."""
    rows = BounceMailbox.objects.filter(pk=row.pk)
    if row.uid_validity != folder.validity:
        # They're numbered anew. What a report says twice is no news.
        row.uid_validity, row.last_uid = folder.validity, 0
        row.save(update_fields=["uid_validity", "last_uid"])
    ends_at = time.monotonic() + LONGEST_RUN
    uids = folder.since(_first_day(row), row.last_uid)
    for uid in uids[:MOST]:
        if time.monotonic() > ends_at:
            return False
        content = folder.content(uid, LARGEST)
        if content is not None:
            _take(uid, content)
        rows.filter(last_uid__lt=uid).update(last_uid=uid)
    return len(uids) <= MOST


def _first_day(row: BounceMailbox) -> date:
    last = row.read_at or timezone.now()
    return (last - timedelta(days=8)).date()


def _take(uid: int, content: bytes) -> None:
    """Take in one mail; a nonsensical one mustn't hold up those behind it."""
    try:
        take(content)
    except OperationalError:
        raise
    except Exception:
        logger.exception("Mail %s in the mailbox of bounces can't be taken in.", uid)


def take(content: bytes) -> bool:
    """Take in a report or a wish to unsubscribe; return whether it was one that counts."""
    incoming = bounce_reports.read(content[:LARGEST])
    tags = return_paths.tags(incoming.to)
    if incoming.report is None:
        asked = [one for tag in tags if (one := unsubscribe_links.asked_by_mail(tag))]
        for one in asked:
            # What members change is recorded by another app.
            job = app.configure_task(JobName.TURN_OFF_EMAILS)
            job.defer(user_id=one.user.pk, topic=str(one.topic))
        return bool(asked)
    message = _message(incoming, tags)
    if message is None:
        logger.info("A report in the mailbox of bounces is about no mail that we can prove ours.")
        return False
    report = incoming.report
    return bounces.record(message.pk, report.outcome, SuppressionSource.MAILBOX, report.words)


def _message(incoming: Incoming, tags: list[str]) -> Message | None:
    """Return the recent mail that a report is about, by what's signed in it."""
    rows = Message.objects.filter(channel=Channel.EMAIL, created_at__gt=timezone.now() - COUNTS_FOR)
    numbers = [pk for tag in tags if (pk := return_paths.message_of(tag))]
    if numbers:
        return rows.filter(pk__in=numbers).first()
    ids = incoming.report.message_ids if incoming.report else ()
    return rows.filter(provider_id__in=[one for one in ids if one]).first() if ids else None
