"""`manage.py export_data ADDRESS > file.zip`: all data about a member, for someone who asked."""

from __future__ import annotations

import sys
from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from members import mailboxes
from portal.selfservice import data_exports


class Command(BaseCommand):
    """Hand the file to nobody but the member: make sure that it's them who asks."""

    help = "Write all data about a member as a ZIP to standard output."

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Name the member by the address that they sign in with."""
        parser.add_argument("email")

    def handle(self, *_args: Any, email: str, **_options: Any) -> None:
        """Write it, unless that would fill a terminal with it."""
        users = mailboxes.users_of(email)
        if len(users) != 1:
            raise CommandError(f"There is no one member with the address {email}.")
        if sys.stdout.isatty():
            raise CommandError("Say which file it goes to: export_data ADDRESS > file.zip")
        data_exports.print_to(users[0], sys.stdout.buffer)
