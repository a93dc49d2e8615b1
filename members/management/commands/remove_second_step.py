"""`manage.py remove_second_step ADDRESS`: for someone who lost phone and recovery codes."""

from __future__ import annotations

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.db import transaction

from members import access_changes, mailboxes
from members.signin import mfa


class Command(BaseCommand):
    """Verify first who asks for it: afterward, the password alone is enough to sign in."""

    help = "Remove a user's second step of sign-in; they are told by email."

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Name the user by the address that they sign in with."""
        parser.add_argument("email")

    def handle(self, *_args: Any, email: str, **_options: Any) -> None:
        """Remove it."""
        users = mailboxes.users_of(email)
        if len(users) != 1:
            raise CommandError(f"There is no one user with the address {email}.")
        user = users[0]
        with transaction.atomic():
            if not mfa.remove(user):
                raise CommandError(f"{email} has no second step.")
            if user.is_staff or user.is_superuser:
                what = "The second step at sign-in was removed."
                access_changes.record(user, None, what, tells_person=False)
        self.stdout.write(f"The second step of {email} is removed.")
