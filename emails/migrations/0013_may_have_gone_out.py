"""An email that nobody answered for notes since when it may have gone out."""

from django.db import migrations, models


class Migration(migrations.Migration):
    """Adds a column that's empty."""

    dependencies = [("emails", "0012_waiting_for_more")]

    operations = [
        migrations.AddField(
            model_name="message",
            name="unknown_since",
            field=models.DateTimeField(
                blank=True,
                help_text="When an email may have gone out first; empty once it’s known whether it did.",
                null=True,
            ),
        ),
    ]
