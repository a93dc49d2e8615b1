"""A yes or no to texts keeps the words that it's about, and the address that it came from."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("members", "0009_helping_to_sign_in"),
    ]

    operations = [
        migrations.AddField(
            model_name="smsconsentrecord",
            name="words",
            field=models.TextField(
                blank=True,
                db_default="",
                help_text="What they were shown, or what their text said.",
            ),
        ),
        migrations.AddField(
            model_name="smsconsentrecord",
            name="ip",
            field=models.GenericIPAddressField(blank=True, null=True, verbose_name="IP address"),
        ),
    ]
