"""What the books lack of Stripe's balance, and since when."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("billing", "0026_decisions_of_staff"),
    ]

    operations = [
        migrations.AddField(
            model_name="balancereading",
            name="differences",
            field=models.JSONField(blank=True, db_default={}, default=dict),
        ),
        migrations.AddField(
            model_name="balancereading",
            name="differs_since",
            field=models.DateTimeField(blank=True, null=True),
        ),
    ]
