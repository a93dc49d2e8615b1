"""A refund may be made because the card's bank reports its payment as fraud."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("billing", "0044_closings_keep_other_subscriptions_apart"),
    ]

    operations = [
        migrations.AlterField(
            model_name="refund",
            name="reason",
            field=models.CharField(
                blank=True,
                choices=[
                    ("duplicate", "Duplicate"),
                    ("accidental", "Accidental"),
                    ("not_used", "Not used"),
                    ("not_as_expected", "Not as expected"),
                    ("forgot_to_cancel", "Forgot to cancel"),
                    ("goodwill", "Goodwill"),
                    ("reported_as_fraud", "Reported as fraud"),
                    ("other", "Other"),
                ],
                max_length=20,
            ),
        ),
    ]
