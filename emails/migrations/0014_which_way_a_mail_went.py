"""An email notes which way it went: by another one it would be another email."""

from django.db import migrations, models


class Migration(migrations.Migration):
    """Adds a column that's empty."""

    dependencies = [("emails", "0013_may_have_gone_out")]

    operations = [
        migrations.AddField(
            model_name="message",
            name="tried_by",
            field=models.CharField(
                blank=True,
                db_default="",
                help_text="Which way an email went, and from which domain; the first that may have worked.",
                max_length=300,
            ),
        ),
    ]
