"""The base of lists with phone numbers on the staff site."""

from __future__ import annotations

from typing import Any

from django.db.models import Q, QuerySet
from django.http import HttpRequest

from common.staff.read_only import ReadOnlyAdmin
from members import search


class ByPhone(ReadOnlyAdmin):
    """A list with numbers, which are found as people of the business's country write them.

    `phone_lookup` is the lookup of a number's beginning that an index serves.
    """

    phone_lookup = "phone__startswith"

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[Any], search_term: str
    ) -> tuple[QuerySet[Any], bool]:
        """Return what's found otherwise, and rows with a number like this."""
        found, may_repeat = super().get_search_results(request, queryset, search_term)
        begins = Q()
        for beginning in search.phones_like(search_term):
            begins |= Q(**{self.phone_lookup: beginning})
        return (found | queryset.filter(begins) if begins else found), may_repeat
