"""Stripe's events and what became of them: the event log, and checks for missed events."""

from __future__ import annotations

from typing import Any, cast

from django.contrib import admin, messages
from django.contrib.admin.models import CHANGE, LogEntry
from django.contrib.admin.options import IncorrectLookupParameters
from django.contrib.admin.views.main import ChangeList
from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet
from django.forms import Form
from django.http import Http404, HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import redirect
from django.urls import URLPattern, path, reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString
from unfold.contrib.filters.admin import ChoicesDropdownFilter, DropdownFilter

from billing.admin import event_changes, labels, replays
from billing.admin.records import RecordAdmin
from billing.admin.search import customers_at_stripe
from billing.core.statuses import OPEN_EVENT, EventState
from billing.inbound import inbox
from billing.inbound.events import TARGETS
from billing.models import Customer, Invoice, Payment, StripeEvent, Subscription
from billing.models.copy import StripeCopy
from common.staff import show
from common.staff.filters import by_day, by_time
from common.staff.parts import button, column, page_button, row_or_404

SUMMARY = 90
COPIES: tuple[type[StripeCopy], ...] = (Invoice, Payment, Subscription, Customer)


class TypeFilter(DropdownFilter):  # type: ignore[misc]  # Unfold ships no types
    """Filters by event type. The choices come from our own list, not from the table."""

    title = "type"
    parameter_name = "type"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        """Offer every type that changes something here."""
        return [(name, name) for name in sorted(TARGETS)]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        """Keep one type."""
        return queryset.filter(type=self.value()) if self.value() else queryset


@admin.register(StripeEvent)
class StripeEventAdmin(RecordAdmin):
    """The event log."""

    stripe_path = "events"
    person_field = "customer_id"
    search_fields = ["stripe_id__startswith", "object_id", "type"]
    search_help_text = "Member, part of a type, evt_…, or the whole ID of what it’s about"
    list_display = ["type", "state_badge", "age", "attempts", "trouble"]
    list_filter = [
        ("state", ChoicesDropdownFilter),
        TypeFilter,
        ("received_at", by_day("day received")),
        ("created_at", by_time("time it happened")),
    ]
    list_before_template = "admin/billing/events/replays.html"
    nothing = "Stripe has told us nothing yet."
    nothing_left = {
        "state__exact=failed": "Every event could be processed.",
        "state__in=pending,retrying": "No event waits.",
    }
    ordering = ["-id"]
    actions = ["replay_selected", "try_selected"]
    actions_list = ["replay_failed"]
    actions_row = ["replay", "open_in_stripe"]
    actions_detail = ["replay", "rehearse", "open_in_stripe"]
    fieldsets = [
        (None, {"fields": ["type", "state_badge", "attempts", "problem"]}),
        ("Belongs to", {"fields": ["member", "about"]}),
        ("When", {"fields": ["happened", "received", "processed"]}),
        ("Attempts and what they changed", {"fields": ["tries"]}),
        ("As Stripe sent it", {"fields": ["stripe_id", "api_version", "content"]}),
    ]

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[Any], search_term: str
    ) -> tuple[QuerySet[Any], bool]:
        """Also find events by a part of their type, among those that change something here."""
        matches, may_repeat = super().get_search_results(request, queryset, search_term)
        term = search_term.strip().lower()
        types = [one for one in TARGETS if term and term in one]
        return (matches | queryset.filter(type__in=types) if types else matches), may_repeat

    def get_urls(self) -> list[URLPattern]:
        """Add the pages that replay, or try out, all events that match the list's filters."""
        wrap = self.admin_site.admin_view
        return [
            path("replay-all/", wrap(self.replay_matching), name="billing_stripeevent_replay_all"),
            path("try-all/", wrap(self.try_matching), name="billing_stripeevent_try_all"),
            *super().get_urls(),
        ]

    def changelist_view(
        self, request: HttpRequest, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        """Say how far a replay is, and lead to the question about a new one."""
        under_way = replays.running()
        more = {
            "replay_under_way": under_way
            and {"url": show.page_of(under_way), "says": replays.how_far(under_way)},
            "may_replay": self.has_replay_permission(request),
            "replay_query": request.GET.urlencode(),
        }
        answer = super().changelist_view(request, {**more, **(extra_context or {})})
        if under_way:
            answer["Refresh"] = str(replays.SECONDS)
        return answer

    def replay_matching(self, request: HttpRequest) -> HttpResponseBase:
        """Show what a replay of all events that match would process, and start it."""
        if not self.has_replay_permission(request):
            raise PermissionDenied
        listing = self._listing(request)
        if listing is None:
            return redirect(show.list_of("billing.stripeevent"))
        return replays.question_page(self.admin_site, request, listing)

    def try_matching(self, request: HttpRequest) -> HttpResponseBase:
        """Show what a replay of the first events that match would change, and change nothing."""
        if not self.has_replay_permission(request):
            raise PermissionDenied
        listing = self._listing(request)
        if listing is None:
            return redirect(show.list_of("billing.stripeevent"))
        return event_changes.rehearsals_page(self.admin_site, request, listing.queryset)

    def _listing(self, request: HttpRequest) -> ChangeList | None:
        """Return the list with the address's filters; None if they're not the list's."""
        try:
            listing: ChangeList = self.get_changelist_instance(request)
        except IncorrectLookupParameters:
            return None
        return listing

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        """Don't load payloads until a page shows one."""
        rows: QuerySet[Any] = super().get_queryset(request)
        return rows.defer("payload")

    def find_persons(self, term: str) -> list[str]:
        """Find Stripe IDs, by which events name customers."""
        return customers_at_stripe(term)

    link_lookups = frozenset({"customer_id"})

    def has_replay_permission(self, request: HttpRequest, _object_id: str = "") -> bool:
        """Whether this staff member may replay events."""
        return request.user.has_perm("billing.change_stripeevent")

    @column("State", ordering="state")
    def state_badge(self, row: StripeEvent) -> SafeString:
        """What became of it."""
        return show.state(row, "state", labels.EVENT)

    @column("Received", ordering="id")
    def received(self, row: StripeEvent) -> str:
        """When it arrived, and its age."""
        return show.moment(row.received_at)

    @column("Age", ordering="id")
    def age(self, row: StripeEvent) -> SafeString:
        """How long ago it arrived."""
        return show.when(row.received_at)

    @column("Happened")
    def happened(self, row: StripeEvent) -> str:
        """When it happened at Stripe."""
        return show.moment(row.created_at)

    @column("Processed")
    def processed(self, row: StripeEvent) -> str:
        """When we finished processing it."""
        return show.NOTHING if row.state in OPEN_EVENT else show.moment(row.processed_at)

    @column("Note")
    def trouble(self, row: StripeEvent) -> str:
        """The beginning of the error, or of why nothing followed."""
        return row.error[:SUMMARY] or show.NOTHING

    @column("Note")
    def problem(self, row: StripeEvent) -> SafeString | str:
        """The whole error, or why nothing followed."""
        return show.pre(row.error)

    @column("Member")
    def member(self, row: StripeEvent) -> SafeString | str:
        """Link to the member, if we know the customer."""
        customer = (
            Customer.objects.filter(stripe_id=row.customer_id).select_related("user").first()
            if row.customer_id
            else None
        )
        return show.member(customer.user) if customer else row.customer_id or show.NOTHING

    @column("About")
    def about(self, row: StripeEvent) -> SafeString | str:
        """Link to our copy of the object, or its ID."""
        for model in COPIES if row.object_id else ():
            copy = model._default_manager.filter(stripe_id=row.object_id).first()
            if copy:
                return show.link(copy, f"{copy._meta.verbose_name}: {copy}".capitalize())
        return row.object_id or show.NOTHING

    @column("Attempts")
    def tries(self, row: StripeEvent) -> SafeString | str:
        """Each attempt, newest first: how long it took, its error, and the rows it changed."""
        return event_changes.attempts_of(row)

    @page_button("Try out a replay", icon="science", path="try", permission="replay")
    def rehearse(self, request: HttpRequest, object_id: str) -> HttpResponseBase:
        """Show what a replay would change, and change nothing."""
        event = row_or_404(StripeEvent, object_id)
        return event_changes.rehearsal_page(self.admin_site, request, event)

    @column("Payload")
    def content(self, row: StripeEvent) -> SafeString:
        """The payload, indented."""
        if row.reduced_at:
            return format_html(
                "<p>Only ids are kept since {}.</p>{}",
                show.day(row.reduced_at),
                show.pretty_json(row.payload),
            )
        return show.pretty_json(row.payload)

    @button(
        "Replay",
        icon="replay",
        path="replay",
        permission="replay",
        question="Process this event again?",
        explanation=(
            "We read what it is about from Stripe once more and write what Stripe says now."
            " Nothing is sent twice."
        ),
    )
    def replay(self, request: HttpRequest, _form: Form, object_id: str) -> HttpResponse:
        """Process one event again."""
        event = self.get_object(request, object_id)
        if event is None:
            raise Http404("There is no such event.")
        inbox.replay(event)
        self.log_change(request, event, "Replayed.")
        self.message_user(request, f"{event} is being processed again.", messages.SUCCESS)
        return redirect(show.page_of(event))

    @admin.action(description="Replay the selected events", permissions=["replay"])
    def replay_selected(self, request: HttpRequest, queryset: QuerySet[StripeEvent]) -> None:
        """Process the selected events again."""
        # Oldest first, as they happened.
        chosen = list(queryset.order_by("created_at", "pk"))
        inbox.replay_all([event.pk for event in chosen])
        LogEntry.objects.log_actions(
            cast(int, request.user.pk), chosen, CHANGE, change_message="Replayed."
        )
        count = show.count(len(chosen), "event")
        verb = "is" if len(chosen) == 1 else "are"
        text = (
            f"{count} {verb} being processed again." if chosen else "There was nothing to replay."
        )
        self.message_user(request, text, messages.SUCCESS if chosen else messages.INFO)

    @admin.action(description="Try out a replay of the selected events", permissions=["replay"])
    def try_selected(
        self, request: HttpRequest, queryset: QuerySet[StripeEvent]
    ) -> HttpResponseBase:
        """Show what a replay of the selected events would change, and change nothing."""
        return event_changes.rehearsals_page(self.admin_site, request, queryset)

    @page_button("Replay all failed", icon="replay", path="replay-failed", permission="replay")
    def replay_failed(self, request: HttpRequest) -> HttpResponseBase:
        """Lead to the question whether to replay the events that were given up."""
        address = reverse("admin:billing_stripeevent_replay_all")
        return redirect(f"{address}?state__exact={EventState.FAILED.value}")
