"""Addresses that get only the emails they need, and letting one go."""

from __future__ import annotations

from django.contrib import admin, messages
from django.forms import Form
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils.safestring import SafeString
from unfold.contrib.filters.admin import ChoicesDropdownFilter

from common.staff import show
from common.staff.filters import by_day
from common.staff.parts import button, column, row_of_buttons, row_or_404
from common.staff.read_only import ReadOnlyAdmin
from emails import suppressing
from emails.models import BounceMailbox, Suppression
from members import search
from members.access import current_user


@admin.register(Suppression)
class SuppressionAdmin(ReadOnlyAdmin):
    """Whose emails bounce, and who marked one as spam."""

    person_field = "user_id"
    search_fields = ["address__istartswith"]
    search_help_text = "Part of a name or email address"
    list_display = ["who", "why", "source", "since", "state_badge"]
    list_select_related = ["user", "released_by"]
    list_filter = [
        ("reason", ChoicesDropdownFilter),
        ("source", ChoicesDropdownFilter),
        ("happened_at", by_day("day it began")),
    ]
    nothing = "No email has bounced, and nobody has marked one as spam."
    link_lookups = frozenset({"user__id__exact", "released_at__isnull"})
    actions_detail = ["release"]
    fieldsets = [
        (None, {"fields": ["member", "address", "why", "source", "words", "email"]}),
        ("When", {"fields": ["since", "state_badge", "by_whom"]}),
    ]

    def find_persons(self, term: str) -> list[int]:
        """Find the users whose addresses they are."""
        return search.people(term)

    def has_release_permission(self, request: HttpRequest, object_id: str = "") -> bool:
        """Whether this staff member may release an address, and this one isn't released."""
        if not request.user.has_perm("emails.change_suppression"):
            return False
        row = row_of_buttons(request, Suppression, str(object_id))
        return row is None or row.released_at is None

    @column("Member", header=True)
    def who(self, row: Suppression) -> list[str]:
        """Name over address."""
        return [show.name_of(row.user), row.address]

    @column("Why", ordering="reason")
    def why(self, row: Suppression) -> SafeString:
        """What happened."""
        return show.state(row, "reason", {"bounced": "danger", "complained": "warning"})

    @column("Since", ordering="happened_at")
    def since(self, row: Suppression) -> SafeString:
        """How long ago it began."""
        return show.when(row.happened_at)

    @column("Now")
    def state_badge(self, row: Suppression) -> SafeString:
        """Whether it's still in force."""
        if row.released_at:
            return show.badge(f"Released {show.day(row.released_at)}", "success")
        return show.badge("Only needed emails", "danger")

    @column("Member")
    def member(self, row: Suppression) -> SafeString | str:
        """Link to the member."""
        return show.member(row.user)

    @column("Email")
    def email(self, row: Suppression) -> SafeString | str:
        """Link to the email that showed it."""
        return show.link(row.message)

    @column("Released by")
    def by_whom(self, row: Suppression) -> str:
        """The member, or one of the staff."""
        return show.name_of(row.released_by) if row.released_by else show.NOTHING

    @button(
        "Release",
        icon="mark_email_read",
        path="release",
        permission="release",
        question="Send every email to this address again?",
        explanation="Do this once you know that it works, for instance from the member.",
    )
    def release(self, request: HttpRequest, _form: Form, object_id: str) -> HttpResponse:
        """End the suppression, and record who did."""
        row = row_or_404(Suppression, object_id)
        if suppressing.release(row, current_user(request)):
            self.log_change(request, row, "Released the address.")
            self.message_user(request, f"Every email goes to {row.address} again.")
        else:
            self.message_user(request, "It was released already.", messages.INFO)
        return redirect(show.page_of(row))


@admin.register(BounceMailbox)
class BounceMailboxAdmin(ReadOnlyAdmin):
    """The mailbox that emails come back to."""

    list_display = ["mailbox", "works", "last_read"]
    nothing = "No mailbox has been read yet. Set BOUNCE_MAIL_URL to have one read."
    fieldsets = [(None, {"fields": ["mailbox", "works", "problem", "last_read"]})]

    @column("Works")
    def works(self, row: BounceMailbox) -> SafeString:
        """Whether the last try could read it."""
        if row.failing_since:
            return show.badge(f"Failing for {show.how_long(row.failing_since)}", "danger")
        return show.badge("Yes", "success")

    @column("Last read", ordering="read_at")
    def last_read(self, row: BounceMailbox) -> SafeString | str:
        """How long ago."""
        return show.when(row.read_at) if row.read_at else show.NOTHING
