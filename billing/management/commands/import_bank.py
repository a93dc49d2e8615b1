"""`manage.py import_bank FILE [--account NAME]`: import a bank's file, as on the staff site."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from billing.bank.files import WrongFileError
from billing.bank.files.table import LARGEST
from billing.models import BankAccount
from billing.zelle import importing

SHOWN = 20


class Command(BaseCommand):
    """Imports a file of account activity and says what was in it."""

    help = "Import a file of your bank account's activity (CSV)."

    def add_arguments(self, parser: CommandParser) -> None:
        """Take the file, and the account if there are several."""
        parser.add_argument("file", type=Path, help="The file that your bank exported.")
        parser.add_argument(
            "--account", default="", help="The account's name, as on the staff site."
        )

    def handle(self, *args: Any, **options: Any) -> None:
        """Import it, all or nothing."""
        path: Path = options["file"]
        account = _account(options["account"])
        try:
            made = importing.store(account, path.name, _content(path), None)
        except WrongFileError as error:
            raise CommandError(str(error)) from error
        unreadable = made.unreadable
        self.stdout.write(
            f"{account}: {made.lines_new} new, {made.lines_known} known before,"
            f" {made.lines_pending} pending, {len(unreadable)} unreadable."
        )
        for line in unreadable[:SHOWN]:
            self.stdout.write(f"  Line {line['number']}: {line['reason']} {line['text']}")
        if len(unreadable) > SHOWN:
            self.stdout.write(f"  And {len(unreadable) - SHOWN} more, on the staff site.")


def _account(name: str) -> BankAccount:
    """Return the account of this name, or the only one."""
    if name:
        account = BankAccount.objects.filter(name=name).first()
        if account is None:
            names = ", ".join(BankAccount.objects.values_list("name", flat=True)) or "none yet"
            raise CommandError(f"There's no account “{name}”. Accounts: {names}.")
        return account
    accounts = list(BankAccount.objects.all()[:2])
    if len(accounts) != 1:
        raise CommandError("Name the account with --account. The staff site has them, or adds one.")
    return accounts[0]


def _content(path: Path) -> bytes:
    try:
        if path.stat().st_size > LARGEST:
            raise CommandError("The file is larger than 10 MB. Export fewer months at a time.")
        return path.read_bytes()
    except OSError as error:
        raise CommandError(f"{path} can't be read: {error.strerror}.") from error
