"""`manage.py roles_table`: write the table of who may what into docs/roles.md."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand

from portal.backoffice.roles import as_table

MARK = "<!-- roles -->"


class Command(BaseCommand):
    """The table is made from `portal.backoffice.roles`; a test keeps both in step."""

    help = "Write the table of who may what into docs/roles.md."

    def handle(self, *_args: Any, **_options: Any) -> None:
        """Replace what's between the markers."""
        path = settings.BASE_DIR / "docs" / "roles.md"
        before, _old, after = path.read_text().split(MARK)
        path.write_text(f"{before}{MARK}\n{as_table()}\n{MARK}{after}")
        self.stdout.write(f"{path} has the table.")
