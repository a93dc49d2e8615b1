"""Reads new mails from the mailbox that the bank writes to (BANK_MAIL_URL), each one once.

How far we've read is a row. Whatever happens to one mail, the ones behind it are read: it's noted
as a `BankMailRetry` and read again later, until it can be taken in or is gone.
"""

from __future__ import annotations

import logging
import time
from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import Protocol

from django.conf import settings
from django.db import transaction
from django.db.models import F
from django.utils import timezone

from billing.bank.mails import trust
from billing.bank.mails.trust import KeysUnavailableError
from billing.core import limits
from billing.models import BankMailbox
from common import imap_addresses, imap_folders
from common.one_by_one import DATABASE_AWAY

logger = logging.getLogger(__name__)

SOURCE = "imap"
# What a run reads before it leaves the rest to the next minute's.
MOST = 200
LONGEST_RUN = 45.0
# DNS isn't asked again after so many failures in a run: each may take seconds.
MOST_WITHOUT_KEYS = 5
# After that, a mail whose keys nobody tells is stored without them.
KEYS_CAN_WAIT = timedelta(days=1)
FIRST_WAIT, LONGEST_WAIT = timedelta(minutes=1), timedelta(hours=1)
LONGEST_WAIT_FOR_KEYS = timedelta(minutes=10)


class Take(Protocol):
    """Takes in a mail (`billing.zelle.receiving.receive`)."""

    def __call__(self, content: bytes, source: str, *, keys_can_wait: bool) -> object:
        """Store it, or raise KeysUnavailableError."""


def name() -> str:
    """Return the name of the mailbox that's read, or ""."""
    url = settings.BANK_MAIL_URL
    return imap_addresses.parse(url).name if url else ""


def read(take: Take) -> None:
    """Take in what's new in the mailbox. That it can't be read is noted in its row."""
    address = imap_addresses.parse(settings.BANK_MAIL_URL)
    row, _ = BankMailbox.objects.get_or_create(mailbox=address.name)
    mailbox = BankMailbox.objects.filter(pk=row.pk)
    try:
        with imap_folders.opened(address) as folder:
            is_done = _Run(row, folder, take).read()
    except imap_folders.MailboxError as error:
        logger.warning("The bank's mailbox can't be read: %s", error)
        mailbox.update(problem=str(error)[: limits.TEXT])
        mailbox.filter(failing_since=None).update(failing_since=timezone.now())
    else:
        mailbox.update(problem="", failing_since=None)
        if is_done:
            mailbox.update(read_at=timezone.now())


@dataclass
class _Run:
    """One reading of an open folder."""

    row: BankMailbox
    folder: imap_folders.Folder
    take: Take
    ends_at: float = field(default_factory=lambda: time.monotonic() + LONGEST_RUN)
    without_keys: int = 0

    def read(self) -> bool:
        """Take in new mails, then those that couldn't be before; return whether all was read."""
        first_day = self._first_day()
        if self.row.uid_validity != self.folder.validity:
            self._start_over()
        uids = self.folder.since(first_day, self.row.last_uid)
        for uid in uids[:MOST]:
            if self._is_over():
                return False
            self._take_new(uid)
        self._take_again()
        return len(uids) <= MOST

    def _first_day(self) -> date:
        """Return the day from which on mails can still count that we haven't taken in.

        Older ones aren't news, even if they're new in the folder: somebody may have put a label on
        them. Servers compare days in a time zone of theirs, hence one more.
        """
        waiting = self.row.retries.order_by("failed_at").values_list("failed_at", flat=True)[:1]
        last_read = min([self.row.read_at or timezone.now(), *waiting])
        return (last_read - timedelta(days=settings.BANK_MAIL_DAYS + 1)).date()

    @transaction.atomic
    def _start_over(self) -> None:
        """Begin anew: UIDs mean other mails now. Mails that we have are known by their bytes."""
        row = BankMailbox.objects.select_for_update().get(pk=self.row.pk)
        if row.uid_validity != self.folder.validity:
            row.retries.all().delete()
            row.uid_validity, row.last_uid = self.folder.validity, 0
            row.save(update_fields=["uid_validity", "last_uid"])
        self.row = row

    def _is_over(self) -> bool:
        return self.without_keys >= MOST_WITHOUT_KEYS or time.monotonic() > self.ends_at

    def _take_new(self, uid: int) -> None:
        """Take in a mail, or note that it has to be read again; go on behind it in any case."""
        failure = self._failure(uid)
        if failure:
            self._note(uid, failure)
        # Another run may have read further.
        rows = BankMailbox.objects.filter(pk=self.row.pk, uid_validity=self.folder.validity)
        rows.filter(last_uid__lt=uid).update(last_uid=uid)
        if isinstance(failure, imap_folders.MailboxError):
            raise failure

    def _take_again(self) -> None:
        """Take in mails that it's time to read again."""
        now = timezone.now()
        for retry in self.row.retries.filter(again_at__lte=now).order_by("again_at")[:MOST]:
            if self._is_over():
                return
            can_wait = now - retry.failed_at < KEYS_CAN_WAIT
            failure = self._failure(retry.uid, keys_can_wait=can_wait)
            if failure is None:
                retry.delete()
                continue
            self._note(retry.uid, failure)
            if isinstance(failure, imap_folders.MailboxError):
                raise failure

    def _failure(self, uid: int, *, keys_can_wait: bool = True) -> Exception | None:
        """Take in a mail; return the error that kept it out."""
        try:
            content = self.folder.content(uid, trust.LARGEST)
            if content is None:
                logger.info("Mail %s is no longer in the bank's mailbox.", uid)
            elif len(content) > trust.LARGEST:
                logger.warning("Mail %s in the bank's mailbox is larger than 1 MB: skipped.", uid)
            else:
                self.take(content, SOURCE, keys_can_wait=keys_can_wait)
        except DATABASE_AWAY:
            raise
        except KeysUnavailableError as error:
            logger.warning("Mail %s in the bank's mailbox has to wait: %s", uid, error)
            self.without_keys += 1
            return error
        except Exception as error:
            logger.exception("Mail %s in the bank's mailbox can't be taken in.", uid)
            return error
        return None

    def _note(self, uid: int, failure: Exception) -> None:
        """Note that a mail has to be read again, the later the more often it failed."""
        now, waits_for_keys = timezone.now(), isinstance(failure, KeysUnavailableError)
        values = {"waits_for_keys": waits_for_keys, "error": type(failure).__name__[:100]}
        retry, is_new = self.row.retries.get_or_create(
            uid=uid, defaults={"failed_at": now, "again_at": now + FIRST_WAIT, **values}
        )
        if not is_new:
            longest = LONGEST_WAIT_FOR_KEYS if waits_for_keys else LONGEST_WAIT
            wait = min(longest, FIRST_WAIT * 2 ** min(retry.tries, 10))
            again = self.row.retries.filter(pk=retry.pk)
            again.update(tries=F("tries") + 1, again_at=now + wait, **values)
