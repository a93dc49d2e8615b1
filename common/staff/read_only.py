"""The base of read-only lists and pages: their rows' truth is elsewhere."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar, cast

from django.contrib.admin.models import CHANGE, LogEntry
from django.contrib.admin.options import IncorrectLookupParameters
from django.contrib.contenttypes.models import ContentType
from django.core.exceptions import ValidationError
from django.core.paginator import Paginator
from django.db import connection
from django.db.models import Model, Q, QuerySet
from django.http import HttpRequest, HttpResponse
from django.utils.functional import cached_property
from django.utils.text import capfirst

from common.fields import WordsOfStaff
from common.staff import changes, finding
from common.staff.exporting import ExportedList

ESTIMATED_FROM = 50_000


class EstimatedPaginator(Paginator):  # type: ignore[type-arg]  # not generic at run time
    """Counts a large unfiltered table by PostgreSQL's estimate; filtered rows are counted."""

    @cached_property
    def count(self) -> int:
        rows = self.object_list
        if isinstance(rows, QuerySet) and not rows.query.where:
            estimate = estimated_rows(rows.model)
            if estimate >= ESTIMATED_FROM:
                return estimate
        return super().count


class IndexedSearch(WordsOfStaff, ExportedList):
    """A list whose search never reads a whole table.

    `search_fields` are lookups that an index serves (`number__istartswith`, `number__has_part`).
    `amount_field` is searched for a typed amount, `last4_field` for a card's last four digits;
    both have an index, too. `person_field` is the column that leads to a member. Members are
    looked up first: an OR across tables would force PostgreSQL to read them whole.
    """

    search_fields: ClassVar[list[str]] = []
    amount_field = ""
    last4_field = ""
    person_field = ""
    # Lookups that our own links use, besides those of `list_filter`.
    link_lookups: ClassVar[frozenset[str]] = frozenset()
    show_full_result_count = False
    paginator = EstimatedPaginator
    list_per_page = 50
    list_filter_submit = True
    show_facets = None
    # What an empty list says, and what it says under one of our links' filters.
    nothing = "There is nothing here yet."
    nothing_left: ClassVar[Mapping[str, str]] = {}
    # Under each row's page: what staff did to it.
    change_form_outer_after_template = "admin/changes_of_row.html"
    object_history_template = "admin/row_history.html"

    def changelist_view(
        self, request: HttpRequest, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        """Title the list as the sidebar does, and say in words if it's empty."""
        title = {"title": capfirst(self.opts.verbose_name_plural)}
        response: HttpResponse = super().changelist_view(request, title | (extra_context or {}))
        if listing := (getattr(response, "context_data", None) or {}).get("cl"):
            # The rows' template gets only the list, not the page's context.
            listing.nothing = self._words_for_nothing(request)
            if not (listing.query or listing.has_active_filters):
                # The total is only estimated, but these are all the rows.
                listing.full_result_count = listing.result_count
        return response

    def render_change_form(
        self, request: HttpRequest, context: dict[str, Any], *args: Any, **kwargs: Any
    ) -> HttpResponse:
        """Add `staff_changes`, what staff did to the row, for those who may read their log."""
        row = context.get("original")
        if row is not None and request.user.has_perm("admin.view_logentry"):
            context["staff_changes"] = list(changes.of_row(row)[: changes.SHOWN])
        response: HttpResponse = super().render_change_form(request, context, *args, **kwargs)
        return response

    def construct_change_message(
        self, request: HttpRequest, form: Any, formsets: Any, add: bool = False
    ) -> list[dict[str, Any]]:
        """Say what a form changed, from what to what."""
        message: list[dict[str, Any]] = super().construct_change_message(
            request, form, formsets, add
        )
        if not add:
            changes.add_values(message, form, formsets or ())
        return message

    def log_done(self, request: HttpRequest, said: str) -> None:
        """Record what somebody did that's about no single row."""
        LogEntry.objects.create(
            user_id=cast("int", request.user.pk),
            content_type=ContentType.objects.get_for_model(self.model),
            object_repr=str(self.opts.verbose_name_plural),
            action_flag=CHANGE,
            change_message=said,
        )

    def _words_for_nothing(self, request: HttpRequest) -> str:
        """Return the text for an empty list, or "" if a search or filter found nothing."""
        chosen = {(name, value) for name, value in request.GET.items() if value}
        if not chosen:
            return self.nothing
        [only, *more] = [f"{name}={value}" for name, value in chosen]
        return "" if more else self.nothing_left.get(only, "")

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[Any], search_term: str
    ) -> tuple[QuerySet[Any], bool]:
        """Return the rows that hold the term, of this amount or card, and a matching person's."""
        term = search_term.strip()
        if not term:
            return queryset, False
        matching = Q(pk__in=[])
        for lookup in self.search_fields:
            if self._may_hold(lookup, term):
                matching |= Q(**{lookup: term})
        if self.amount_field and (of_amount := finding.amount_is(self.amount_field, term)):
            matching |= of_amount
        if self.last4_field and (digits := finding.last4(term)):
            matching |= Q(**{self.last4_field: digits})
        if self.person_field:
            matching |= Q(**{f"{self.person_field}__in": self.find_persons(term)})
        return queryset.filter(matching), False

    def _may_hold(self, lookup: str, term: str) -> bool:
        """Whether a column searched by whole value could hold it ("abc" isn't an IP)."""
        column, _, beginning = lookup.partition("__")
        if beginning:
            return True
        try:
            self.model._meta.get_field(column).clean(term, None)
        except ValidationError:
            return False
        return True

    def lookup_allowed(self, lookup: str, value: str, request: HttpRequest) -> bool:
        """Allow the page's filters and our own links, and nothing else.

        Django lets an address filter by any of the list's columns. People who may see a list could
        guess, letter by letter, what it doesn't show: a code in a waiting message, a session.
        Raises IncorrectLookupParameters, which shows the whole list, for a value that isn't among a
        column's choices.
        """
        column = lookup.partition("__")[0]
        fields = {field.name: field for field in self.model._meta.get_fields()}
        if lookup in self.link_lookups:
            return True
        if column not in fields and column != "pk":
            return bool(super().lookup_allowed(lookup, value, request))
        if lookup not in self._offered_lookups():
            return False
        self._check_choices(fields[column], lookup, value)
        return True

    def _check_choices(self, field: Any, lookup: str, value: str) -> None:
        """Raise IncorrectLookupParameters for a value that isn't one of the column's choices."""
        choices = {str(choice) for choice, _name in getattr(field, "flatchoices", ())}
        if lookup.endswith("__exact"):
            given, known = {value}, choices | {""}  # an empty form field isn't a filter
        elif lookup.endswith("__in"):
            given, known = set(value.split(",")), choices
        else:
            return
        if choices and not given <= known:
            raise IncorrectLookupParameters(f"{value!r} is no choice of {field.name}.")

    def _offered_lookups(self) -> set[str]:
        """Return the page's filter parameters: custom ones, or columns."""
        lookups: set[str] = set()
        for one in self.list_filter or ():
            if own := getattr(one, "parameter_name", None):
                lookups.add(own)
            else:
                column = one[0] if isinstance(one, tuple) else one
                lookups |= {f"{column}__exact", f"{column}__in", f"{column}__isnull"}
        return lookups

    def palette_title(self, row: Any) -> str:
        """Return a row's title in the command palette."""
        return str(row)

    def find_persons(self, term: str) -> list[Any]:
        """Return the values of `person_field` for the people who match."""
        raise NotImplementedError(f"{type(self).__name__} has a person_field and finds nobody.")


class ReadOnlyAdmin(IndexedSearch):
    """Read-only rows: nobody adds, changes, or deletes them here."""

    def has_add_permission(self, request: HttpRequest) -> bool:
        """Nobody adds rows by hand."""
        return False

    def has_change_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        """Nobody changes rows by hand."""
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        """Nobody deletes rows by hand."""
        return False


def estimated_rows(model: type[Model]) -> int:
    """Return PostgreSQL's estimate of a table's rows; -1 if it has none yet."""
    with connection.cursor() as cursor:
        table = model._meta.db_table
        cursor.execute("SELECT reltuples::bigint FROM pg_class WHERE oid = %s::regclass", [table])
        estimate: int = cursor.fetchone()[0]
    return estimate
