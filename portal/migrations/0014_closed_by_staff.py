"""Who of the staff planned to close an account, and why."""

import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("portal", "0013_staff_invitations"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.AddField(
            model_name="plannedclosing",
            name="planned_by",
            field=models.ForeignKey(
                blank=True,
                help_text="Who of the staff planned it; empty if the member did.",
                null=True,
                on_delete=django.db.models.deletion.SET_NULL,
                related_name="+",
                to=settings.AUTH_USER_MODEL,
            ),
        ),
        migrations.AddField(
            model_name="plannedclosing",
            name="reason",
            field=models.CharField(blank=True, db_default="", max_length=1000),
        ),
    ]
