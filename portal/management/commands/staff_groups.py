"""`manage.py staff_groups`: make the groups Auditor, Support and Manager, or complete them."""

from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand

from portal.staff.roles import GROUPS, make_groups


class Command(BaseCommand):
    """Safe to run at every deployment."""

    help = "Make the staff groups Auditor, Support and Manager, or give them what they lack."

    def handle(self, *_args: Any, **_options: Any) -> None:
        """Make them and say so."""
        make_groups()
        self.stdout.write(f"The groups {', '.join(GROUPS)} are ready.")
