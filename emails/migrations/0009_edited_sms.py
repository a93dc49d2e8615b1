"""What staff write in place of a text message."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("emails", "0008_suppressions"),
    ]

    operations = [
        migrations.AddField(
            model_name="editedtext",
            name="sms",
            field=models.CharField(blank=True, max_length=400, verbose_name="text message"),
        ),
    ]
