"""`manage.py reconcile`: fetch missed events and compare our copy with Stripe."""

from __future__ import annotations

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from billing.models import Reconciliation
from billing.reconcile import comparison_report, missed_events
from billing.stripe import gateway


class Command(BaseCommand):
    """Exit code 0: everything agrees. 1: there are differences, or Stripe didn't answer."""

    help = "Fetch missed events, then compare customers and their money with Stripe."

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Comparing changes nothing; a repair must be requested."""
        parser.add_argument(
            "--repair",
            action="store_true",
            help="Read again what differs. Nothing is ever written to Stripe.",
        )

    def handle(self, *_args: Any, repair: bool, **_options: Any) -> None:
        """Run it and print the report."""
        try:
            run = missed_events.reconcile(repair=repair)
        except gateway.StripeError as error:
            raise CommandError(f"Stripe could not be asked: {error}") from error
        self._report(run)
        if run.differences_left:
            advice = "" if repair else " Run it with --repair to read them again."
            raise CommandError(f"{run.differences_left} differences.{advice}")

    def _report(self, run: Reconciliation) -> None:
        self.stdout.write(f"Events: {run.events_seen} seen, {run.events_missed} were missed.")
        if run.differences:
            self.stdout.write("Differences:" if run.differences_left else "Repaired:")
        for line in comparison_report.lines(run.differences):
            self.stdout.write(f"  {line}")
        hidden = max(run.differences_found, run.differences_left) - len(run.differences)
        if hidden > 0 and run.differences_left:
            self.stdout.write(f"  … and {hidden} more")
        if run.error:
            self.stdout.write(f"Not done: {run.error.strip()}")
        self.stdout.write(run.summary)
