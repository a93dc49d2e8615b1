"""A bank's file between its preview and its import."""

from __future__ import annotations

import uuid
from typing import Self

from django.conf import settings
from django.db import models

from billing.models.bank import NAME, BankAccount
from common.reads import Moment


class UploadQuerySet(models.QuerySet["BankUpload"]):
    """Files that were looked at."""

    def older_than(self, moment: Moment) -> Self:
        """Those that nobody imported in time."""
        return self.filter(created_at__lt=moment)


class BankUpload(models.Model):
    """A file that somebody looks at before importing it, and only they.

    It's kept here and not on a disk, which hosts may have read-only, or not share between
    processes. It's deleted by the import, or an hour later.
    """

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    account = models.ForeignKey(BankAccount, on_delete=models.CASCADE, related_name="+")
    name = models.CharField(max_length=NAME)
    content = models.BinaryField()
    created_at = models.DateTimeField(auto_now_add=True)
    created_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="+"
    )

    objects = UploadQuerySet.as_manager()

    class Meta:
        ordering = ["created_at"]
        indexes = [models.Index(fields=["created_at"], name="billing_bank_upload_age")]

    def __str__(self) -> str:
        return self.name
