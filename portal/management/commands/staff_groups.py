"""`manage.py staff_groups`: make or complete the groups Auditor, Support, and Manager."""

from __future__ import annotations

from typing import Any

from django.contrib.auth.models import Group
from django.core.management.base import BaseCommand
from django.db import transaction

from members import access_changes
from portal.backoffice.roles import ON_MONEY, make_groups


class Command(BaseCommand):
    """Safe to run on every deployment."""

    help = "Make the staff groups Auditor, Support and Manager, or give them what they lack."

    @transaction.atomic
    def handle(self, *_args: Any, **_options: Any) -> None:
        """Make them; tell a group's staff and all owners what was added to it."""
        for group, permissions in make_groups().items():
            self._tell(group, permissions)
        names = Group.objects.exclude(staffrole=None).order_by("pk").values_list("name", flat=True)
        self.stdout.write(f"The groups {', '.join(names)} are ready.")

    def _tell(self, group: Group, permissions: list[str]) -> None:
        said = " ".join(f"Granted to the group {group}: {name}." for name in permissions)
        self.stdout.write(said)
        holds = not ON_MONEY.isdisjoint(permissions)
        for user in group.user_set.filter(is_staff=True):
            access_changes.record(user, None, said, holds=holds)
