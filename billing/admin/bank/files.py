"""The files that were imported, and what was in them that couldn't be read."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils.safestring import SafeString
from unfold.contrib.filters.admin import RelatedDropdownFilter

from billing.admin.bank import import_page, match_page
from billing.admin.bank.base import BankAdmin
from billing.models import BankFile
from common.staff import show
from common.staff.filters import by_day
from common.staff.parts import column, page_button


@admin.register(BankFile)
class BankFileAdmin(BankAdmin):
    """Imported files."""

    search_fields = ["name__icontains"]
    search_help_text = "Any part of the file's name"
    list_display = ["name", "account", "new", "known", "pending", "not_read", "imported", "by"]
    list_select_related = ["account", "imported_by"]
    list_filter = [
        ("account", RelatedDropdownFilter),
        ("imported_at", by_day("day imported")),
    ]
    nothing = "No file has been imported yet. Download your account's activity as CSV, and add it."
    actions_list = ["import_one"]
    actions_detail = ["to_match"]
    change_form_outer_before_template = "admin/billing/bank/unreadable.html"
    fieldsets = [
        (None, {"fields": ["account", "new", "known", "pending", "not_read", "lines"]}),
        ("Who and when", {"fields": ["by", "imported_exactly", "digest"]}),
    ]

    def get_urls(self) -> list[Any]:
        """Add the pages that import a file."""
        return [*import_page.urls(self), *super().get_urls()]

    def changeform_view(
        self,
        request: HttpRequest,
        object_id: str | None = None,
        form_url: str = "",
        extra_context: dict[str, Any] | None = None,
    ) -> Any:
        """Add the lines that couldn't be read."""
        row = self.get_object(request, object_id) if str(object_id).isdecimal() else None
        if row:
            extra_context = {**(extra_context or {}), "unreadable": row.unreadable}
        return super().changeform_view(request, object_id, form_url, extra_context)

    @page_button("Import a file", icon="upload_file", path="add-file", permission="import")
    def import_one(self, request: HttpRequest) -> HttpResponse:
        """Go to the page that takes a file."""
        return redirect(import_page.PAGE)

    @page_button("Money to match", icon="join_inner", path="to-match", permission="view")
    def to_match(self, request: HttpRequest, object_id: str) -> HttpResponse:
        """Go on to match what came."""
        return redirect(match_page.PAGE)

    @column("New lines", ordering="lines_new")
    def new(self, row: BankFile) -> str:
        """How many lines no earlier file had."""
        return show.number(row.lines_new)

    @column("Known before", ordering="lines_known")
    def known(self, row: BankFile) -> str:
        """How many lines earlier files had."""
        return show.number(row.lines_known)

    @column("Pending", ordering="lines_pending")
    def pending(self, row: BankFile) -> str:
        """How many lines aren't final yet."""
        return show.number(row.lines_pending)

    @column("Unreadable")
    def not_read(self, row: BankFile) -> SafeString | str:
        """How many lines couldn't be read."""
        count = len(row.unreadable)
        return show.badge(show.number(count), "danger") if count else show.number(0)

    @column("Lines")
    def lines(self, row: BankFile) -> SafeString:
        """Link to the lines that it had first."""
        return show.anchor(show.list_of("billing.bankline", file__id__exact=row.pk), "See them")

    @column("Imported", ordering="imported_at")
    def imported(self, row: BankFile) -> SafeString:
        """How long ago."""
        return show.when(row.imported_at)

    @column("Imported")
    def imported_exactly(self, row: BankFile) -> str:
        """When."""
        return show.moment(row.imported_at)

    @column("By")
    def by(self, row: BankFile) -> str:
        """Who imported it."""
        return show.name_of(row.imported_by) if row.imported_by else "A command"
