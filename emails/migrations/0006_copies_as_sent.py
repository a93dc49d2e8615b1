"""A message's copy as it was sent is kept as long as the message."""

import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("emails", "0005_short_links"),
    ]

    operations = [
        migrations.CreateModel(
            name="SentCopy",
            fields=[
                (
                    "message",
                    models.OneToOneField(
                        on_delete=django.db.models.deletion.CASCADE,
                        primary_key=True,
                        related_name="sent_copy",
                        serialize=False,
                        to="emails.message",
                    ),
                ),
                ("subject", models.CharField(blank=True, max_length=255)),
                ("html", models.TextField(blank=True)),
                ("text", models.TextField()),
            ],
        ),
    ]
