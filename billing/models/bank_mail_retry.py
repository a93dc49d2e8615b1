"""Mails in the bank's mailbox that couldn't be taken in when they were read."""

from __future__ import annotations

from django.db import models

from billing.models.bank import BankMailbox


class BankMailRetry(models.Model):
    """A mail that's read again until it can be taken in, or isn't in the mailbox anymore.

    So neither a mail that we can't digest nor one whose keys DNS doesn't tell holds up the others.
    """

    mailbox = models.ForeignKey(BankMailbox, on_delete=models.CASCADE, related_name="retries")
    uid = models.BigIntegerField(help_text="Its number in the mailbox.")
    failed_at = models.DateTimeField(help_text="When it failed first.")
    again_at = models.DateTimeField()
    tries = models.PositiveIntegerField(default=1)
    waits_for_keys = models.BooleanField(help_text="DNS didn't answer; nothing's wrong with it.")
    error = models.CharField(max_length=100, help_text="The kind of error.")

    class Meta:
        ordering = ["id"]
        constraints = [
            models.UniqueConstraint(
                fields=["mailbox", "uid"], name="billing_bank_mail_retry_once_a_mail"
            )
        ]

    def __str__(self) -> str:
        return f"{self.error} at {self.uid}"
