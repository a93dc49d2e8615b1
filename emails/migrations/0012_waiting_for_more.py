"""A message that waits for what may follow it right away says so."""

from django.db import migrations, models


class Migration(migrations.Migration):
    """Adds a choice; the column stays as it is."""

    dependencies = [("emails", "0011_pace")]

    operations = [
        migrations.AlterField(
            model_name="message",
            name="waits_for",
            field=models.CharField(
                blank=True,
                choices=[
                    ("morning", "the end of the quiet hours"),
                    ("turn", "its turn"),
                    ("provider", "the provider"),
                    ("more", "what may follow it"),
                ],
                db_default="",
                max_length=10,
            ),
        ),
    ]
