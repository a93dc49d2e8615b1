"""`manage.py close_account ADDRESS`: end a member's account and delete their customer at Stripe."""

from __future__ import annotations

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from billing.models import Dispute
from members import mailboxes
from members.access_changes import AccessRefused
from portal.backoffice.close_account import close_account


class Command(BaseCommand):
    """It can't be undone, so it asks first."""

    help = "End a member's account: subscriptions at once, personal data here, customer at Stripe."

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Name the member by the address that they sign in with."""
        parser.add_argument("email")
        parser.add_argument("--yes", action="store_true", help="Do not ask.")

    def handle(self, *_args: Any, email: str, yes: bool, **_options: Any) -> None:
        """Ask, then close the account."""
        users = mailboxes.users_of(email)
        if len(users) != 1:
            raise CommandError(f"There is no one member with the address {email}.")
        if Dispute.objects.running().filter(customer__user=users[0]).exists():
            self.stdout.write(
                "A payment of theirs is being disputed: download the evidence first, "
                "as sign-ins and messages go with the account."
            )
        question = f"Close the account of {email} for good, and end their membership now? [yes/no] "
        if not yes and input(question) != "yes":
            raise CommandError("Nothing was changed.")
        try:
            close_account(users[0])
        except AccessRefused as refusal:
            raise CommandError(str(refusal)) from refusal
        self.stdout.write(f"The account of {email} is closed.")
