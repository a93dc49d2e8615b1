"""The outbox: every message we owe someone, and what became of it."""

from __future__ import annotations

from datetime import datetime

from django.conf import settings
from django.db import models
from django.db.models.functions import Now
from django.utils import timezone


class Channel(models.TextChoices):
    """How a message travels."""

    EMAIL = "email", "Email"
    SMS = "sms", "Text message"


class MessageState(models.TextChoices):
    """From the outbox to the member. `failed` is final; staff may resend.

    `skipped`: when its turn came, it was no longer true, or the member didn't want it.
    """

    QUEUED = "queued", "Queued"
    SENDING = "sending", "Sending"
    SENT = "sent", "Sent"
    DELIVERED = "delivered", "Delivered"
    FAILED = "failed", "Failed"
    SKIPPED = "skipped", "Not needed"


class NotificationChoice(models.Model):
    """A member's answer on one topic by one channel (`emails.topics`). Without a row, it's on."""

    user = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="notification_choices"
    )
    topic = models.CharField(max_length=40)
    channel = models.CharField(max_length=5, choices=Channel.choices)
    is_on = models.BooleanField()
    changed_at = models.DateTimeField(auto_now=True)

    class Meta:
        ordering = ["topic", "channel"]
        constraints = [
            models.UniqueConstraint(fields=["user", "topic", "channel"], name="emails_choice_once"),
        ]

    def __str__(self) -> str:
        return f"{self.topic} by {self.channel}: {'on' if self.is_on else 'off'}"


class SuppressionReason(models.TextChoices):
    """Why we don't write to an address unless we have to."""

    BOUNCED = "bounced", "Emails bounce"
    COMPLAINED = "complained", "Marked as spam"


class SuppressionSource(models.TextChoices):
    """Who said so."""

    SERVER = "server", "Mail server"
    MAILBOX = "mailbox", "Mailbox of bounces"
    PROVIDER = "provider", "Email provider"


class Suppression(models.Model):
    """An address of a member's that gets only the emails they need, until it's released."""

    user = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="suppressions"
    )
    address = models.CharField(max_length=254)
    reason = models.CharField(max_length=10, choices=SuppressionReason.choices)
    source = models.CharField(max_length=10, choices=SuppressionSource.choices)
    words = models.CharField(
        max_length=500, blank=True, help_text="What the mail server or the provider said."
    )
    message = models.ForeignKey(
        "emails.Message", null=True, on_delete=models.SET_NULL, related_name="suppressions"
    )
    happened_at = models.DateTimeField(default=timezone.now)
    released_at = models.DateTimeField(null=True, blank=True)
    released_by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        null=True,
        blank=True,
        on_delete=models.SET_NULL,
        related_name="+",
        help_text="Who said that the address works: the member, or somebody on the staff.",
    )

    class Meta:
        ordering = ["-id"]
        verbose_name = "suppressed address"
        verbose_name_plural = "suppressed addresses"
        constraints = [
            models.UniqueConstraint(
                fields=["address"],
                condition=models.Q(released_at__isnull=True),
                name="emails_suppression_once",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.address}: {self.get_reason_display().lower()}"


class BounceMailbox(models.Model):
    """How far we've read the mailbox that mails come back to, and whether that works."""

    mailbox = models.CharField(max_length=300, unique=True)
    uid_validity = models.BigIntegerField(null=True, blank=True)
    last_uid = models.BigIntegerField(default=0)
    read_at = models.DateTimeField(null=True, blank=True)
    failing_since = models.DateTimeField(null=True, blank=True)
    problem = models.CharField(max_length=500, blank=True)

    class Meta:
        ordering = ["id"]
        verbose_name_plural = "bounce mailboxes"

    def __str__(self) -> str:
        return self.mailbox


class Pace(models.Model):
    """Whose turn is when: in a channel, or a mail domain (`emails.pacing`)."""

    bucket = models.CharField(max_length=300, primary_key=True)
    next_at = models.DateTimeField()
    held_until = models.DateTimeField(null=True, blank=True)

    def __str__(self) -> str:
        return self.bucket


class WaitsFor(models.TextChoices):
    """What a message waits for, as staff read it."""

    MORNING = "morning", "the end of the quiet hours"
    TURN = "turn", "its turn"
    PROVIDER = "provider", "the provider"
    MORE = "more", "what may follow it"


class Message(models.Model):
    """One message to one person through one channel, made once per cause.

    The text is rendered from `context` (JSON) when it's sent. `dedupe_key` names kind, cause, and
    channel, so a cause seen twice makes one message. The outbox inserts rows with SQL, so columns
    that it leaves out have their default in the database.
    """

    user = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        null=True,
        blank=True,
        on_delete=models.SET_NULL,
        related_name="messages_sent",
    )
    channel = models.CharField(max_length=5, choices=Channel.choices)
    kind = models.CharField(max_length=40)
    recipient = models.CharField(max_length=254, help_text="Email address or E.164 number.")
    subject = models.CharField(
        max_length=255, blank=True, help_text="Empty where it would show a code."
    )
    context = models.JSONField(default=dict)
    cause = models.CharField(
        max_length=255,
        blank=True,
        db_default="",
        help_text="What it is about: begins with the id of an invoice, a refund, a subscription.",
    )
    dedupe_key = models.CharField(max_length=255, unique=True)
    state = models.CharField(
        max_length=10, choices=MessageState.choices, db_default=MessageState.QUEUED
    )
    attempts = models.PositiveIntegerField(db_default=0)
    error = models.TextField(blank=True, db_default="")
    is_our_fault = models.BooleanField(
        db_default=False,
        help_text="The last attempt was refused because of us, not of the recipient.",
    )
    provider_id = models.CharField(
        max_length=255,
        blank=True,
        db_default="",
        db_index=True,
        help_text="Message-ID or Twilio SID.",
    )
    provider_status = models.CharField(max_length=40, blank=True, db_default="")
    link_key = models.CharField(
        max_length=9,
        null=True,
        blank=True,
        unique=True,
        help_text="The first letters of a text’s short addresses.",
    )
    says_stop = models.BooleanField(
        null=True,
        blank=True,
        help_text="Whether a text says how to stop texts; decided when it’s first sent.",
    )
    country = models.CharField(
        max_length=2, blank=True, db_default="", help_text="ISO code of a number’s country."
    )
    segments = models.PositiveSmallIntegerField(
        null=True, blank=True, help_text="How many segments a text is billed as."
    )
    price = models.DecimalField(
        max_digits=10,
        decimal_places=5,
        null=True,
        blank=True,
        help_text="What a text cost. Twilio bills fractions of a cent, and tells it later.",
    )
    price_currency = models.CharField(max_length=3, blank=True, db_default="")
    resend_of = models.ForeignKey(
        "self", null=True, blank=True, on_delete=models.SET_NULL, related_name="resends"
    )
    resent_by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        null=True,
        blank=True,
        on_delete=models.SET_NULL,
        related_name="+",
        help_text="Who of the staff had it sent again.",
    )
    created_at = models.DateTimeField(db_default=Now(), editable=False)
    expires_at = models.DateTimeField(
        null=True, blank=True, help_text="Not sent after this: its code would not work any more."
    )
    waits_until = models.DateTimeField(
        null=True, blank=True, help_text="It isn’t sent before then."
    )
    waits_for = models.CharField(max_length=10, choices=WaitsFor.choices, blank=True, db_default="")
    turns_taken = models.PositiveSmallIntegerField(
        db_default=0,
        help_text="How many of its turns it has: of the mail domain, and of the channel.",
    )
    sending_at = models.DateTimeField(null=True, blank=True)
    unknown_since = models.DateTimeField(
        null=True,
        blank=True,
        help_text="When an email may have gone out first; empty once it’s known whether it did.",
    )
    tried_by = models.CharField(
        max_length=300,
        blank=True,
        db_default="",
        help_text="Which way an email went, and from which domain; the first that may have worked.",
    )
    sent_at = models.DateTimeField(null=True, blank=True)
    delivered_at = models.DateTimeField(null=True, blank=True)
    empty_when_done = models.BooleanField(
        db_default=False, help_text="It is about somebody who has left: nothing of it is kept."
    )
    emptied_at = models.DateTimeField(
        null=True, blank=True, help_text="When recipient and words were taken out of it."
    )

    # What was handed over, until it's kept.
    as_sent: SentCopy | None = None

    class Meta:
        ordering = ["-id"]
        indexes = [
            # The days of lists, and the months of statistics.
            models.Index(fields=["created_at"], name="emails_message_created"),
            models.Index(
                fields=["created_at"],
                condition=models.Q(state__in=["queued", "sending"]),
                name="emails_message_open",
            ),
            models.Index(
                fields=["recipient", "id"],
                condition=models.Q(state__in=["queued", "sending"]),
                name="emails_message_order",
            ),
            models.Index(
                fields=["sent_at"],
                condition=models.Q(channel="sms", price__isnull=True),
                name="emails_message_unpriced",
            ),
            models.Index(
                fields=["sending_at"],
                condition=models.Q(channel="sms"),
                name="emails_message_texts",
            ),
            models.Index(
                fields=["recipient", "sending_at"],
                condition=models.Q(says_stop=True),
                name="emails_message_stops",
            ),
        ]

    def __str__(self) -> str:
        what = self.kind.replace("_", " ").capitalize()
        return f"{what}, to {self.recipient}" if self.recipient else what

    @property
    def is_waiting(self) -> bool:
        """Whether it waits for a moment that's known."""
        is_queued = self.state == MessageState.QUEUED
        return is_queued and self.waits_until is not None and self.waits_until > timezone.now()

    def is_ahead_of_its_turn(self, now: datetime) -> bool:
        """Whether it has a turn that's still to come."""
        is_for_turn = self.waits_for == WaitsFor.TURN and self.turns_taken > 0
        return is_for_turn and self.waits_until is not None and self.waits_until > now


class SentCopy(models.Model):
    """A message as it was sent, kept as long as the message itself (`emails.copies`)."""

    message = models.OneToOneField(
        Message, on_delete=models.CASCADE, primary_key=True, related_name="sent_copy"
    )
    subject = models.CharField(max_length=255, blank=True)
    html = models.TextField(blank=True)
    text = models.TextField()

    def __str__(self) -> str:
        return f"As sent: {self.message}"


class EditedText(models.Model):
    """What staff wrote in place of a kind's subject, opening, or text message, in one language.

    Rows stay, and the newest is in force. What's empty is the original. `days` names the
    placeholders that are written as days.
    """

    kind = models.CharField(max_length=40)
    language = models.CharField(max_length=20)
    version = models.PositiveIntegerField()
    subject = models.CharField(max_length=120, blank=True)
    lead = models.CharField("opening", max_length=600, blank=True)
    sms = models.CharField("text message", max_length=400, blank=True)
    days = models.JSONField(default=list, blank=True)
    made_at = models.DateTimeField("saved", auto_now_add=True)
    made_by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        null=True,
        blank=True,
        on_delete=models.PROTECT,
        related_name="+",
        verbose_name="saved by",
    )

    class Meta:
        ordering = ["kind", "language", "-version"]
        constraints = [
            # Of two authors who save at the same moment, one gets the number.
            models.UniqueConstraint(
                fields=["kind", "language", "version"], name="emails_editedtext_version"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.kind.replace('_', ' ').capitalize()} ({self.language})"
