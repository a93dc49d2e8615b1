"""`manage.py setup_stripe`: make what the portal needs at Stripe, or find it again."""

from __future__ import annotations

from argparse import ArgumentParser
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError

from billing.setup.steps import Setup, State, Step, Wanted
from billing.stripe import gateway
from common import locales
from common.money import AmountError, parse_money

OPEN = (State.LEFT, State.FAILED)
SECRET = "STRIPE_WEBHOOK_SECRETS"  # noqa: S105  (the setting's name)


class Command(BaseCommand):
    """Exit code 0: all is set up. 1: something is left to do, or Stripe didn't answer."""

    help = (
        "Make or find the product, its prices, the webhook endpoint, and the customer portal's"
        " configuration at Stripe, and print the lines for .env. Run it as often as you like."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Prices are only made if their amounts are given."""
        parser.add_argument("--dry-run", action="store_true", help="Only say what it would do.")
        parser.add_argument("--name", default="Membership", help="The product's name.")
        parser.add_argument("--monthly", metavar="29.00", help="What a month costs.")
        parser.add_argument("--yearly", metavar="290.00", help="What a year costs.")
        currency = settings.PAYMENT_CURRENCY
        parser.add_argument("--currency", default=currency, help=f"Default: {currency}.")
        parser.add_argument("--promo-code", default="", metavar="WELCOME10", help="Make a sample.")
        parser.add_argument(
            "--percent-off", type=int, default=10, help="What the code takes off: 10 by default."
        )
        parser.add_argument(
            "--show-secret",
            action="store_true",
            help="Print a new endpoint's signing secret, which Stripe gives out only once.",
        )

    def handle(self, *_args: Any, show_secret: bool, **options: Any) -> None:
        """Set it up and print the report."""
        setup = Setup(self._wanted(options))
        is_open = False
        try:
            for step in setup.run():
                self._say(step)
                is_open |= step.state in OPEN
        except gateway.StripeUnavailable as error:
            raise CommandError(f"Stripe could not be asked: {error}") from error
        finally:
            self._lines(setup, show_secret=show_secret)
        if is_open:
            raise CommandError("Something is left to do (see above).")

    def _wanted(self, options: dict[str, Any]) -> Wanted:
        currency = str(options["currency"]).lower()
        if not 1 <= options["percent_off"] <= 100:
            raise CommandError("--percent-off must be from 1 to 100.")
        amounts = {
            "month": _amount(options["monthly"], currency),
            "year": _amount(options["yearly"], currency),
        }
        return Wanted(
            name=options["name"],
            currency=currency,
            amounts=amounts,
            code=options["promo_code"],
            percent_off=options["percent_off"],
            is_rehearsal=options["dry_run"],
        )

    def _say(self, step: Step) -> None:
        style = self.style.WARNING if step.state in OPEN else self.style.SUCCESS
        self.stdout.write(f"{style(step.state.value + ':')} {step.text}")
        if step.remedy:
            self.stdout.write(f"    {step.remedy}")

    def _lines(self, setup: Setup, *, show_secret: bool) -> None:
        """Print what belongs into .env; a secret only if asked."""
        lines = [f"{name}={value}" for name, value in setup.lines.items()]
        if setup.secret and show_secret:
            kept = [*settings.STRIPE_WEBHOOK_SECRETS, setup.secret]
            lines.append(f"{SECRET}={','.join(kept[-2:])}")
        if lines:
            self.stdout.write("\nFor .env:\n")
            self.stdout.write("\n".join(lines))
        if setup.secret and not show_secret:
            self.stdout.write(
                f"\nThe endpoint’s signing secret belongs into {SECRET}. It isn’t shown here"
                " without --show-secret. In Stripe’s dashboard, open Workbench, Webhooks, the new"
                " endpoint, and reveal it."
            )
        elif show_secret and not setup.secret:
            self.stdout.write(
                "\nThere’s no signing secret to show: Stripe gives it out only when an endpoint is"
                " made. In Stripe’s dashboard, open Workbench, Webhooks, the endpoint, and reveal"
                " it."
            )


def _amount(typed: str | None, currency: str) -> int | None:
    if typed is None:
        return None
    try:
        return parse_money(typed, currency, locales.PLAIN)
    except AmountError as error:
        raise CommandError(f"{typed} is no amount. {error}") from error
