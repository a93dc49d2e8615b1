"""Adds how far a comparison with Stripe has come."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("billing", "0021_event_attempts"),
    ]

    operations = [
        migrations.AddField(
            model_name="reconciliation",
            name="progress",
            field=models.JSONField(blank=True, default=dict),
        ),
    ]
