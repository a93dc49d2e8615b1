"""Refunds of payments by Zelle have steps of their own in the ledger: labels only."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("billing", "0011_bank_mail_retries"),
    ]

    operations = [
        migrations.AlterField(
            model_name="refundentry",
            name="action",
            field=models.CharField(
                choices=[
                    ("requested", "Requested"),
                    ("given", "Given"),
                    ("found", "Found"),
                    ("approved_by_policy", "Approved by policy"),
                    ("approved_first", "Approved first"),
                    ("approved", "Approved"),
                    ("second_asked", "Second asked"),
                    ("denied", "Denied"),
                    ("withdrawn", "Withdrawn"),
                    ("overtaken", "Overtaken"),
                    ("sending", "Sending"),
                    ("refused", "Refused"),
                    ("stripe", "Stripe"),
                    ("reopened", "Reopened"),
                    ("sent_by_zelle", "Sent by zelle"),
                    ("left_account", "Left account"),
                    ("not_sent", "Not sent"),
                ],
                max_length=20,
            ),
        ),
    ]
