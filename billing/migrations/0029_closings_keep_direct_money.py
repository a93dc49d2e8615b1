"""Closings keep money outside Stripe's balance, and the last check of their chain is kept."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("billing", "0028_replays_of_many_events"),
    ]

    operations = [
        migrations.CreateModel(
            name="BookCheck",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("checked_at", models.DateTimeField()),
                ("closings", models.PositiveIntegerField(default=0)),
                ("problems", models.JSONField(default=list)),
            ],
            options={
                "default_permissions": (),
            },
        ),
        migrations.AddField(
            model_name="bookclosing",
            name="direct",
            field=models.JSONField(db_default=[], default=list),
        ),
        migrations.AddField(
            model_name="bookclosing",
            name="version",
            field=models.PositiveSmallIntegerField(db_default=1, default=2),
        ),
    ]
