"""`manage.py messages_table`: write the catalog of messages into docs/messages.md."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand

from portal.backoffice import message_table

MARK = "<!-- messages -->"


class Command(BaseCommand):
    """The tables are made from `emails.catalog`; a test keeps both in step."""

    help = "Write the catalog of messages into docs/messages.md."

    def handle(self, *_args: Any, **_options: Any) -> None:
        """Replace what's between the markers."""
        path = settings.BASE_DIR / "docs" / "messages.md"
        before, _old, after = path.read_text().split(MARK)
        path.write_text(f"{before}{MARK}\n{message_table.as_tables()}\n{MARK}{after}")
        self.stdout.write(f"{path} has the tables.")
