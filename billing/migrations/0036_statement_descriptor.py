"""What the statement of a card calls a payment."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("billing", "0035_day_by_email"),
    ]

    operations = [
        migrations.AddField(
            model_name="payment",
            name="statement_descriptor",
            field=models.CharField(
                blank=True,
                db_default="",
                help_text="What the payer’s statement calls it; only of cards.",
                max_length=255,
            ),
        ),
    ]
