"""The payment intent of a balance transaction whose charge is an earlier one of its payment."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("billing", "0040_indexes_of_lists"),
    ]

    operations = [
        migrations.AddField(
            model_name="balancetransaction",
            name="intent_id",
            field=models.CharField(
                blank=True,
                help_text="Of an earlier charge of a payment: the payment intent; empty if it has none.",
                max_length=255,
                null=True,
            ),
        ),
    ]
