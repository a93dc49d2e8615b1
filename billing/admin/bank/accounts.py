"""The business's bank accounts, and the columns of a bank whose files we don't know."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.db.models import Count, Max, Model, QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils.html import format_html_join
from django.utils.safestring import SafeString

from billing.admin.bank import columns_page
from billing.admin.bank.columns_form import FIELDS
from billing.models import BankAccount
from common.staff import show
from common.staff.parts import column, page_button
from common.staff.read_only import IndexedSearch


@admin.register(BankAccount)
class BankAccountAdmin(IndexedSearch):
    """Accounts: named by staff, filled by files."""

    search_fields = ["name__istartswith"]
    list_display = ["name", "lines", "newest", "how_read"]
    nothing = "No account yet. Importing a first file makes one, too."
    ordering = ["id"]
    fields = ["name", "lines", "newest", "how_read", "columns"]
    readonly_fields = ["lines", "newest", "how_read", "columns"]
    actions_detail = ["name_columns"]

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        """Accounts with the number of their lines, and the newest day."""
        rows: QuerySet[Any] = super().get_queryset(request)
        counted: QuerySet[Any] = rows.annotate(
            line_count=Count("lines"), newest_day=Max("lines__posted_on")
        )
        return counted

    def get_fields(self, request: HttpRequest, obj: Any = None) -> list[str]:
        """A new one has only its name."""
        return self.fields if obj else ["name"]

    def get_urls(self) -> list[Any]:
        """Add the page that names the columns."""
        return [*columns_page.urls(self), *super().get_urls()]

    def has_delete_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        """Its lines are part of the books."""
        return False

    def has_name_permission(self, request: HttpRequest, _object_id: str = "") -> bool:
        """Whether this staff member may say what the columns are."""
        return bool(self.has_change_permission(request))

    @page_button(
        "Name the file's columns", icon="view_column", path="columns-of", permission="name"
    )
    def name_columns(self, request: HttpRequest, object_id: str) -> HttpResponse:
        """Go to the page that names the columns."""
        return redirect(columns_page.PAGE, object_id)

    @column("Lines")
    def lines(self, row: Any) -> SafeString | str:
        """How many, with a link to them."""
        if not row.line_count:
            return "None yet"
        address = show.list_of("billing.bankline", account__id__exact=row.pk)
        return show.anchor(address, show.number(row.line_count))

    @column("Newest line")
    def newest(self, row: Any) -> str:
        """The last day that a file had."""
        day = row.newest_day
        return f"{day:%b} {day.day}, {day.year}" if day else show.NOTHING

    @column("How its files are read")
    def how_read(self, row: BankAccount) -> str:
        """Whether we know the bank's format."""
        return "By the columns below" if row.mapping else "By the bank's own format"

    @column("Columns")
    def columns(self, row: BankAccount) -> SafeString | str:
        """Which column is what."""
        if not row.mapping:
            return (
                "We know the files of Chase, Bank of America, and Wells Fargo. For another bank's,"
                " name the columns."
            )
        named = [(FIELDS[name], row.mapping[name]) for name in FIELDS if row.mapping.get(name)]
        return format_html_join("", "<div>{}: <b>{}</b></div>", named)
