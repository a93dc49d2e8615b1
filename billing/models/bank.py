"""What banks said: their files' lines, their mails, and the transfers that both tell of."""

from __future__ import annotations

from typing import Self

from django.conf import settings
from django.db import models
from django.db.models import Q, Sum
from django.db.models.functions import Coalesce

from billing.bank.files.lines import Kind
from billing.core import limits
from billing.core.bank_statuses import AllocationState, Direction, MailState
from billing.models.copy import choices
from billing.models.refund import Refund
from common.money import Money

NAME = 200


class BankAccount(models.Model):
    """An account of the business. `mapping` names the columns of a bank whose files we don't know.

    It's what `billing.bank.files.mapped.Mapping` holds; empty for a bank that we know.
    """

    name = models.CharField(max_length=60, unique=True, help_text="Such as “Chase checking”.")
    currency = models.CharField(max_length=3, default="usd")
    mapping = models.JSONField("columns", default=dict, blank=True)
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ["id"]

    def __str__(self) -> str:
        return self.name


class BankFile(models.Model):
    """A file of account activity that was imported, and what was in it.

    `unreadable` is a list of `{"number", "text", "reason"}`: lines that couldn't be read.
    """

    account = models.ForeignKey(BankAccount, on_delete=models.PROTECT, related_name="files")
    name = models.CharField(max_length=NAME)
    digest = models.CharField(max_length=64, help_text="SHA-256 of its bytes.")
    lines_new = models.PositiveIntegerField("new", default=0)
    lines_known = models.PositiveIntegerField("known before", default=0)
    lines_pending = models.PositiveIntegerField("pending", default=0)
    unreadable = models.JSONField(default=list, blank=True)
    imported_at = models.DateTimeField(auto_now_add=True)
    imported_by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        null=True,
        blank=True,
        on_delete=models.PROTECT,
        related_name="+",
        help_text="Nobody: it was imported by a command.",
    )

    class Meta:
        ordering = ["-id"]
        permissions = [("import_bank_file", "Can import a bank's files")]

    def __str__(self) -> str:
        return self.name


class BankLine(models.Model):
    """A line of an account, stored once however often files have it.

    `identity` is what `billing.bank.files.identity` makes. Amounts and balances are cents; what
    goes out is negative.
    """

    account = models.ForeignKey(BankAccount, on_delete=models.PROTECT, related_name="lines")
    file = models.ForeignKey(BankFile, on_delete=models.PROTECT, related_name="lines")
    identity = models.CharField(max_length=64)
    number = models.PositiveIntegerField("line in the file")
    posted_on = models.DateField()
    amount = models.BigIntegerField()
    description = models.TextField(blank=True)
    kind = models.CharField(max_length=10, choices=choices(Kind))
    name = models.CharField(max_length=NAME, blank=True, help_text="Who it's from or to.")
    transaction = models.CharField(max_length=60, blank=True, help_text="The bank's reference.")
    memo = models.CharField(max_length=500, blank=True)
    balance = models.BigIntegerField(null=True, blank=True, help_text="After this line, in cents.")

    class Meta:
        ordering = ["-posted_on", "-id"]
        constraints = [
            models.UniqueConstraint(
                fields=["account", "identity"], name="billing_bank_line_once_an_account"
            )
        ]
        indexes = [
            models.Index(fields=["account", "-posted_on"], name="billing_bank_line_days"),
            models.Index(fields=["-posted_on", "-id"], name="billing_bank_line_newest"),
        ]

    def __str__(self) -> str:
        return f"{self.posted_on:%Y-%m-%d} {self.money}"

    @property
    def money(self) -> Money:
        """What moved; below zero it went out."""
        return Money(self.amount, self.account.currency)


class BankMail(models.Model):
    """A mail about a transfer, from a bank or from somebody who claims to be one.

    Only a verified mail is unique by its Message-ID and by the bank's number: otherwise a forged
    one could take the place of the true one that comes after it.
    """

    digest = models.CharField(max_length=64, unique=True, help_text="SHA-256 of its bytes.")
    message_id = models.CharField(max_length=998, blank=True)
    content = models.BinaryField(null=True, blank=True, help_text="As it came; emptied later.")
    sender = models.CharField(max_length=320, blank=True, help_text="Its From line, unproved.")
    subject = models.CharField(max_length=500, blank=True)
    state = models.CharField(max_length=10, choices=choices(MailState))
    domain = models.CharField(max_length=253, blank=True, help_text="Whose signature it has.")
    problem = models.CharField(
        max_length=500, blank=True, help_text="Why it doesn't count, or can't be read."
    )
    direction = models.CharField(max_length=3, choices=choices(Direction), blank=True)
    name = models.CharField(max_length=NAME, blank=True, help_text="Who it's from or to.")
    amount = models.BigIntegerField(null=True, blank=True, help_text="Cents, always positive.")
    sent_on = models.DateField(null=True, blank=True)
    transaction = models.CharField(max_length=60, blank=True, help_text="The bank's number.")
    memo = models.CharField(max_length=500, blank=True)
    received_at = models.DateTimeField(auto_now_add=True)
    seen_at = models.DateTimeField(
        null=True, blank=True, help_text="When staff said that they've seen its problem."
    )

    class Meta:
        verbose_name = "bank email"
        ordering = ["-id"]
        constraints = [
            models.UniqueConstraint(
                fields=["message_id"],
                condition=Q(state__in=[MailState.VERIFIED, MailState.UNREADABLE]),
                name="billing_bank_mail_once_by_id",
            ),
            models.UniqueConstraint(
                fields=["direction", "transaction"],
                condition=Q(state=MailState.VERIFIED) & ~Q(transaction=""),
                name="billing_bank_mail_once_by_number",
            ),
        ]

    def __str__(self) -> str:
        return self.subject or self.message_id or str(self.pk)


class TransferQuerySet(models.QuerySet["BankTransfer"]):
    """Transfers by Zelle."""

    def incoming(self) -> Self:
        """Those that brought money."""
        return self.filter(direction=Direction.IN)

    def with_allocated(self) -> Self:
        """Add `counted`: the cents that count for payments or are proposed for them."""
        live = ~Q(allocations__state=AllocationState.UNDONE)
        return self.annotate(counted=Coalesce(Sum("allocations__amount", filter=live), 0))

    def uncounted(self) -> Self:
        """Incoming money that counts for nothing yet, and that nobody set aside."""
        return self.incoming().filter(set_aside_at=None).with_allocated().filter(counted=0)

    def unmatched(self) -> Self:
        """Incoming money of which some counts for nothing yet, and that nobody set aside."""
        rows = self.incoming().filter(set_aside_at=None).with_allocated()
        return rows.filter(counted__lt=models.F("amount"))


class BankTransfer(models.Model):
    """One transfer by Zelle, whoever told of it first. The amount is positive cents.

    `mail` announces it and has the memo; `line` proves that it's on the account.
    """

    direction = models.CharField(max_length=3, choices=choices(Direction))
    amount = models.BigIntegerField()
    currency = models.CharField(max_length=3)
    name = models.CharField(max_length=NAME, blank=True, help_text="Who it's from or to.")
    memo = models.CharField(max_length=500, blank=True)
    on = models.DateField("date")
    mail = models.OneToOneField(
        BankMail, null=True, blank=True, on_delete=models.PROTECT, related_name="transfer"
    )
    line = models.OneToOneField(
        BankLine, null=True, blank=True, on_delete=models.PROTECT, related_name="transfer"
    )
    created_at = models.DateTimeField(auto_now_add=True)
    told_stale_at = models.DateTimeField(
        null=True, blank=True, help_text="When staff heard that no file has had it."
    )
    set_aside_at = models.DateTimeField(null=True, blank=True)
    set_aside_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.PROTECT, related_name="+"
    )
    set_aside_because = models.CharField(max_length=300, blank=True)
    refund = models.OneToOneField(
        Refund,
        null=True,
        blank=True,
        on_delete=models.PROTECT,
        related_name="transfer",
        help_text="The refund that it has proved.",
    )

    objects = TransferQuerySet.as_manager()

    class Meta:
        ordering = ["-on", "-id"]
        permissions = [
            ("match_bank_transfer", "Can match transfers with payments"),
            ("view_bank_money", "Can see the bank's money"),
        ]
        constraints = [
            models.CheckConstraint(condition=Q(amount__gt=0), name="billing_transfer_of_an_amount"),
            models.CheckConstraint(
                condition=Q(mail__isnull=False) | Q(line__isnull=False),
                name="billing_transfer_that_somebody_told_of",
            ),
        ]
        indexes = [
            models.Index(fields=["direction", "amount", "on"], name="billing_transfer_meeting"),
            models.Index(fields=["-on", "-id"], name="billing_transfer_newest"),
        ]

    def __str__(self) -> str:
        return f"{self.money} {'from' if self.direction == Direction.IN else 'to'} {self.name}"

    @property
    def money(self) -> Money:
        """What moved."""
        return Money(self.amount, self.currency)

    @property
    def is_proved(self) -> bool:
        """Whether a file of the account has it."""
        return self.line_id is not None

    @property
    def transaction(self) -> str:
        """The bank's number of it, if it's known."""
        for told in (self.line, self.mail):
            if told and told.transaction:
                return told.transaction
        return ""


class KnownPayer(models.Model):
    """A payer's name that has paid for a member, as a reference or staff confirmed."""

    user = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="known_payers"
    )
    key = models.CharField(max_length=NAME, help_text="What `billing.bank.names.key` makes.")
    name = models.CharField(max_length=NAME)
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ["-id"]
        constraints = [
            models.UniqueConstraint(fields=["user", "key"], name="billing_known_payer_once")
        ]

    def __str__(self) -> str:
        return self.name


class BankMailbox(models.Model):
    """How far we've read a mailbox that the bank's mails come to, and whether that works.

    `mailbox` is user, host, and folder. A new `uid_validity` means that UIDs start over. What
    couldn't be taken in is in `retries`.
    """

    mailbox = models.CharField(max_length=300, unique=True)
    uid_validity = models.BigIntegerField(null=True, blank=True)
    last_uid = models.BigIntegerField(default=0)
    read_at = models.DateTimeField(null=True, blank=True, help_text="When it was last read.")
    failing_since = models.DateTimeField(null=True, blank=True)
    problem = models.CharField(max_length=limits.TEXT, blank=True)

    class Meta:
        ordering = ["id"]
        verbose_name_plural = "bank mailboxes"

    def __str__(self) -> str:
        return self.mailbox
