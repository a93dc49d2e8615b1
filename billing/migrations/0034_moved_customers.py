"""Lets staff move a customer to another member, and notes whose it is by its metadata at Stripe."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("billing", "0033_free_time"),
    ]

    operations = [
        migrations.AlterModelOptions(
            name="customer",
            options={
                "ordering": ["-created_at"],
                "permissions": [
                    ("move_customer", "Can merge a member's second account or customer")
                ],
            },
        ),
        migrations.AddField(
            model_name="customer",
            name="told_user",
            field=models.BigIntegerField(blank=True, null=True),
        ),
    ]
