"""Adds the free time that staff give to members."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("billing", "0032_discounts_without_an_end"),
    ]

    operations = [
        migrations.AddField(
            model_name="subscription",
            name="has_free_time",
            field=models.BooleanField(
                db_default=False,
                default=False,
                help_text="Later trials at Stripe are time that staff gave, as its metadata say.",
                verbose_name="was given free time",
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
                    ("free", "Free"),
                    ("pause", "Pause"),
                    ("unpause", "Unpause"),
                ],
                max_length=10,
            ),
        ),
        migrations.AlterField(
            model_name="membershipdecision",
            name="until",
            field=models.DateTimeField(
                blank=True,
                help_text="When a longer trial or free time ends, or paused payments resume.",
                null=True,
            ),
        ),
    ]
