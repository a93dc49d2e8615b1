"""`manage.py staff_groups`: make or complete the groups of the staff's roles, as `migrate` does."""

from __future__ import annotations

from typing import Any

from django.contrib.auth.models import Group
from django.core.management.base import BaseCommand
from django.db import transaction

from portal.backoffice.roles import complete_groups


class Command(BaseCommand):
    """Safe to run at any time."""

    help = "Make the groups of the staff's roles, or give them what they lack."

    @transaction.atomic
    def handle(self, *_args: Any, **_options: Any) -> None:
        """Make them; tell a group's staff and all owners what was added to it."""
        for said in complete_groups():
            self.stdout.write(said)
        names = Group.objects.exclude(staffrole=None).order_by("pk").values_list("name", flat=True)
        self.stdout.write(f"The groups {', '.join(names)} are ready.")
