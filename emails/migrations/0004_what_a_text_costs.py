"""A text keeps how many segments it took, and what Twilio says it cost."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("emails", "0003_quiet_hours"),
    ]

    operations = [
        migrations.AddField(
            model_name="message",
            name="segments",
            field=models.PositiveSmallIntegerField(
                blank=True, help_text="How many segments a text is billed as.", null=True
            ),
        ),
        migrations.AddField(
            model_name="message",
            name="price",
            field=models.DecimalField(
                blank=True,
                decimal_places=5,
                help_text="What a text cost. Twilio bills fractions of a cent, and tells it later.",
                max_digits=10,
                null=True,
            ),
        ),
        migrations.AddField(
            model_name="message",
            name="price_currency",
            field=models.CharField(blank=True, db_default="", max_length=3),
        ),
        migrations.AddIndex(
            model_name="message",
            index=models.Index(
                condition=models.Q(("channel", "sms"), ("price__isnull", True)),
                fields=["sent_at"],
                name="emails_message_unpriced",
            ),
        ),
    ]
