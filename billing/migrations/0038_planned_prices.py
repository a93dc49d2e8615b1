"""Which price comes next for a subscription, as its schedule at Stripe plans it."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("billing", "0037_failures_by_email"),
    ]

    operations = [
        migrations.AddField(
            model_name="subscription",
            name="planned_at",
            field=models.DateTimeField(
                blank=True,
                help_text="When that price begins.",
                null=True,
                verbose_name="planned from",
            ),
        ),
        migrations.AddField(
            model_name="subscription",
            name="planned_price_id",
            field=models.CharField(
                blank=True, db_default="", default="", max_length=255, verbose_name="planned price"
            ),
        ),
        migrations.AddField(
            model_name="subscription",
            name="schedule_id",
            field=models.CharField(
                blank=True,
                db_default="",
                default="",
                help_text="Of what is planned for it at Stripe.",
                max_length=255,
                verbose_name="schedule",
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
                    ("plan", "Plan"),
                    ("unplan", "Unplan"),
                ],
                max_length=10,
            ),
        ),
    ]
