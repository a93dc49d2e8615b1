"""Adds what staff decide about a membership: a longer trial, a discount, none."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("billing", "0025_numbers_by_email"),
    ]

    operations = [
        migrations.AddField(
            model_name="membershipdecision",
            name="until",
            field=models.DateTimeField(
                blank=True, help_text="When an extended trial ends.", null=True
            ),
        ),
        migrations.AlterField(
            model_name="membershipdecision",
            name="action",
            field=models.CharField(
                choices=[
                    ("cancel", "Cancel"),
                    ("resume", "Resume"),
                    ("cancel_now", "Cancel now"),
                    ("switch", "Switch"),
                    ("stay", "Stay"),
                    ("extend", "Extend"),
                    ("discount", "Discount"),
                    ("undiscount", "Undiscount"),
                ],
                max_length=10,
            ),
        ),
    ]
