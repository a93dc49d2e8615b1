"""What people wrote or texted to us, on the staff site: read it, and say that it's answered."""

from __future__ import annotations

from typing import Any, ClassVar

from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.text import Truncator
from django.utils.translation import gettext as _
from unfold.contrib.filters.admin import RadioFilter
from unfold.forms import BaseDialogForm

from common.staff import show
from common.staff.filters import by_day
from common.staff.parts import button, column, row_or_404
from members import numbers, search
from members.access import current_user
from members.phone_lists import ByPhone
from portal.models import SupportMessage
from portal.selfservice import contact

SHOWN = 90


class AnsweredFilter(RadioFilter):  # type: ignore[misc]  # Unfold ships no types
    """Messages that somebody has answered, and those that wait."""

    title = "answered"
    parameter_name = "answered"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        """Offer both."""
        return [("no", "Waiting"), ("yes", "Answered")]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        """Keep one of them."""
        if self.value() == "no":
            return queryset.filter(answered_at=None)
        return queryset.exclude(answered_at=None) if self.value() == "yes" else queryset


class HowFilter(RadioFilter):  # type: ignore[misc]  # Unfold ships no types
    """Messages from the help page, and texts from members and from unknown numbers."""

    title = "how"
    parameter_name = "how"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        """Offer all three."""
        return [
            ("page", "Help page"),
            ("text", "Text from a member"),
            ("unknown", "Text from an unknown number"),
        ]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        """Keep one of them."""
        texts = queryset.exclude(phone="")
        match self.value():
            case "page":
                return queryset.filter(phone="")
            case "text":
                return texts.exclude(user=None)
            case "unknown":
                return texts.filter(user=None)
        return queryset


@admin.register(SupportMessage)
class SupportMessageAdmin(ByPhone):
    """What people wrote to us. They're answered by email; this says whether somebody has."""

    person_field = "user_id"
    search_fields: ClassVar[list[str]] = ["email__istartswith"]
    search_help_text = "Part of a name or email address, or a phone number"
    list_select_related = ["user", "answered_by"]
    list_display = ["who", "said", "state", "when"]
    list_filter = [AnsweredFilter, HowFilter, ("created_at", by_day("day"))]
    ordering = ["-id"]
    actions_detail: ClassVar[list[str]] = ["mark_answered", "open_again"]
    nothing = "Nobody has written or texted you yet."
    nothing_left: ClassVar[dict[str, str]] = {"answered=no": "Every message is answered."}
    fieldsets = [
        (None, {"fields": ["all_said"]}),
        ("Sender", {"fields": ["owner", "address", "how", "is_known", "page", "when"]}),
        ("Answer", {"fields": ["state", "answered", "answered_by_whom"]}),
    ]

    def find_persons(self, term: str) -> list[int]:
        """Find the members who wrote."""
        return search.people(term)

    def has_answer_permission(self, request: HttpRequest, _object_id: str = "") -> bool:
        """Whether this staff member may say that a message is answered."""
        return request.user.has_perm("portal.change_supportmessage")

    @button(
        "Mark as answered",
        icon="mark_email_read",
        path="answered",
        permission="answer",
        question="Have you answered this message?",
        explanation="This sends nothing: reply by email first.",
    )
    def mark_answered(
        self, request: HttpRequest, form: BaseDialogForm, object_id: str
    ) -> HttpResponse:
        """Say that it's answered, and by whom."""
        row = row_or_404(SupportMessage, object_id)
        if contact.answer(row, current_user(request)):
            self.log_change(request, row, "Marked as answered.")
            messages.success(request, _("The message is marked as answered."))
        else:
            messages.info(request, _("Somebody has marked it as answered already."))
        return redirect(show.page_of(row))

    @button(
        "Open again",
        icon="mark_email_unread",
        path="reopen",
        permission="answer",
        question="Does this message still wait for an answer?",
        explanation="It’s listed on the home page again.",
        is_primary=False,
    )
    def open_again(
        self, request: HttpRequest, form: BaseDialogForm, object_id: str
    ) -> HttpResponse:
        """Say that it waits for an answer."""
        row = row_or_404(SupportMessage, object_id)
        if contact.reopen(row):
            self.log_change(request, row, "Opened again.")
            messages.success(request, _("The message waits for an answer again."))
        return redirect(show.page_of(row))

    @column("From", header=True)
    def who(self, row: SupportMessage) -> list[str]:
        """Name over email address, or the number of a text."""
        name = "Unknown number" if row.phone and row.user is None else row.sender
        return [name, numbers.as_read(row.phone) if row.phone else row.reply_to]

    @column("Message")
    def said(self, row: SupportMessage) -> str:
        """Its beginning."""
        return Truncator(" ".join(row.words.split())).chars(SHOWN)

    @column("Message")
    def all_said(self, row: SupportMessage) -> SafeString | str:
        """All of it."""
        return show.pre(row.words)

    @column("Member")
    def owner(self, row: SupportMessage) -> SafeString | str:
        """Link to the member, or the name that a visitor gave."""
        return show.member(row.user) if row.user else row.name

    @column("Email address")
    def address(self, row: SupportMessage) -> SafeString:
        """Where the answer goes."""
        if "@" not in row.reply_to:
            return format_html("{}", show.NOTHING)
        return format_html('<a href="mailto:{0}" class="text-link">{0}</a>', row.reply_to)

    @column("How")
    def how(self, row: SupportMessage) -> SafeString | str:
        """On the help page, or from which number."""
        if not row.phone:
            return "Help page"
        link = '<a href="tel:{}" class="text-link">{}</a>'
        return format_html(f"By text from {link}", row.phone, numbers.as_read(row.phone))

    @column("Signed in, or a verified number", boolean=True)
    def is_known(self, row: SupportMessage) -> bool:
        """Whether we know who it is; otherwise, nobody has checked."""
        return row.user_id is not None

    @column("State")
    def state(self, row: SupportMessage) -> SafeString:
        """Whether it's answered."""
        return (
            show.badge("Answered", "success") if row.answered_at else show.badge("Open", "warning")
        )

    @column("When", ordering="id")
    def when(self, row: SupportMessage) -> str:
        """When, and how long ago."""
        return show.moment(row.created_at)

    @column("Answered")
    def answered(self, row: SupportMessage) -> str:
        """When."""
        return show.moment(row.answered_at)

    @column("By")
    def answered_by_whom(self, row: SupportMessage) -> SafeString | str:
        """Who marked it."""
        return show.member(row.answered_by)
