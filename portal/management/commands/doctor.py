"""`manage.py doctor`: whether everything that the portal depends on is set up and works."""

from __future__ import annotations

import json
import sys
from argparse import ArgumentParser
from dataclasses import asdict
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from portal.doctor import running
from portal.doctor.results import Finding, worst
from portal.models import Outcome

EXIT_CODES = {Outcome.FAIL: 2, Outcome.WARN: 1, Outcome.UNKNOWN: 0, Outcome.OK: 0}


class Command(BaseCommand):
    """Exit code 0: nothing is wrong. 1: something should be done. 2: something doesn't work."""

    help = (
        "Check Stripe, mail, texts, the server, the database, and the portal itself. Nothing is"
        " sent or changed, and nothing secret is printed."
    )
    # The doctor says itself what's wrong with the settings.
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: ArgumentParser) -> None:
        """All checks run unless some are named."""
        groups = ", ".join(running.GROUPS)
        parser.add_argument("--json", action="store_true", help="Print JSON, for monitoring.")
        parser.add_argument(
            "--only",
            action="append",
            default=[],
            metavar="CHECK",
            help=f"A check (mail.server) or a group ({groups}); may be given several times.",
        )

    def handle(self, *_args: Any, **options: Any) -> None:
        """Run the checks and print what they find."""
        try:
            checks = running.chosen(options["only"])
        except ValueError as error:
            raise CommandError(str(error)) from error
        findings = []
        for one in running.run(checks):
            findings.append(one)
            if not options["json"]:
                self._say(one)
        if options["json"]:
            self.stdout.write(json.dumps([asdict(one) for one in findings], indent=2))
        if code := EXIT_CODES[worst(findings)]:
            sys.exit(code)

    def _say(self, one: Finding) -> None:
        styles = {Outcome.OK: self.style.SUCCESS, Outcome.FAIL: self.style.ERROR}
        style = styles.get(one.outcome, self.style.WARNING)
        group = running.GROUPS[running.group_of(one.key)]
        shown = style(one.outcome.upper().ljust(7))
        self.stdout.write(f"{shown} {group}: {one.title}. {one.text}")
        if one.remedy:
            self.stdout.write(f"        {one.remedy}")
