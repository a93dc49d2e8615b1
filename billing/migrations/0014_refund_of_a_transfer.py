"""A line that went out proves one refund, and each refund has one line."""

import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("billing", "0013_bank_upload"),
    ]

    operations = [
        migrations.AddField(
            model_name="banktransfer",
            name="refund",
            field=models.OneToOneField(
                blank=True,
                help_text="The refund that it has proved.",
                null=True,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="transfer",
                to="billing.refund",
            ),
        ),
    ]
