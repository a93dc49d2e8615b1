"""`manage.py createsuperuser`: Django's, plus a notice to all owners."""

from __future__ import annotations

from typing import Any

from django.contrib.auth.management.commands import createsuperuser
from django.contrib.auth.models import User
from django.db import transaction
from django.db.models import Q

from common import addresses
from members import access_changes

WHAT = "An owner’s account was opened."


class Command(createsuperuser.Command):
    """A further owner can't decide on money for a day; the very first one can."""

    @transaction.atomic
    def handle(self, *args: Any, **options: Any) -> str | None:
        """Make the account, and announce it."""
        known = list(User.objects.values_list("pk", flat=True))
        staff = User.objects.filter(Q(is_staff=True) | Q(is_superuser=True), pk__in=known)
        is_first = not staff.exists()
        said = super().handle(*args, **options)
        for user in User.objects.exclude(pk__in=known):
            user.email = addresses.canonical(user.email)
            user.save(update_fields=["email"])
            access_changes.record(user, user if is_first else None, WHAT)
        return said
