"""`manage.py events_table`: write the table of Stripe's events into docs/flows.md."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand

from billing.inbound.events import as_table

MARK = "<!-- events -->"


class Command(BaseCommand):
    """The table is made from `billing.inbound.events`; a test keeps both in step."""

    help = "Write the table of Stripe's events into docs/flows.md."

    def handle(self, *_args: Any, **_options: Any) -> None:
        """Replace what's between the markers."""
        path = settings.BASE_DIR / "docs" / "flows.md"
        before, _old, after = path.read_text().split(MARK)
        path.write_text(f"{before}{MARK}\n{as_table()}\n{MARK}{after}")
        self.stdout.write(f"{path} has the table.")
