"""`manage.py import_from_stripe`: import a Stripe account that's older than the portal."""

from __future__ import annotations

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from billing.reconcile import importing
from billing.stripe import gateway
from common.one_by_one import SomeFailed

WIDTH = 30


class Command(BaseCommand):
    """Safe to run twice, or again after it was stopped. Exit code 1: not everything came in."""

    help = "Bring in the customers, subscriptions, invoices and payments of the Stripe account."

    def add_arguments(self, parser: ArgumentParser) -> None:
        """A second run reads only what the first didn't get to."""
        parser.add_argument(
            "--again", action="store_true", help="Read members again who were read before."
        )
        parser.add_argument(
            "--invite",
            action="store_true",
            help="Email those who have a membership and no account here, once: sign up.",
        )

    def handle(self, *_args: Any, again: bool, invite: bool, **_options: Any) -> None:
        """Run it and report what's here now."""
        try:
            imported = importing.import_account(again=again, progress=self._progress)
            self._report(imported)
            failures = imported.failures + (self._invite() if invite else [])
        except gateway.StripeError as error:
            raise CommandError(f"Stripe could not be asked: {error} Run it again.") from error
        for failure in failures:
            self.stdout.write(f"Not done: {failure}")
        if failures:
            raise CommandError(f"{len(failures)} could not be done, all else was: run it again.")

    def _invite(self) -> list[str]:
        """Invite by email; return a sentence for everyone who couldn't be invited."""
        try:
            invited = importing.invite()
        except SomeFailed as error:
            return error.failures
        self.stdout.write(f"{invited} were invited by email.")
        return []

    def _report(self, imported: importing.Imported) -> None:
        self.stdout.write(
            f"{imported.customers} customers at Stripe; {imported.members} belong to members, "
            f"{imported.read} of them were read now; {imported.unassigned} wait to be assigned."
        )

    def _progress(self, done: int, of: int) -> None:
        """Update one line on a terminal; in a log, add a line every hundred members."""
        bar = "#" * (WIDTH * done // of if of else WIDTH)
        line = f"[{bar:<{WIDTH}}] {done} of {of} members"
        if self.stdout.isatty():
            self.stdout.write(line, ending="\n" if done == of else "\r")
        elif done == of or done % 100 == 0:
            self.stdout.write(line)
