"""What the message log can be filtered by."""

from __future__ import annotations

from typing import Any

from django.db.models import QuerySet
from django.http import HttpRequest
from unfold.contrib.filters.admin import DropdownFilter

from emails import came_back, left_out, samples
from emails.catalog import Kind
from emails.models import MessageState
from emails.names import name_of

# What addresses of the list say.
WITHOUT_SAMPLES = "without"


class KindFilter(DropdownFilter):  # type: ignore[misc]  # Unfold ships no types
    """Filters by kind. The choices come from the catalog, not from the table."""

    title = "kind"
    parameter_name = "kind"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        """Offer every kind."""
        return [(kind.value, name_of(kind)) for kind in Kind]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        """Keep one kind."""
        return queryset.filter(kind=self.value()) if self.value() else queryset


class WhyFilter(DropdownFilter):  # type: ignore[misc]  # Unfold ships no types
    """Filters what was left out by why."""

    title = "why it was left out"
    parameter_name = "why"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        """Offer the reasons."""
        return [(why.value, words) for why, words in left_out.WORDS.items()]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        """Keep what was left out for one reason."""
        if self.value() not in set(left_out.Why):
            return queryset
        condition = left_out.condition(left_out.Why(self.value()))
        return queryset.filter(condition, state=MessageState.SKIPPED)


class FailedFilter(DropdownFilter):  # type: ignore[misc]  # Unfold ships no types
    """Filters what failed by whether it had been sent."""

    title = "how it failed"
    parameter_name = "failed"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        """Offer both."""
        return [(came_back.BOUNCED, "It came back"), (came_back.NOT_SENT, "It couldn’t be sent")]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        """Keep what failed one way."""
        if self.value() not in {came_back.BOUNCED, came_back.NOT_SENT}:
            return queryset
        is_back = self.value() == came_back.BOUNCED
        condition = came_back.CONDITION if is_back else ~came_back.CONDITION
        return queryset.filter(condition, state=MessageState.FAILED)


class SamplesFilter(DropdownFilter):  # type: ignore[misc]  # Unfold ships no types
    """Filters the samples that colleagues sent themselves."""

    title = "samples"
    parameter_name = "samples"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        """Offer the rows with them and without."""
        return [(WITHOUT_SAMPLES, "Leave out samples"), ("only", "Only samples")]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        """Keep samples, or everything else."""
        match self.value():
            case "only":
                return queryset.filter(samples.condition())
            case str(value) if value == WITHOUT_SAMPLES:
                return queryset.exclude(samples.condition())
            case _:
                return queryset
