"""Adds the staff's pauses of payments to decisions about a membership."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("billing", "0030_answers_to_disputes"),
    ]

    operations = [
        migrations.AddField(
            model_name="membershipdecision",
            name="pause_behavior",
            field=models.CharField(
                blank=True,
                choices=[
                    ("keep_as_draft", "Keep as draft"),
                    ("mark_uncollectible", "Mark uncollectible"),
                    ("void", "Void"),
                ],
                db_default="",
                default="",
                help_text="What becomes of new invoices while payments are paused.",
                max_length=100,
            ),
        ),
        migrations.AlterField(
            model_name="membershipdecision",
            name="action",
            field=models.CharField(
                choices=[
                    ("cancel", "Cancel"),
                    ("resume", "Resume"),
                    ("cancel_now", "Cancel now"),
                    ("switch", "Switch"),
                    ("stay", "Stay"),
                    ("extend", "Extend"),
                    ("discount", "Discount"),
                    ("undiscount", "Undiscount"),
                    ("pause", "Pause"),
                    ("unpause", "Unpause"),
                ],
                max_length=10,
            ),
        ),
        migrations.AlterField(
            model_name="membershipdecision",
            name="until",
            field=models.DateTimeField(
                blank=True,
                help_text="When an extended trial ends, or paused payments resume.",
                null=True,
            ),
        ),
    ]
