"""Lists of money that add up what's filtered."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

from django.db.models import Count, QuerySet
from django.http import HttpRequest, HttpResponse

from billing.admin.records import RecordAdmin
from common.money import Money
from common.staff.read_only import ESTIMATED_FROM


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
    # The files are beside the sums.
    list_after_template: str | None = None

    def changelist_view(
        self, request: HttpRequest, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        """Show the list with its totals."""
        response: HttpResponse = super().changelist_view(request, extra_context)
        context = getattr(response, "context_data", None)
        if context and "cl" in context:
            context["sums"] = self._sums(context["cl"])
        return response

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
