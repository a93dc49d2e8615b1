"""The base of lists and pages that only show: rows whose truth is elsewhere."""

from __future__ import annotations

from ipaddress import ip_address
from typing import Any, ClassVar

from django.core.paginator import Paginator
from django.db import connection
from django.db.models import GenericIPAddressField, Model, Q, QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.utils.functional import cached_property
from unfold.admin import ModelAdmin

from portal.staff import search, show
from portal.staff.parts import link_button

ESTIMATED_FROM = 50_000


class EstimatedPaginator(Paginator):  # type: ignore[type-arg]  # not generic at run time
    """Counts a whole large table by PostgreSQL's own estimate; what is filtered is counted."""

    @cached_property
    def count(self) -> int:
        rows = self.object_list
        if isinstance(rows, QuerySet) and not rows.query.where:
            estimate = _estimate(rows.model._meta.db_table)
            if estimate >= ESTIMATED_FROM:
                return estimate
        return super().count


class IndexedSearch(ModelAdmin):  # type: ignore[misc]  # Unfold ships no types
    """A list whose search never reads a whole table.

    `search_fields` are lookups that an index serves (`number__istartswith`). `person_field` is the
    column that leads to a member, searched by the members found first: an OR across tables would
    leave PostgreSQL nothing but to read them whole.
    """

    search_fields: ClassVar[list[str]] = []
    person_field = ""
    # Lookups of our own links, besides those of `list_filter`.
    link_lookups: ClassVar[frozenset[str]] = frozenset()
    show_full_result_count = False
    paginator = EstimatedPaginator
    list_per_page = 50
    list_filter_submit = True
    show_facets = None

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[Any], search_term: str
    ) -> tuple[QuerySet[Any], bool]:
        """Return the rows that begin with the term in any of the columns, or belong to a person."""
        term = search_term.strip()
        if not term:
            return queryset, False
        found = Q()
        for lookup in self.search_fields:
            if self._takes(lookup, term):
                found |= Q(**{lookup: term})
        if self.person_field:
            found |= Q(**{f"{self.person_field}__in": self.find_persons(term)})
        return queryset.filter(found), False

    def _takes(self, lookup: str, term: str) -> bool:
        """Whether a column can be compared with a term: with a name, no IP address can."""
        field = self.model._meta.get_field(lookup.partition("__")[0])
        return not isinstance(field, GenericIPAddressField) or _is_address(term)

    def lookup_allowed(self, lookup: str, value: str, request: HttpRequest) -> bool:
        """Allow the filters that the page offers and our own links, and nothing else.

        Django lets an address filter by any column of the list. Whoever may see a list could so
        guess, letter by letter, what it does not show: a code in a message that waits, a session.
        """
        column = lookup.partition("__")[0]
        columns = {field.name for field in self.model._meta.get_fields()} | {"pk"}
        if lookup in self.link_lookups:
            return True
        if column not in columns:
            return bool(super().lookup_allowed(lookup, value, request))
        return column in self._filtered_columns() and lookup.count("__") <= 1

    def _filtered_columns(self) -> set[str]:
        """Return the columns that have a filter on the page."""
        offered = (one[0] if isinstance(one, tuple) else one for one in self.list_filter or ())
        return {str(getattr(one, "parameter_name", one)) for one in offered}

    def palette_title(self, row: Any) -> str:
        """Return what the command palette calls a row."""
        return str(row)

    def find_persons(self, term: str) -> list[Any]:
        """Return the values of `person_field` that belong to the people of this name."""
        return search.customers(term)


class ReadOnlyAdmin(IndexedSearch):
    """Rows to be seen: never added, changed or deleted here, whoever asks.

    `stripe_path` is where Stripe's dashboard shows such an object by its `stripe_id`.
    """

    stripe_path = ""

    def has_add_permission(self, request: HttpRequest) -> bool:
        """Nobody adds rows by hand."""
        return False

    def has_change_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        """Nobody changes rows by hand."""
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        """Nobody deletes rows by hand."""
        return False

    def has_dashboard_permission(self, request: HttpRequest, _object_id: str = "") -> bool:
        """Whether there is a page of Stripe's to open."""
        return show.has_stripe_dashboard() and self.has_view_permission(request)

    @link_button("Open in Stripe", icon="open_in_new", path="stripe", permission="dashboard")
    def open_in_stripe(self, request: HttpRequest, object_id: str) -> HttpResponse:
        """Go to this object's page in Stripe's dashboard."""
        row = self.get_object(request, object_id)
        if row is None:
            return HttpResponseRedirect("..")
        return HttpResponseRedirect(show.stripe_url(self.stripe_path, row.stripe_id))


def _is_address(term: str) -> bool:
    try:
        ip_address(term)
    except ValueError:
        return False
    return True


def _estimate(table: str) -> int:
    with connection.cursor() as cursor:
        cursor.execute("SELECT reltuples::bigint FROM pg_class WHERE oid = %s::regclass", [table])
        estimate: int = cursor.fetchone()[0]
    return estimate
