"""Mails in the bank's mailbox that are read again get a table."""

import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("billing", "0010_bank_and_zelle"),
    ]

    operations = [
        migrations.CreateModel(
            name="BankMailRetry",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("uid", models.BigIntegerField(help_text="Its number in the mailbox.")),
                ("failed_at", models.DateTimeField(help_text="When it failed first.")),
                ("again_at", models.DateTimeField()),
                ("tries", models.PositiveIntegerField(default=1)),
                (
                    "waits_for_keys",
                    models.BooleanField(help_text="DNS didn't answer; nothing's wrong with it."),
                ),
                ("error", models.CharField(help_text="The kind of error.", max_length=100)),
                (
                    "mailbox",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="retries",
                        to="billing.bankmailbox",
                    ),
                ),
            ],
            options={
                "ordering": ["id"],
                "constraints": [
                    models.UniqueConstraint(
                        fields=("mailbox", "uid"), name="billing_bank_mail_retry_once_a_mail"
                    )
                ],
            },
        ),
    ]
