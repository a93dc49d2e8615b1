"""How fast messages go: whose turn is when, and what a message waits for."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("emails", "0010_messages_by_day"),
    ]

    operations = [
        migrations.CreateModel(
            name="Pace",
            fields=[
                (
                    "bucket",
                    models.CharField(max_length=300, primary_key=True, serialize=False),
                ),
                ("next_at", models.DateTimeField()),
                ("held_until", models.DateTimeField(blank=True, null=True)),
            ],
        ),
        migrations.AddField(
            model_name="message",
            name="waits_for",
            field=models.CharField(
                blank=True,
                choices=[
                    ("morning", "the end of the quiet hours"),
                    ("turn", "its turn"),
                    ("provider", "the provider"),
                ],
                db_default="",
                max_length=10,
            ),
        ),
        migrations.AddField(
            model_name="message",
            name="turns_taken",
            field=models.PositiveSmallIntegerField(
                db_default=0,
                help_text="How many of its turns it has: of the mail domain, and of the channel.",
            ),
        ),
        migrations.AlterField(
            model_name="message",
            name="waits_until",
            field=models.DateTimeField(
                blank=True, help_text="It isn’t sent before then.", null=True
            ),
        ),
    ]
