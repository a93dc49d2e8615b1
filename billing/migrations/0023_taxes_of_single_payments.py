"""The tax of one-time payments by rate."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("billing", "0022_reconciliation_progress"),
    ]

    operations = [
        migrations.AddField(
            model_name="payment",
            name="taxes",
            field=models.JSONField(
                blank=True,
                db_default=[],
                default=list,
                help_text="The same by rate, as an invoice’s.",
            ),
        ),
    ]
