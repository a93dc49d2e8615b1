"""`manage.py rebuild_facts`: count the business's numbers anew from the rows they're made of."""

from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand

from billing.facts import daily


class Command(BaseCommand):
    """The result is what `billing.facts.daily.refresh` keeps; a test holds them equal."""

    help = "Count the business's numbers by day anew, such as after TIME_ZONE changed."

    def handle(self, *_args: Any, **_options: Any) -> None:
        """Count, and say how many members there were."""
        self.stdout.write(f"Counted {daily.rebuild()} members anew.")
