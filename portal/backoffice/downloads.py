"""What staff took away as files: who, when, which list, filtered how, and how many rows."""

from __future__ import annotations

from collections.abc import Callable

from django.contrib import admin
from django.db.models import Model
from django.http import HttpRequest
from django.utils.safestring import SafeString

from common.staff import show
from common.staff.filters import by_day
from common.staff.parts import column
from common.staff.read_only import ReadOnlyAdmin
from common.traces import Traces
from members import search
from members.access import current_user
from portal.models import Download


def record(
    request: HttpRequest, model: type[Model], what: str, kind: str, chosen: str
) -> Callable[[int], None]:
    """Write down that somebody takes a file away; return how to add its number of rows."""
    row = Download.objects.create(
        by=current_user(request),
        what=what,
        model=model._meta.label_lower,
        kind=kind,
        filters=chosen,
    )

    def finish(rows: int) -> None:
        Download.objects.filter(pk=row.pk).update(rows=rows)

    return finish


def forget(traces: Traces) -> None:
    """Blot out somebody who leaves in what staff searched for."""
    for row in traces.rows(Download.objects.all(), "filters").iterator():
        Download.objects.filter(pk=row.pk).update(filters=traces.scrub(row.filters))


@admin.register(Download)
class DownloadAdmin(ReadOnlyAdmin):
    """The files that left the staff site."""

    person_field = "by_id"
    search_fields = ["what__istartswith"]
    search_help_text = "The name or email address of somebody of the staff, or how the list begins"
    nothing = "Nobody has downloaded a list yet."
    list_display = ["who", "what_shown", "format", "chosen", "length", "when"]
    list_select_related = ["by"]
    list_filter = [("at", by_day("day"))]
    ordering = ["-id"]
    fieldsets = [(None, {"fields": ["person", "what_shown", "format", "chosen", "length", "when"]})]

    def find_persons(self, term: str) -> list[int]:
        """Find the staff who did it."""
        return search.people(term)

    @column("Who", header=True)
    def who(self, row: Download) -> list[str]:
        """Name over email address."""
        return [show.name_of(row.by), row.by.email]

    @column("Who")
    def person(self, row: Download) -> SafeString | str:
        """Link to them."""
        return show.member(row.by)

    @column("What", ordering="what")
    def what_shown(self, row: Download) -> str:
        """Which list."""
        return f"{row.what[:1].upper()}{row.what[1:]}"

    @column("Format", ordering="kind")
    def format(self, row: Download) -> str:
        """PDF, CSV, or XLSX."""
        return row.kind.upper()

    @column("Filtered by")
    def chosen(self, row: Download) -> str:
        """The filters in words."""
        return row.filters or show.NOTHING

    @column("Rows", ordering="rows")
    def length(self, row: Download) -> str:
        """How many rows left."""
        return show.NOTHING if row.rows is None else show.number(row.rows)

    @column("When", ordering="id")
    def when(self, row: Download) -> str:
        """When it was asked for."""
        return show.moment(row.at)
