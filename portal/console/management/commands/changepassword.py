"""`manage.py changepassword`: Django's, plus a notice to the person and all owners."""

from __future__ import annotations

from typing import Any

from django.contrib.auth.management.commands import changepassword
from django.contrib.auth.models import User
from django.db import transaction

from members import access_changes


class Command(changepassword.Command):
    """An account whose password was set by others can't decide on money for a day."""

    @transaction.atomic
    def handle(self, *args: Any, **options: Any) -> str | None:
        """Set the password, and announce it."""
        said = super().handle(*args, **options)
        user = User.objects.get(username=options["username"])
        if user.is_staff or user.is_superuser:
            access_changes.record(user, None, "A new password was set.")
        return said
