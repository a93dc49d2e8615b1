"""Lists as files: every list of the staff site as CSV and XLSX, as filtered, and recorded.

A list's file has its columns. Days, times, and amounts are exported as such: what `show` writes
remembers its day, and an amount is read back from its text, which is exact. Lists for bookkeepers
name their own columns (`export_columns`, `export_rows`).
"""

from __future__ import annotations

import html
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any, ClassVar, Protocol

from django.conf import settings
from django.contrib.admin.options import IncorrectLookupParameters
from django.contrib.admin.utils import label_for_field, lookup_field
from django.core.exceptions import PermissionDenied
from django.db.models import Model, QuerySet
from django.http import Http404, HttpRequest, HttpResponse, StreamingHttpResponse
from django.shortcuts import redirect
from django.urls import URLPattern, path, reverse
from django.utils import timezone
from django.utils.html import strip_tags
from django.utils.module_loading import import_string
from django.utils.text import capfirst
from unfold.admin import ModelAdmin

from common import spreadsheets
from common.money import read_back
from common.spreadsheets import Cell, Row
from common.staff import show

FETCHED = 1000  # rows at a time
STRIPE_ID = "stripe_id"
# Parameters of a list that choose no rows.
NO_FILTERS = frozenset({"q", "o", "p", "all", "e", "_popup", "_to_field"})


class Recorder(Protocol):
    """Records a file when somebody asks for it; what it returns records how many rows it had."""

    def __call__(
        self, request: HttpRequest, model: type[Model], what: str, kind: str, chosen: str
    ) -> Callable[[int], None]: ...


class Opener(Protocol):
    """Returns the address of the view that a list opens with, or ""."""

    def __call__(self, request: HttpRequest, model: type[Model]) -> str: ...


def begin(
    request: HttpRequest, model: type[Model], what: str, kind: str, chosen: str = ""
) -> Callable[[int], None]:
    """Record who takes what away, before the first row is read; return how to say its length."""
    recorder: Recorder = import_string(settings.DOWNLOAD_RECORDER)
    return recorder(request, model, what, kind, chosen)


def send(
    request: HttpRequest,
    model: type[Model],
    what: str,
    head: Sequence[str],
    rows: Iterable[Row],
    name: str,
    kind: str,
    *,
    chosen: str = "",
) -> StreamingHttpResponse:
    """Send a spreadsheet, and record who took it. `chosen` says in words which rows."""
    finish = begin(request, model, what, kind, chosen)
    return spreadsheets.download(head, counted(rows, finish), name, kind)


def counted(rows: Iterable[Row], finish: Callable[[int], None]) -> Iterator[Row]:
    """Yield rows, then say how many were sent."""
    count = 0
    try:
        for row in rows:
            yield row
            count += 1
    finally:
        # Also if the browser has left: then it's what was sent by then.
        finish(count)


class ExportedList(ModelAdmin):  # type: ignore[misc]  # Unfold ships no types
    """A list that downloads. `not_exported` says why one doesn't."""

    not_exported = ""
    export_columns: ClassVar[Sequence[str]] = ()
    # What's below the name in a column with two lines.
    second_line = "Email"
    list_after_template: str | None = "admin/downloads.html"

    def get_urls(self) -> list[URLPattern]:
        """Add the files' addresses."""
        view = self.admin_site.admin_view(self.download)
        name = f"{self.opts.app_label}_{self.opts.model_name}_download"
        mine = [] if self.not_exported else [path("download/<str:kind>/", view, name=name)]
        return [*mine, *super().get_urls()]

    def downloads(self, request: HttpRequest) -> list[tuple[str, str]]:
        """Return the files of the list as it's filtered now: format and address."""
        if self.not_exported:
            return []
        name = f"admin:{self.opts.app_label}_{self.opts.model_name}_download"
        query = request.GET.copy()
        query.pop("p", None)
        ending = f"?{query.urlencode()}" if query else ""
        return [
            (kind.upper(), f"{reverse(name, args=[kind])}{ending}") for kind in spreadsheets.FORMATS
        ]

    def changelist_view(
        self, request: HttpRequest, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        """Open the list as its reader wants it, and offer the files."""
        opener: Opener = import_string(settings.LIST_OPENER)
        if address := opener(request, self.model):
            return redirect(address)
        response: HttpResponse = super().changelist_view(request, extra_context)
        context = getattr(response, "context_data", None) or {}
        if (listing := context.get("cl")) and listing.result_count:
            context["downloads"] = self.downloads(request)
        return response

    def download(self, request: HttpRequest, kind: str) -> HttpResponse | StreamingHttpResponse:
        """Send the filtered rows, and record who took them."""
        if not self.has_view_permission(request):
            raise PermissionDenied("Only who may see the list may take it away.")
        if kind not in spreadsheets.FORMATS:
            raise Http404("There's no such file.")
        try:
            listing = self.get_changelist_instance(request)
            rows = listing.get_queryset(request)
        except IncorrectLookupParameters:
            return redirect(f"admin:{self.opts.app_label}_{self.opts.model_name}_changelist")
        what = str(self.opts.verbose_name_plural)
        name = f"{what.replace(' ', '-')}-{timezone.localdate():%Y-%m-%d}"
        return send(
            request,
            self.model,
            what,
            self.export_head(request),
            self.export_rows(rows),
            name,
            kind,
            chosen=in_words(listing, request),
        )

    def export_head(self, request: HttpRequest) -> list[str]:
        """Return the columns' names."""
        if self.export_columns:
            return list(self.export_columns)
        found: list[str] = []
        for name in self.get_list_display(request):
            found.append(capfirst(str(label_for_field(name, self.model, self))))
            if self._has_two_lines(name):
                found.append(self.second_line)
        return [*found, "Stripe ID"] if self._adds_stripe_id(found_in=name_list(self)) else found

    def export_rows(self, rows: QuerySet[Any]) -> Iterable[Row]:
        """Return the file's rows under `export_head`."""
        names = name_list(self)
        adds_id = self._adds_stripe_id(found_in=names)
        for row in rows.iterator(chunk_size=FETCHED):
            found: list[Cell] = []
            for name in names:
                found += self._cells(name, row)
            yield [*found, row.stripe_id] if adds_id else found

    def _cells(self, name: str, row: Any) -> list[Cell]:
        field, attribute, value = lookup_field(name, row, self)
        if self._has_two_lines(name):
            first, second = (*(value or ()), "", "")[:2]
            return [plain(first), plain(second)]
        if field is not None and getattr(field, "flatchoices", None):
            return [str(getattr(row, f"get_{field.name}_display")())]
        if getattr(attribute, "boolean", False) or isinstance(value, bool):
            return ["" if value is None else "Yes" if value else "No"]
        return [plain(value, getattr(row, "currency", ""))]

    def _has_two_lines(self, name: str) -> bool:
        return bool(getattr(getattr(self, name, None), "header", False))

    def _adds_stripe_id(self, found_in: Sequence[str]) -> bool:
        columns = {one.name for one in self.opts.get_fields()}
        return STRIPE_ID in columns and STRIPE_ID not in found_in


def name_list(model_admin: Any) -> list[str]:
    """Return the names of a list's columns."""
    return [str(one) for one in model_admin.list_display]


def plain(value: Any, currency: str = "") -> Cell:
    """Return what a column shows as a cell: its day, its amount, or its text without markup."""
    if value is None:
        return None
    if isinstance(value, show.Dated):
        return value.at
    if not isinstance(value, str):
        return value if isinstance(value, spreadsheets.CELLS) else str(value)
    text = (
        " ".join(html.unescape(strip_tags(value)).split()) if hasattr(value, "__html__") else value
    )
    if text == show.NOTHING:
        return None
    return (read_back(text, currency) if currency else None) or text


def in_words(listing: Any, request: HttpRequest) -> str:
    """Say how a list is filtered: "Search: Alice. State: Succeeded."."""
    said = [f"Search: {listing.query}"] if listing.query else []
    left = {name: value for name, value in request.GET.items() if value}
    for spec in listing.filter_specs:
        used = [name for name in spec.expected_parameters() if name and left.get(name)]
        words = _words_of(spec)
        values = [_value_in_words(name, str(left.pop(name)), words) for name in used]
        if values:
            said.append(f"{capfirst(str(spec.title))}: {' '.join(values)}")
    said += [f"{name}: {value}" for name, value in left.items() if name not in NO_FILTERS]
    return ". ".join(said)


def _value_in_words(name: str, value: str, words: dict[str, str]) -> str:
    for end in ("from", "to"):
        if name.endswith(f"_{end}"):
            return f"{end} {value}"
    return ", ".join(words.get(one, one) for one in value.split(","))


def _words_of(spec: Any) -> dict[str, str]:
    """Return what a filter calls its values."""
    if (field := getattr(spec, "field", None)) is not None:
        offered = getattr(field, "flatchoices", None) or (("1", "Yes"), ("0", "No"))
    else:
        offered = getattr(spec, "lookup_choices", ())
    return {str(value): str(words) for value, words in offered}
