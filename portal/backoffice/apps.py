"""The back office as a Django app, after all others: it completes the staff's roles."""

from typing import Any

from django.apps import AppConfig, apps
from django.db import connections, transaction
from django.db.models.signals import post_migrate


class BackofficeConfig(AppConfig):
    """The parts of the staff site that span all apps."""

    name = "portal.backoffice"

    def ready(self) -> None:
        """Complete the roles after a `migrate`, once the last app's permissions are made."""
        last = [one for one in apps.get_app_configs() if one.models_module][-1]
        post_migrate.connect(complete_roles, sender=last)


def complete_roles(using: str, **_facts: Any) -> None:
    """Make the groups of the staff's roles, or give them what a new version adds.

    A database that was migrated in part lacks tables or permissions; the next `migrate` does it.
    """
    from portal.backoffice import roles  # noqa: PLC0415  (reads models of all apps)
    from portal.models import StaffRole  # noqa: PLC0415

    if StaffRole._meta.db_table not in connections[using].introspection.table_names():
        return
    if roles.are_permissions_there():
        with transaction.atomic(using):
            roles.complete_groups()
