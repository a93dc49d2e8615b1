"""Lists of money that add up what's filtered, and export it for a spreadsheet."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

from django.contrib.admin.models import CHANGE, LogEntry
from django.contrib.admin.options import IncorrectLookupParameters
from django.contrib.contenttypes.models import ContentType
from django.core.exceptions import PermissionDenied
from django.db.models import Count, Model, QuerySet
from django.http import HttpRequest, HttpResponse, StreamingHttpResponse
from django.shortcuts import redirect
from django.urls import URLPattern, path, reverse
from django.utils import timezone

from billing.admin.records import RecordAdmin
from common import spreadsheets
from common.money import Money
from common.staff.read_only import ESTIMATED_FROM
from members.access import current_user

FETCHED = 1000  # rows at a time
LONGEST_FILTER = 500


@dataclass(frozen=True)
class SumOfCurrency:
    """Totals in one currency: pairs of labels and amounts."""

    currency: str
    count: int
    amounts: list[tuple[str, Money]]


class MoneyListAdmin(RecordAdmin):
    """A list whose rows have a currency. `sums` maps labels to what's added up."""

    list_before_template: str | None = "admin/billing/sums.html"
    sums: ClassVar[Mapping[str, Any]] = {}
    export_columns: ClassVar[Sequence[str]] = ()

    def export_rows(self, rows: QuerySet[Any]) -> Iterable[Sequence[str]]:
        """Return the file's rows under `export_columns`."""
        raise NotImplementedError

    def changelist_view(
        self, request: HttpRequest, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        """Show the list with its totals and a link to its file."""
        response: HttpResponse = super().changelist_view(request, extra_context)
        context = getattr(response, "context_data", None)
        if context and "cl" in context:
            query = request.GET.urlencode()
            address = reverse(f"admin:{self._name}_export")
            context["export_url"] = f"{address}?{query}" if query else address
            context["sums"] = self._sums(context["cl"])
        return response

    def get_urls(self) -> list[URLPattern]:
        """Add the file's URL."""
        view = self.admin_site.admin_view(self.export)
        mine = [path("export/", view, name=f"{self._name}_export")]
        return [*mine, *super().get_urls()]

    def export(self, request: HttpRequest) -> HttpResponse | StreamingHttpResponse:
        """Stream the filtered rows, and record who exported them."""
        if not self.has_view_permission(request):
            raise PermissionDenied("Only who may see the list may take it away.")
        try:
            rows = self.get_changelist_instance(request).get_queryset(request)
        except IncorrectLookupParameters:
            return redirect(f"admin:{self._name}_changelist")
        query = request.GET.urlencode()
        chosen = f" of {query[:LONGEST_FILTER]}" if query else ", the whole list"
        note_download(request, self.model, chosen)
        filename = f"{self.opts.verbose_name_plural}-{timezone.localdate():%Y-%m-%d}"
        exported = self.export_rows(rows)
        return spreadsheets.download(self.export_columns, exported, filename.replace(" ", "-"))

    @property
    def _name(self) -> str:
        return f"{self.opts.app_label}_{self.opts.model_name}"

    def _sums(self, changelist: Any) -> list[SumOfCurrency] | None:
        """Add up what's filtered; a large unfiltered table isn't added up."""
        rows = changelist.queryset
        if not rows.query.where and changelist.result_count >= ESTIMATED_FROM:
            return None
        return self.add_up(rows.prefetch_related(None))

    def add_up(self, rows: QuerySet[Any]) -> list[SumOfCurrency]:
        """Add up by currency, the one with the most rows first."""
        named = {f"sum_{place}": what for place, what in enumerate(self.sums.values())}
        sums = rows.order_by().values("currency").annotate(count=Count("pk"), **named)
        return [self._sum(row) for row in sorted(sums, key=lambda row: -row["count"])]

    def _sum(self, row: dict[str, Any]) -> SumOfCurrency:
        currency = row["currency"]
        amounts = [
            (words, Money(row[f"sum_{place}"] or 0, currency))
            for place, words in enumerate(self.sums)
        ]
        return SumOfCurrency(currency.upper(), row["count"], amounts)


def note_download(
    request: HttpRequest, model: type[Model], chosen: str, kind: str = spreadsheets.CSV
) -> None:
    """Log who exported rows, and which ones: ", the whole list"."""
    LogEntry.objects.create(
        user=current_user(request),
        content_type=ContentType.objects.get_for_model(model),
        object_repr=str(model._meta.verbose_name_plural),
        action_flag=CHANGE,
        change_message=f"Downloaded as {kind.upper()}{chosen}.",
    )
