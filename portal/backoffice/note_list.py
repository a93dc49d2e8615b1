"""All notes about members, on the staff site; the list of members is filtered by tags."""

from __future__ import annotations

from typing import Any, ClassVar

from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils.safestring import SafeString
from django.utils.text import Truncator
from unfold.contrib.filters.admin import DropdownFilter, RadioFilter
from unfold.forms import BaseDialogForm

from common.staff import show
from common.staff.filters import by_day
from common.staff.parts import button, column, row_or_404
from common.staff.read_only import ReadOnlyAdmin
from members import search
from members.access import current_user
from portal.backoffice import notes
from portal.models import MemberTag, StaffNote

# Characters of a note in the list.
SHOWN = 120


class TagFilter(DropdownFilter):  # type: ignore[misc]  # Unfold ships no types
    """Members who have a tag now."""

    title = "tag"
    parameter_name = "tag"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        """Offer the tags in use, to those who may see them."""
        if not request.user.has_perm(notes.MAY_SEE):
            return []
        return [(name, name) for name in notes.names_in_use()]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        """Keep those who have it."""
        if not self.value() or not request.user.has_perm(notes.MAY_SEE):
            return queryset
        tagged = MemberTag.objects.now().filter(name=self.value())
        return queryset.filter(pk__in=tagged.values("user"))


class RemovedFilter(RadioFilter):  # type: ignore[misc]
    """Notes that count, and removed ones."""

    title = "state"
    parameter_name = "removed"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        """Offer both."""
        return [("no", "Not removed"), ("yes", "Removed")]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        """Keep one of them."""
        if self.value() == "no":
            return queryset.filter(removed_at=None)
        return queryset.exclude(removed_at=None) if self.value() == "yes" else queryset


@admin.register(StaffNote)
class StaffNoteAdmin(ReadOnlyAdmin):
    """What staff wrote down about members."""

    person_field = "user_id"
    search_help_text = "Part of a name or email address, or a phone number"
    list_select_related = ["user", "author", "removed_by"]
    list_display = ["who", "said", "by", "when", "state"]
    list_filter = [RemovedFilter, ("created_at", by_day("day"))]
    ordering = ["-id"]
    actions_detail: ClassVar[list[str]] = ["remove_note"]
    nothing = "Nobody has written a note yet. Write one on a member's page."
    fieldsets = [(None, {"fields": ["owner", "all_said", "by", "when", "state", "removed"]})]

    def find_persons(self, term: str) -> list[int]:
        """Find the members whom notes are about."""
        return search.people(term)

    def has_remove_permission(self, request: HttpRequest, object_id: str = "") -> bool:
        """Whether this staff member may remove notes, and it isn't yet."""
        if not request.user.has_perm(notes.MAY_REMOVE):
            return False
        rows = StaffNote.objects.filter(pk=object_id) if str(object_id).isdecimal() else None
        return rows is None or rows.filter(removed_at=None).exists()

    @button(
        "Remove",
        icon="delete",
        path="remove",
        permission="remove",
        question="Remove this note?",
        explanation=(
            "It leaves the member's page. That it was written and removed, when, and by whom,"
            " stays, and so do its words on its own page."
        ),
        is_primary=False,
    )
    def remove_note(
        self, request: HttpRequest, form: BaseDialogForm, object_id: str
    ) -> HttpResponse:
        """Mark it as removed, and log it."""
        row = row_or_404(StaffNote, object_id)
        if notes.remove(row, current_user(request)):
            self.log_change(request, row, "Removed the note.")
        messages.success(request, "The note is removed.")
        return redirect(show.page_of(row.user))

    @column("Member", header=True)
    def who(self, row: StaffNote) -> list[str]:
        """Name over email address."""
        return [show.name_of(row.user), row.user.email]

    @column("Member")
    def owner(self, row: StaffNote) -> SafeString | str:
        """Link to the member."""
        return show.member(row.user)

    @column("Note")
    def said(self, row: StaffNote) -> str:
        """Its beginning."""
        return Truncator(" ".join(row.words.split())).chars(SHOWN)

    @column("Note")
    def all_said(self, row: StaffNote) -> SafeString | str:
        """All of it."""
        return show.pre(row.words)

    @column("By")
    def by(self, row: StaffNote) -> str:
        """Who wrote it."""
        return show.name_of(row.author) if row.author else show.NOTHING

    @column("When", ordering="id")
    def when(self, row: StaffNote) -> str:
        """When, and how long ago."""
        return show.moment(row.created_at)

    @column("State")
    def state(self, row: StaffNote) -> SafeString | str:
        """Whether it was removed."""
        return show.badge("Removed") if row.removed_at else show.NOTHING

    @column("Removed")
    def removed(self, row: StaffNote) -> str:
        """When, and by whom."""
        by = f", by {show.name_of(row.removed_by)}" if row.removed_by else ""
        return f"{show.moment(row.removed_at)}{by}" if row.removed_at else show.NOTHING
