"""Verify the refund ledger (chain, rows, exported heads, Stripe) and the closed months."""

from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from billing.reconcile import closing_books
from billing.refunds import ledger
from billing.refunds import sync as refund_sync
from billing.stripe import gateway


class Command(BaseCommand):
    """`manage.py verify_ledger`: exit code 1 if anything is wrong."""

    help = (
        "Proves the ledger of refunds, compares it with the rows and with Stripe, and proves the"
        " chain of closed months."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        """Add the switches."""
        parser.add_argument("--offline", action="store_true", help="Do not ask Stripe.")
        parser.add_argument("--export", action="store_true", help="Export the head, as every day.")

    def handle(self, *_arguments: Any, **options: Any) -> None:
        """Say what was found."""
        check = ledger.verify()
        try:
            if not options["offline"]:
                refund_sync.compare_with_stripe(check)
        except gateway.StripeError as error:
            raise CommandError(f"Stripe could not be asked: {error}") from error
        finally:
            if options["export"]:
                ledger.export_head(check)
        found = [*check.problems, *closing_books.verify().problems]
        for problem in found:
            self.stdout.write(self.style.ERROR(problem))
        proved = (
            f"{check.entries} entries, {check.refunds_compared} refunds, head {check.head_hash}"
        )
        if found:
            raise CommandError(f"{len(found)} problems. {proved}")
        self.stdout.write(self.style.SUCCESS(f"All is proved: {proved}"))
