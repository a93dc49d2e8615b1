"""The member's profile (one row per user, created by the database itself) and the records we must
keep: who agreed to text messages and to our terms, which codes were sent where, who signed in.
"""

from __future__ import annotations

from django.conf import settings
from django.db import models
from django.utils import timezone
from phonenumber_field.modelfields import PhoneNumberField


class ConsentSource(models.TextChoices):
    """Where a member agreed to text messages."""

    SIGNUP = "signup", "Sign-up"
    ACCOUNT = "account", "Account page"
    REPLY = "reply", "Reply by text message"


class Member(models.Model):
    """What we know about a user besides their login.

    A database trigger (migration `members.0002`) makes the row whenever a user is inserted, whether
    by sign-up, admin, shell, `bulk_create`, or SQL. So the columns have defaults in the database.
    All times are UTC.
    """

    user = models.OneToOneField(
        settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="member"
    )
    phone = PhoneNumberField("phone number", blank=True, default="", db_default="")
    phone_verified_at = models.DateTimeField(null=True, blank=True)
    sms_consent_at = models.DateTimeField("agreed to text messages", null=True, blank=True)
    sms_consent_source = models.CharField(
        max_length=10, choices=ConsentSource.choices, blank=True, db_default=""
    )
    sms_stopped_at = models.DateTimeField(
        "stopped text messages",
        null=True,
        blank=True,
        help_text="Set when the member replies STOP or switches text messages off.",
    )
    language = models.CharField(max_length=10, db_default="en")
    time_zone = models.CharField(
        max_length=64,
        blank=True,
        db_default="",
        help_text="IANA name, for instance America/New_York. Empty: the business's own.",
    )

    class Meta:
        permissions = [
            ("correct_contact", "Can correct a member's email address and phone number"),
            ("help_sign_in", "Can sign a member out everywhere, and email them a sign-in link"),
        ]
        constraints = [
            models.UniqueConstraint(
                fields=["phone"],
                condition=models.Q(phone_verified_at__isnull=False),
                name="members_verified_phone_is_unique",
                violation_error_message="Another member has verified this phone number.",
            ),
        ]

    def __str__(self) -> str:
        return str(self.user.get_full_name() or self.user.email or self.user.get_username())

    @property
    def phone_is_verified(self) -> bool:
        """Whether the number was confirmed by a code sent to it."""
        return bool(self.phone) and self.phone_verified_at is not None

    @property
    def accepts_sms(self) -> bool:
        """Whether we may send texts: a verified number, an agreement, and no STOP."""
        return (
            self.phone_is_verified
            and self.sms_consent_at is not None
            and self.sms_stopped_at is None
        )

    @property
    def agreed_to_sms(self) -> bool:
        """Whether the latest answer on texts was yes, verified number or not."""
        return self.sms_consent_at is not None and self.sms_stopped_at is None


class SmsConsentRecord(models.Model):
    """One yes or no to text messages, as it was given. Rows are only ever added."""

    member = models.ForeignKey(Member, on_delete=models.CASCADE, related_name="sms_consents")
    agreed = models.BooleanField()
    source = models.CharField(max_length=10, choices=ConsentSource.choices)
    phone = PhoneNumberField("phone number at that time", blank=True)
    words = models.TextField(
        blank=True, db_default="", help_text="What they were shown, or what their text said."
    )
    ip = models.GenericIPAddressField("IP address", null=True, blank=True)
    happened_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        verbose_name = "text message consent"
        ordering = ["-id"]

    def __str__(self) -> str:
        return f"{'Agreed' if self.agreed else 'Stopped'}, {self.get_source_display()}"


class PhoneCode(models.Model):
    """A code that was texted to a number, as counted by the caps of `members.signin.sms_limits`.

    The code itself isn't kept. Rows are deleted after a week.
    """

    user = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, on_delete=models.SET_NULL, related_name="phone_codes"
    )
    phone = PhoneNumberField("phone number")
    country = models.CharField(max_length=2, help_text="ISO code of the number's country.")
    client = models.CharField(
        "client network", max_length=45, help_text="IPv4 address, or the /64 of an IPv6 address."
    )
    sent_at = models.DateTimeField(auto_now_add=True, db_index=True)

    class Meta:
        verbose_name = "phone code sent"
        verbose_name_plural = "phone codes sent"
        ordering = ["-id"]

    def __str__(self) -> str:
        return f"{self.phone} at {self.sent_at:%Y-%m-%d %H:%M}"


class SignIn(models.Model):
    """One sign-in. Kept for `SIGN_INS_KEPT_DAYS`, then deleted.

    allauth's sessions end at sign-out; a dispute asks months later who used the account.
    """

    user = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="sign_ins"
    )
    happened_at = models.DateTimeField(auto_now_add=True, db_index=True)
    ip = models.GenericIPAddressField("IP address")
    user_agent = models.CharField("browser", max_length=500, blank=True)
    method = models.CharField(
        max_length=100, blank=True, help_text="How: password, code by email, second step."
    )

    class Meta:
        verbose_name = "sign-in"
        ordering = ["-id"]

    def __str__(self) -> str:
        return f"Sign-in from {self.ip}"


class Device(models.Model):
    """A browser that has signed in as a user and has its own limits (`members.signin.devices`).

    Kept for `DEVICES_KEPT_DAYS` after its last sign-in.
    """

    user = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="devices"
    )
    browser = models.UUIDField(help_text="What its cookie holds, whoever signs in with it.")
    password = models.CharField(
        "fingerprint of the password", max_length=64, help_text="A new password ends the row."
    )
    created_at = models.DateTimeField(auto_now_add=True)
    seen_at = models.DateTimeField("last signed in", db_index=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["user", "browser"], name="members_device_once"),
        ]
        indexes = [models.Index(fields=["browser"], name="members_device_browser")]

    def __str__(self) -> str:
        return f"Device of user {self.user_id}"


class ActivityKind(models.TextChoices):
    """What changed about an account or its membership, as its owner's list of activity says."""

    EMAIL = "email", "Email address"
    PHONE = "phone", "Phone number"
    PHONE_REMOVED = "phone_removed", "Phone number removed"
    TEXTS_ON = "texts_on", "Text messages on"
    TEXTS_OFF = "texts_off", "Text messages off"
    NOTIFICATIONS = "notifications", "Notifications"
    PASSWORD = "password", "Password"  # a word, not one
    APP_ADDED = "app_added", "Authenticator app added"
    APP_REMOVED = "app_removed", "Authenticator app removed"
    PASSKEY_ADDED = "passkey_added", "Passkey added"
    PASSKEY_REMOVED = "passkey_removed", "Passkey removed"
    CONNECTED = "connected", "Google or Apple connected"
    DISCONNECTED = "disconnected", "Google or Apple disconnected"
    CODES_MADE = "codes_made", "New recovery codes"
    CODE_USED = "code_used", "Recovery code used"
    STEPS_REMOVED = "steps_removed", "Second step removed"
    SIGNED_OUT = "signed_out", "Signed out everywhere"
    CARD = "card", "Card"
    CARD_ADDED = "card_added", "Card added"
    CARD_REMOVED = "card_removed", "Card removed"
    JOINED = "joined", "Membership started"
    ENDING = "ending", "Membership set to end"
    KEPT = "kept", "Membership kept"
    SWITCHED = "switched", "Other price"
    PAUSED = "paused", "Payments paused"
    RESUMED = "resumed", "Payments resumed"
    ENDED = "ended", "Membership ended"


class ActivityBy(models.TextChoices):
    """Who changed it."""

    MEMBER = "member", "The member"
    STAFF = "staff", "Staff"
    STRIPE = "stripe", "Stripe or the bank"


class AccountActivity(models.Model):
    """One change of an account or its membership. Kept for `SIGN_INS_KEPT_DAYS`, then deleted.

    Sign-ins have rows of their own (`SignIn`).
    """

    user = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="activity"
    )
    kind = models.CharField(max_length=20, choices=ActivityKind.choices)
    by = models.CharField(
        max_length=10, choices=ActivityBy.choices, blank=True, help_text="Empty if unknown."
    )
    detail = models.CharField(
        max_length=200, blank=True, help_text="A passkey’s name, a provider, a card, or a plan."
    )
    ip = models.GenericIPAddressField("IP address", null=True, blank=True)
    user_agent = models.CharField("browser", max_length=500, blank=True)
    happened_at = models.DateTimeField(default=timezone.now, db_index=True)

    class Meta:
        verbose_name_plural = "account activity"
        ordering = ["-happened_at", "-id"]
        indexes = [models.Index(fields=["user", "-happened_at"], name="members_activity_of_user")]

    def __str__(self) -> str:
        return self.get_kind_display()


class AccessOrigin(models.TextChoices):
    """How a staff account was changed."""

    STAFF = "staff", "By staff, on the staff site"
    OWN = "own", "By themselves"
    MAILBOX = "mailbox", "By a code sent to their email, and nothing else"
    COMMAND = "command", "At the server’s command line"


class AccessChange(models.Model):
    """One change of a staff account, or of one opened for staff. Rows are only ever added."""

    user = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="access_changes"
    )
    actor = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        null=True,
        on_delete=models.SET_NULL,
        related_name="+",
        help_text="Who did it, where that is known.",
    )
    origin = models.CharField(
        "way", max_length=10, choices=AccessOrigin.choices, default=AccessOrigin.STAFF
    )
    what = models.TextField()
    holds = models.BooleanField(
        "decides on no money for a day",
        default=True,
        help_text="Their own changes don’t hold them up.",
    )
    happened_at = models.DateTimeField(auto_now_add=True, db_index=True)

    class Meta:
        ordering = ["-id"]
        permissions = [("manage_staff", "Can decide who is on the team, and what they may do")]

    def __str__(self) -> str:
        return self.what


class AgreedWhere(models.TextChoices):
    """Where a member agreed to the terms."""

    SIGNUP = "signup", "Sign-up"
    JOIN = "join", "Joining the membership"


class TermsAcceptance(models.Model):
    """A member's yes to one version of the terms. Rows are only ever added, one per version."""

    user = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="terms_accepted"
    )
    version = models.CharField(max_length=100)
    url = models.URLField("address of the terms", max_length=500)
    where = models.CharField(max_length=10, choices=AgreedWhere.choices)
    ip = models.GenericIPAddressField("IP address", null=True, blank=True)
    happened_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        verbose_name = "terms accepted"
        verbose_name_plural = "terms accepted"
        ordering = ["-id"]
        constraints = [
            models.UniqueConstraint(fields=["user", "version"], name="members_terms_once"),
        ]

    def __str__(self) -> str:
        return f"Terms of {self.version}"
