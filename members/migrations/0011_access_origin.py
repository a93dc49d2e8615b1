from __future__ import annotations

from typing import Any

from django.db import migrations, models
from django.db.models import F


def tell_ways(apps: Any, schema_editor: Any) -> None:
    """Tell of what is on record by which way it came: until now staff, or the command line."""
    rows = apps.get_model("members", "AccessChange").objects.all()
    rows.filter(actor=None).update(origin="command")
    rows.filter(actor=F("user")).update(origin="own", holds=False)


class Migration(migrations.Migration):

    dependencies = [
        ("members", "0010_access_changes"),
    ]

    operations = [
        migrations.AddField(
            model_name="accesschange",
            name="origin",
            field=models.CharField(
                "way",
                choices=[
                    ("staff", "By staff, on the staff site"),
                    ("own", "By themselves"),
                    ("mailbox", "By a code sent to their email, and nothing else"),
                    ("command", "At the server’s command line"),
                ],
                default="staff",
                max_length=10,
            ),
        ),
        migrations.AddField(
            model_name="accesschange",
            name="holds",
            field=models.BooleanField(
                "decides on no money for a day",
                default=True,
                help_text="Their own changes don’t hold them up.",
            ),
        ),
        migrations.AlterField(
            model_name="accesschange",
            name="actor",
            field=models.ForeignKey(
                help_text="Who did it, where that is known.",
                null=True,
                on_delete=models.SET_NULL,
                related_name="+",
                to="auth.user",
            ),
        ),
        migrations.RunPython(tell_ways, migrations.RunPython.noop),
    ]
