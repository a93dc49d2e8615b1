"""Settings that staff save, as versions that never change, and the pictures they show."""

from __future__ import annotations

from django.conf import settings
from django.core.validators import MinValueValidator
from django.db import models


class Version(models.Model):
    """One version of some settings, with all of their values; the newest is in force.

    `business.versions` saves and compares them. A group of settings is a table of its own: its
    values are typed, and one group's new version can't undo another's.
    """

    version = models.PositiveIntegerField(unique=True, validators=[MinValueValidator(1)])
    made_at = models.DateTimeField("saved", auto_now_add=True)
    made_by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        null=True,
        blank=True,
        on_delete=models.PROTECT,
        related_name="+",
        verbose_name="saved by",
    )
    restores = models.PositiveIntegerField(
        null=True, blank=True, help_text="The earlier version whose values these are."
    )

    class Meta:
        abstract = True
        ordering = ["-version"]

    def __str__(self) -> str:
        return f"Version {self.version}"


class PictureUse(models.TextChoices):
    """What a picture is for, which decides its size and format."""

    LOGO = "logo", "Logo"
    COVER = "cover", "Cover picture"


class Picture(models.Model):
    """A picture as we made it from an upload, in files named after their content.

    The files of a logo besides `file`: `mail` has a background for dark mail programs, and `icon`
    is square, for a browser's tab (empty if the logo is too wide or too tall for it).
    """

    use = models.CharField(max_length=5, choices=PictureUse.choices)
    file = models.CharField(max_length=80, db_index=True)
    width = models.PositiveIntegerField(help_text="In pixels.")
    height = models.PositiveIntegerField(help_text="In pixels.")
    mail = models.CharField(max_length=80, blank=True)
    mail_width = models.PositiveIntegerField(default=0, help_text="In pixels.")
    mail_height = models.PositiveIntegerField(default=0, help_text="In pixels.")
    icon = models.CharField(max_length=80, blank=True)
    is_pale = models.BooleanField(default=False, help_text="Hard to see on a white page.")
    is_dark = models.BooleanField(default=False, help_text="Hard to see on a dark page.")
    made_at = models.DateTimeField("uploaded", auto_now_add=True)
    made_by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        null=True,
        blank=True,
        on_delete=models.PROTECT,
        related_name="+",
        verbose_name="uploaded by",
    )

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["use", "file"], name="business_picture_once")
        ]

    def __str__(self) -> str:
        return f"{self.get_use_display()}, {self.width} × {self.height} pixels"


class BrandVersion(Version):
    """The owner's brand. What's empty is the environment's, where that has it.

    `benefits` is a list of icon, text, and url, and `socials` one of name and url.
    """

    name = models.CharField(max_length=60, blank=True)
    tagline = models.CharField(max_length=140, blank=True)
    color = models.CharField(max_length=7, blank=True)
    logo = models.ForeignKey(
        Picture, null=True, blank=True, on_delete=models.PROTECT, related_name="+"
    )
    cover = models.ForeignKey(
        Picture,
        null=True,
        blank=True,
        on_delete=models.PROTECT,
        related_name="+",
        verbose_name="cover picture",
    )
    cover_alt = models.CharField("description of the cover", max_length=200, blank=True)
    benefits = models.JSONField(default=list, blank=True)
    public_site_url = models.URLField("website", max_length=300, blank=True)
    socials = models.JSONField("social links", default=list, blank=True)
    postal_address = models.TextField(max_length=300, blank=True)
    vat_id = models.CharField("tax ID", max_length=40, blank=True)
    support_email = models.CharField(max_length=254, blank=True)
    support_phone = models.CharField(max_length=40, blank=True)
    support_hours = models.CharField(max_length=140, blank=True)

    class Meta(Version.Meta):
        abstract = False
        verbose_name = "brand version"
        verbose_name_plural = "brand"


class BookAccountsVersion(Version):
    """What the bookkeeping program calls the accounts that a month's journal is posted to.

    `accounts` has a `{"name", "code"}` by what an account is for (`billing.core.book_journal`);
    what's empty is the portal's own.
    """

    accounts = models.JSONField(default=dict, blank=True)
    tax_rate = models.CharField("tax rate in Xero", max_length=60, blank=True)

    class Meta(Version.Meta):
        abstract = False
        verbose_name = "version of the accounts"
        verbose_name_plural = "accounts of the journal"


class SuggestionsVersion(Version):
    """Amounts that are offered with one click, in minor units of `currency`.

    Null: the environment's. An empty list: none are offered.
    """

    currency = models.CharField(max_length=3, blank=True)
    amounts = models.JSONField("suggested amounts", null=True, blank=True)

    class Meta(Version.Meta):
        abstract = False
        verbose_name = "version of the suggested amounts"
        verbose_name_plural = "suggested amounts"


def _days(name: str) -> models.PositiveIntegerField[int | None, int | None]:
    return models.PositiveIntegerField(name, null=True, blank=True, help_text="In days.")


class QuietHoursVersion(Version):
    """The hours in which texts that can wait aren't sent; the same hour twice is never.

    Null: the environment's.
    """

    begins = models.PositiveSmallIntegerField("from", null=True, blank=True)
    ends = models.PositiveSmallIntegerField("until", null=True, blank=True)

    class Meta(Version.Meta):
        abstract = False
        verbose_name = "version of the quiet hours"
        verbose_name_plural = "quiet hours"
        constraints = [
            models.CheckConstraint(
                condition=models.Q(begins=None, ends=None)
                | models.Q(begins__range=(0, 23), ends__range=(0, 23)),
                name="business_quiet_hours_are_hours",
            )
        ]


class AttachmentsVersion(Version):
    """Which emails bring their PDF. Null: the environment's."""

    receipts = models.BooleanField("receipts as PDF", null=True, blank=True)

    class Meta(Version.Meta):
        abstract = False
        verbose_name = "version of the attachments"
        verbose_name_plural = "attachments"


class RetentionVersion(Version):
    """How many days records are kept before the nightly jobs delete them. Null: as set outside."""

    messages = _days("messages")
    payloads = _days("data of events and bank emails")
    sign_ins = _days("sign-ins and account activity")
    devices = _days("known browsers")
    jobs = _days("failed jobs")

    class Meta(Version.Meta):
        abstract = False
        verbose_name = "version of the retention"
        verbose_name_plural = "retention"


class LocaleVersion(Version):
    """Where the business is, and how it writes. Empty: the environment's.

    `languages` are the codes of those that pages are offered in; null is all that have a catalog.
    """

    locale = models.CharField("numbers and dates", max_length=20, blank=True)
    time_zone = models.CharField(max_length=64, blank=True)
    country = models.CharField(max_length=2, blank=True)
    language = models.CharField(max_length=20, blank=True)
    languages = models.JSONField("offered languages", null=True, blank=True)

    class Meta(Version.Meta):
        abstract = False
        verbose_name = "version of time and place"
        verbose_name_plural = "time and place"
