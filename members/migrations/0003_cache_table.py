"""The table of the shared cache, in which sign-in limits are counted across processes."""

from django.apps.registry import Apps
from django.core.management import call_command
from django.db import migrations
from django.db.backends.base.schema import BaseDatabaseSchemaEditor


def create_cache_table(apps: Apps, schema_editor: BaseDatabaseSchemaEditor) -> None:
    """Make the table that the setting CACHES names, unless it is there."""
    call_command("createcachetable", database=schema_editor.connection.alias, verbosity=0)


class Migration(migrations.Migration):
    """Make the cache's table."""

    dependencies = [("members", "0002_member_for_every_user")]

    operations = [migrations.RunPython(create_cache_table, migrations.RunPython.noop)]
