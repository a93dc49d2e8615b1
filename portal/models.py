"""What concerns the whole portal: its problems, staff, and copies of members' data."""

from __future__ import annotations

import uuid
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Self

from django.conf import settings
from django.contrib.auth.models import Group, User
from django.db import models
from django.db.models.functions import Lower
from django.utils import timezone

from members import numbers

# How long a copy of someone's data can be fetched.
EXPORT_KEPT = timedelta(days=7)


class Problem(models.Model):
    """One problem, from first seen until gone. Staff get one email about it.

    `key` names the problem (`drift`, `job:billing.tasks.sweep_inbox`); at most one row per key is
    open. `portal.backoffice.problems` finds them.
    """

    key = models.CharField(max_length=200)
    text = models.TextField(help_text="As staff were told.")
    seen_at = models.DateTimeField("first seen", auto_now_add=True)
    solved_at = models.DateTimeField("solved", null=True, blank=True)

    class Meta:
        ordering = ["-id"]
        constraints = [
            models.UniqueConstraint(
                fields=["key"],
                condition=models.Q(solved_at=None),
                name="portal_problem_open_once",
            ),
        ]

    def __str__(self) -> str:
        return self.text


class Outcome(StrEnum):
    """What a check of the doctor's found; the value is stored, and printed as JSON."""

    OK = "ok"
    WARN = "warn"
    FAIL = "fail"
    UNKNOWN = "unknown"


class Diagnosis(models.Model):
    """One run of the doctor (`portal.doctor`): its findings so far, all of them once it's finished.

    Nothing in it is secret, and nothing is about a person.
    """

    asked_at = models.DateTimeField(auto_now_add=True)
    begun_at = models.DateTimeField(null=True, blank=True)
    finished_at = models.DateTimeField(null=True, blank=True)
    findings = models.JSONField(default=list, blank=True)

    class Meta:
        ordering = ["-id"]
        verbose_name = "check-up"

    def __str__(self) -> str:
        return f"Check-up {self.pk}"

    @property
    def failures(self) -> list[dict[str, str]]:
        """The findings of what doesn't work."""
        return [one for one in self.findings if one["outcome"] == Outcome.FAIL]


class Download(models.Model):
    """A list that somebody of the staff took away as a file.

    `filters` says in words which rows were chosen; it may name a member who was searched for.
    `rows` is empty while the file is sent, and for good if it never began.
    """

    by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    at = models.DateTimeField(auto_now_add=True)
    what = models.CharField(max_length=200)
    model = models.CharField(max_length=100, help_text="Whose list it is, as app.model.")
    kind = models.CharField("format", max_length=10)
    filters = models.TextField(blank=True)
    rows = models.PositiveIntegerField(null=True, blank=True)

    class Meta:
        ordering = ["-id"]
        default_permissions = ("view",)

    def __str__(self) -> str:
        return f"{self.what[:1].upper()}{self.what[1:]} as {self.kind.upper()}"


class SavedViewQuerySet(models.QuerySet["SavedView"]):
    """Lists under a name."""

    def visible_to(self, user: User) -> Self:
        """Somebody's own, and those that are shared."""
        return self.filter(models.Q(owner=user) | models.Q(is_shared=True))


class SavedView(models.Model):
    """A list as somebody of the staff filtered, searched, and sorted it, under a name.

    `filters` has pairs of name and value, as in the list's address.
    """

    owner = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="saved_views"
    )
    model = models.CharField(max_length=100, help_text="Whose list it is, as app.model.")
    name = models.CharField(max_length=40)
    filters = models.JSONField(default=list)
    is_shared = models.BooleanField("shared with the team", default=False)
    is_default = models.BooleanField(
        "opens the list", default=False, help_text="Whether its owner's list opens with it."
    )

    objects = SavedViewQuerySet.as_manager()

    class Meta:
        ordering = ["model", "name"]
        permissions = [("share_savedview", "Can share saved views with the team")]
        constraints = [
            models.UniqueConstraint(
                fields=["owner", "model", "name"], name="portal_saved_view_once"
            ),
            models.UniqueConstraint(
                fields=["owner", "model"],
                condition=models.Q(is_default=True),
                name="portal_saved_view_one_default",
            ),
        ]

    def __str__(self) -> str:
        return self.name


class StaffRole(models.Model):
    """Which group is one of the standard ones; its name is for people, and theirs to change."""

    key = models.CharField(max_length=20, primary_key=True)
    group = models.OneToOneField(Group, on_delete=models.CASCADE)

    def __str__(self) -> str:
        return self.key


class InvitationState(models.TextChoices):
    """What became of an invitation to the team."""

    WAITING = "waiting", "Waiting"
    ACCEPTED = "accepted", "Accepted"
    WITHDRAWN = "withdrawn", "Withdrawn"


class StaffInvitation(models.Model):
    """An invitation to the team, for one address and one role. Times are UTC.

    `digest` is of the link's secret, which only the email has. Sending again makes a new secret.
    """

    email = models.CharField("email address", max_length=254)
    role = models.ForeignKey(StaffRole, on_delete=models.PROTECT, related_name="invitations")
    invited_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, on_delete=models.SET_NULL, related_name="+"
    )
    digest = models.CharField(max_length=64, unique=True)
    state = models.CharField(
        max_length=10, choices=InvitationState.choices, default=InvitationState.WAITING
    )
    created_at = models.DateTimeField(default=timezone.now)
    sent_at = models.DateTimeField("sent", default=timezone.now)
    expires_at = models.DateTimeField("works until")
    ended_at = models.DateTimeField(null=True, blank=True)
    user = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        null=True,
        blank=True,
        on_delete=models.CASCADE,
        related_name="+",
        help_text="Who accepted it.",
    )

    class Meta:
        ordering = ["-id"]
        verbose_name = "invitation"
        constraints = [
            models.UniqueConstraint(
                Lower("email"),
                condition=models.Q(state="waiting"),
                name="portal_invitation_waits_once",
            ),
        ]

    def __str__(self) -> str:
        return f"Invitation of {self.email}"


class ExportState(models.TextChoices):
    """What became of a copy of someone's data."""

    WAITING = "waiting", "Being made"
    READY = "ready", "Ready"
    FAILED = "failed", "Failed"


class DataExportQuerySet(models.QuerySet["DataExport"]):
    """Copies of members' data."""

    def waiting(self) -> Self:
        """Those that the worker hasn't made yet."""
        return self.filter(state=ExportState.WAITING)

    def ready(self, now: datetime) -> Self:
        """Those that can be fetched."""
        return self.filter(state=ExportState.READY, expires_at__gt=now)

    def since(self, moment: datetime) -> Self:
        """Those that were asked for since then, and didn't fail because of us."""
        return self.filter(created_at__gt=moment).exclude(state=ExportState.FAILED)

    def old(self, now: datetime) -> Self:
        """Those that are no longer kept."""
        failed_before = now - EXPORT_KEPT
        is_over = models.Q(expires_at__lte=now)
        return self.filter(is_over | models.Q(created_at__lte=failed_before, expires_at=None))


class DataExport(models.Model):
    """A copy of all of a member's data, which only they may fetch. Times are UTC.

    Its number is drawn by chance. `portal.selfservice.data_exports` makes it, and deletes it after
    `EXPORT_KEPT`.
    """

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    user = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="data_exports"
    )
    asked_by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        null=True,
        on_delete=models.SET_NULL,
        related_name="+",
        help_text="Who of the staff had it made, if the member didn’t.",
    )
    state = models.CharField(
        max_length=10, choices=ExportState.choices, default=ExportState.WAITING
    )
    created_at = models.DateTimeField(default=timezone.now)
    made_at = models.DateTimeField(null=True, blank=True)
    expires_at = models.DateTimeField(null=True, blank=True)
    fetched_at = models.DateTimeField(null=True, blank=True)
    size = models.PositiveBigIntegerField(default=0, help_text="In bytes.")

    objects = DataExportQuerySet.as_manager()

    class Meta:
        verbose_name = "copy of data"
        verbose_name_plural = "copies of data"
        ordering = ["-created_at"]
        constraints = [
            models.UniqueConstraint(
                fields=["user"],
                condition=models.Q(state="waiting"),
                name="portal_export_waiting_once",
            ),
        ]

    def __str__(self) -> str:
        return f"Copy of data of user {self.user_id}"


class DataExportPart(models.Model):
    """A piece of such a copy's file: none is larger than the memory that it takes to send it."""

    export = models.ForeignKey(DataExport, on_delete=models.CASCADE, related_name="parts")
    number = models.PositiveIntegerField()
    content = models.BinaryField()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["export", "number"], name="portal_export_part_once"),
        ]

    def __str__(self) -> str:
        return f"Part {self.number}"


class SupportMessageQuerySet(models.QuerySet["SupportMessage"]):
    """What people wrote to us on the help page."""

    def unanswered(self) -> Self:
        """Those that somebody has yet to answer."""
        return self.filter(answered_at=None)


class SupportMessage(models.Model):
    """A message from the help page, or a text. Staff answer by email; this says whether they have.

    Somebody who wasn't signed in gave `name` and `email`, which nobody has verified; a member's are
    in their account. A text has the number that it came from; its member verified it. `key` comes
    from the form, or is made of a text's ID: two clicks make one row. `page` is where they came
    from: one of our own paths, without what a link's secret part may be.
    """

    key = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    user = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        null=True,
        blank=True,
        on_delete=models.CASCADE,
        related_name="support_messages",
    )
    name = models.CharField(max_length=150, blank=True)
    email = models.CharField("email address", max_length=254, blank=True)
    phone = models.CharField(
        "phone number", max_length=20, blank=True, db_default="", help_text="Only of a text."
    )
    words = models.TextField("message", max_length=4000)
    page = models.CharField(
        max_length=200, blank=True, help_text="The page from which they came to the help page."
    )
    created_at = models.DateTimeField(default=timezone.now)
    answered_at = models.DateTimeField("answered", null=True, blank=True)
    answered_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.SET_NULL, related_name="+"
    )

    objects = SupportMessageQuerySet.as_manager()

    class Meta:
        ordering = ["-id"]
        verbose_name = "message from a member"
        verbose_name_plural = "messages from members"
        constraints = [
            models.CheckConstraint(
                condition=(
                    models.Q(user__isnull=False) | ~models.Q(email="") | ~models.Q(phone="")
                ),
                name="portal_support_message_has_a_sender",
            ),
        ]
        indexes = [
            models.Index(
                fields=["created_at"],
                condition=models.Q(answered_at=None),
                name="portal_support_open",
            ),
            models.Index(
                fields=["phone", "created_at"],
                condition=~models.Q(phone=""),
                name="portal_support_texts",
            ),
        ]

    def __str__(self) -> str:
        return f"Message from {self.sender}"

    @property
    def sender(self) -> str:
        """Who wrote it."""
        if self.user:
            return str(self.user)
        return self.name or self.email or numbers.as_read(self.phone)

    @property
    def reply_to(self) -> str:
        """Where an answer goes."""
        return self.user.email if self.user else self.email or self.phone


class ClosingState(models.TextChoices):
    """What became of a plan to close an account."""

    PLANNED = "planned", "Planned"
    UNDONE = "undone", "Taken back by the member"
    STOPPED = "stopped", "Stopped by staff"


class PlannedClosingQuerySet(models.QuerySet["PlannedClosing"]):
    """Plans to close accounts."""

    def planned(self) -> Self:
        """Those that nobody has taken back."""
        return self.filter(state=ClosingState.PLANNED)


class PlannedClosing(models.Model):
    """A plan to close a member's account, with a week to take it back. Times are UTC.

    Staff who plan it are in `planned_by`, and say why. `stopped` are the keys of the subscriptions
    that no longer renew because of it. `held_because` says what keeps the account from being
    closed, as its member was told.
    """

    user = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="planned_closings"
    )
    state = models.CharField(
        max_length=10, choices=ClosingState.choices, default=ClosingState.PLANNED
    )
    created_at = models.DateTimeField(default=timezone.now)
    closes_at = models.DateTimeField()
    stopped = models.JSONField(default=list, blank=True)
    held_because = models.TextField(blank=True)
    planned_by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        null=True,
        blank=True,
        on_delete=models.SET_NULL,
        related_name="+",
        help_text="Who of the staff planned it; empty if the member did.",
    )
    reason = models.CharField(max_length=1000, blank=True, db_default="")
    ended_at = models.DateTimeField(null=True, blank=True)
    ended_by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        null=True,
        blank=True,
        on_delete=models.SET_NULL,
        related_name="+",
        help_text="Who of the staff stopped it.",
    )

    objects = PlannedClosingQuerySet.as_manager()

    class Meta:
        ordering = ["-id"]
        constraints = [
            models.UniqueConstraint(
                fields=["user"],
                condition=models.Q(state="planned"),
                name="portal_closing_planned_once",
            ),
        ]

    def __str__(self) -> str:
        return f"Closing of the account of {self.user}"


class StaffNote(models.Model):
    """What staff wrote down about a member. Removing one only marks it.

    `key` comes from the form, so two clicks make one row.
    """

    key = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    user = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="staff_notes"
    )
    words = models.TextField("note", max_length=4000)
    author = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, on_delete=models.SET_NULL, related_name="+"
    )
    created_at = models.DateTimeField(default=timezone.now)
    removed_at = models.DateTimeField("removed", null=True, blank=True)
    removed_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.SET_NULL, related_name="+"
    )

    class Meta:
        ordering = ["-id"]
        verbose_name = "note"

    def __str__(self) -> str:
        return f"Note about {self.user}"


class MemberTagQuerySet(models.QuerySet["MemberTag"]):
    """Tags, past ones included."""

    def now(self) -> Self:
        """Those that nobody has removed."""
        return self.filter(removed_at=None)


class MemberTag(models.Model):
    """A word that staff gave a member, to find them by. Removing one only marks it."""

    user = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="staff_tags"
    )
    name = models.CharField("tag", max_length=40)
    added_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, on_delete=models.SET_NULL, related_name="+"
    )
    created_at = models.DateTimeField(default=timezone.now)
    removed_at = models.DateTimeField("removed", null=True, blank=True)
    removed_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.SET_NULL, related_name="+"
    )

    objects = MemberTagQuerySet.as_manager()

    class Meta:
        ordering = ["name", "id"]
        # Whoever may see and write notes may see and give tags.
        default_permissions = ()
        constraints = [
            models.UniqueConstraint(
                models.F("user"),
                Lower("name"),
                condition=models.Q(removed_at=None),
                name="portal_tag_once_a_member",
            ),
        ]
        indexes = [
            models.Index(
                fields=["name"],
                condition=models.Q(removed_at=None),
                name="portal_tag_in_use",
            ),
        ]

    def __str__(self) -> str:
        return self.name


class MemberViewing(models.Model):
    """A staff member looked at the portal as a member sees it (`portal.viewing`). Times are UTC.

    It ended at `ended_at`, or by itself at `ends_at`, or with the session before that.
    """

    viewer = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, on_delete=models.SET_NULL, related_name="+"
    )
    user = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="viewings"
    )
    started_at = models.DateTimeField()
    ends_at = models.DateTimeField()
    ended_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ["-id"]
        default_permissions = ()
        permissions = [("view_as_member", "Can view the portal as a member sees it")]

    def __str__(self) -> str:
        return f"Viewing of {self.user}"

    def end(self, now: datetime) -> None:
        """End it, unless it has."""
        rows = MemberViewing.objects.filter(pk=self.pk, ended_at=None)
        rows.update(ended_at=min(now, self.ends_at))
