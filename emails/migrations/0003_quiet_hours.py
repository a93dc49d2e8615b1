"""A text that waits for the end of the night says until when."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("emails", "0002_notification_choices"),
    ]

    operations = [
        migrations.AddField(
            model_name="message",
            name="waits_until",
            field=models.DateTimeField(
                blank=True,
                help_text="A text that can wait isn't sent in the quiet hours.",
                null=True,
            ),
        ),
    ]
