"""`manage.py receive_bank_mail < message`: take in a mail of the bank from a mail server's pipe."""

from __future__ import annotations

import os
import re
import sys
from datetime import datetime, timedelta
from email.parser import BytesHeaderParser
from email.policy import compat32
from email.utils import parsedate_to_datetime
from typing import Any, BinaryIO

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone

from billing.bank.mails import trust
from billing.bank.mails.trust import KeysUnavailableError
from billing.models import BankMail
from billing.zelle import receiving
from common.one_by_one import DATABASE_AWAY, OneByOne

SOURCE = "pipe"
# Of sysexits.h, which mail servers act by: after the second they try again.
NO_MAIL, TRY_AGAIN = os.EX_DATAERR, os.EX_TEMPFAIL
# A mail server gives up after some days. Until then it's better to have a mail unverified.
KEYS_CAN_WAIT = timedelta(days=1)
_HEADER = re.compile(rb"[!-9;-~]+[ \t]*:")
# The line that some programs put before a mail, as files of mails have it.
_ENVELOPE = re.compile(rb"\A>?From [^\n]*\n")


class Command(BaseCommand):
    """Exit codes: 0 it's dealt with, 65 it isn't a mail, 75 try again."""

    help = "Reads one mail from the standard input and says in a line what became of it."
    # A failing check must not send a mail back to the bank.
    requires_system_checks = []
    stealth_options = ("stdin",)

    def handle(self, *_arguments: Any, **options: Any) -> None:
        """Take it in."""
        if not settings.BANK_MAIL_RECIPIENTS:
            raise _again("BANK_MAIL_RECIPIENTS isn't set, so no mail can count.")
        content = _read(options.get("stdin") or sys.stdin.buffer)
        if len(content) > trust.LARGEST:
            self.stdout.write("It's larger than 1 MB: nothing is kept.")
        else:
            self.stdout.write(_said(_taken_in(content)))


def _again(sentence: str) -> CommandError:
    return CommandError(sentence, returncode=TRY_AGAIN)


def _read(stdin: BinaryIO) -> bytes:
    """Return the mail as it came over the network: pipes have other ends of lines, and more.

    What's larger than any mail that counts is read to its end, but not kept.
    """
    content = stdin.read(2 * trust.LARGEST)
    while stdin.read(trust.LARGEST):
        pass
    mail = _ENVELOPE.sub(b"", content).replace(b"\r\n", b"\n").replace(b"\n", b"\r\n")
    if not _HEADER.match(mail) or _header(mail, "From") is None:
        raise CommandError("It isn't a mail.", returncode=NO_MAIL)
    return mail


def _header(mail: bytes, name: str) -> str | None:
    value = BytesHeaderParser(policy=compat32).parsebytes(mail).get(name)
    return None if value is None else str(value)


def _taken_in(content: bytes) -> BankMail | None:
    run, mail = OneByOne(ended_by=(KeysUnavailableError,)), None
    try:
        with run.each("The mail"):
            can_wait = not _is_old(content, timezone.now())
            mail = receiving.receive(content, SOURCE, keys_can_wait=can_wait)
    except KeysUnavailableError as error:
        raise _again(str(error)) from error
    except DATABASE_AWAY as error:
        raise _again(f"The database isn't there: {error}") from error
    if run.failures:
        raise _again(run.failures[0])
    return mail


def _is_old(content: bytes, now: datetime) -> bool:
    """Whether it has waited for its keys long enough. One without a date never counts."""
    try:
        return now - parsedate_to_datetime(_header(content, "Date") or "") > KEYS_CAN_WAIT
    except (TypeError, ValueError, OverflowError):
        return True


def _said(mail: BankMail | None) -> str:
    if mail is None:
        return "It isn't about a transfer: nothing is kept."
    return f"Email {mail.pk}: {mail.get_state_display().lower()}. {mail.problem}".strip()
