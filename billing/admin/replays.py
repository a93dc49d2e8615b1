"""Replays of many webhook events: the question with its preview, the record, the stop button."""

from __future__ import annotations

from typing import Any, cast
from uuid import UUID, uuid4

from django.contrib import admin, messages
from django.contrib.admin import AdminSite
from django.contrib.admin.views.main import ChangeList
from django.contrib.auth.models import User
from django.forms import Form
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import redirect
from django.template.response import TemplateResponse
from django.utils.html import format_html_join
from django.utils.safestring import SafeString

from billing.admin import labels
from billing.admin.records import RecordAdmin
from billing.core.statuses import EventState
from billing.inbound import replays
from billing.inbound.rehearsal import MOST_EVENTS
from billing.models import Replay, StripeEvent
from common.staff import show
from common.staff.parts import button, column, row_of_buttons

# How long a page waits before it asks again.
SECONDS = 3


def running() -> Replay | None:
    """Return the replay that hasn't ended, if there's one."""
    return Replay.objects.filter(finished_at=None).defer("event_ids").first()


def how_far(replay: Replay) -> str:
    """Return "Replaying, 1,200 of 5,000"."""
    return f"Replaying, {show.number(replays.done(replay))} of {show.number(replay.total)}"


def in_words(listing: ChangeList) -> str:
    """Return a list's filters as a sentence's part: "state: failed; type: invoice.paid"."""
    # Not the words: they may be somebody's name.
    parts = ["a search"] if listing.query else []
    for spec in listing.filter_specs:
        used = spec.used_parameters.items()
        values = [f"{_side(name)}{_text(value)}" for name, value in used if value and _text(value)]
        if values:
            parts.append(f"{spec.title}: {' '.join(values)}")
    return "; ".join(parts) or "all events"


def _side(name: str) -> str:
    """Return the word before the day of a range: "from " or "to "; a time follows its day."""
    for side in ("from", "to"):
        if name.endswith((f"_{side}", f"_{side}_0")):
            return f"{side} "
    return ""


def _text(value: Any) -> str:
    return ", ".join(map(str, value)) if isinstance(value, (list, tuple)) else str(value)


def question_page(site: AdminSite, request: HttpRequest, listing: ChangeList) -> HttpResponseBase:
    """Show which events a list's filter finds, and replay them when asked to."""
    events, chosen = listing.queryset, in_words(listing)
    list_url = f"{show.list_of('billing.stripeevent')}?{request.GET.urlencode()}"
    if request.method == "POST":
        return _start(request, listing, chosen)
    found = replays.preview(events)
    more: dict[str, Any] = {
        **site.each_context(request),
        "opts": StripeEvent._meta,
        "title": "Replay all events that match",
        "chosen": chosen,
        "total": show.count(found.total, "event"),
        "kinds": [(name, show.number(count)) for name, count in found.kinds],
        "first": show.moment(found.first),
        "last": show.moment(found.last),
        "why_not": _why_not(found),
        "running": _link_to(running()),
        "key": uuid4(),
        "try_words": "Try it out" if found.total <= MOST_EVENTS else f"Try out {MOST_EVENTS}",
        "back": list_url,
        "query": request.GET.urlencode(),
    }
    return TemplateResponse(request, "admin/billing/events/replay_all.html", more)


def _why_not(found: replays.Preview) -> str:
    if not found.total:
        return "No event matches. Choose other filters on the list."
    if found.is_too_much:
        return (
            f"A replay takes up to {show.number(replays.MOST)} events."
            " Choose a shorter time or a type on the list."
        )
    return ""


def _link_to(replay: Replay | None) -> dict[str, str] | None:
    return {"url": show.page_of(replay), "says": how_far(replay)} if replay else None


def _start(request: HttpRequest, listing: ChangeList, chosen: str) -> HttpResponse:
    try:
        key = UUID(request.POST.get("key", ""))
    except ValueError:
        return redirect(request.get_full_path())
    by = cast(User, request.user)
    try:
        replay = replays.start(listing.queryset, chosen, by, key)
    except replays.AlreadyRunning as other:
        text = "Another replay is under way. Wait for its end, or stop it."
        messages.info(request, text)
        return redirect(show.page_of(other.replay))
    except replays.NotStarted as reason:
        messages.error(request, str(reason))
        return redirect(request.get_full_path())
    cast(RecordAdmin, listing.model_admin).log_done(
        request, f"Replayed {show.count(replay.total, 'event')}: {chosen}."
    )
    messages.success(request, f"{show.count(replay.total, 'event')} will be processed again.")
    return redirect(show.page_of(replay))


@admin.register(Replay)
class ReplayAdmin(RecordAdmin):
    """Replays that staff started from the list of events."""

    list_display = ["age", "outcome", "count", "chosen", "who"]
    ordering = ["-id"]
    nothing = "Nobody has replayed a list of events yet. Open Webhook events, and filter them."
    actions_detail = ["stop"]
    fieldsets = [
        (None, {"fields": ["outcome", "count", "chosen", "who", "started", "ended"]}),
        ("Events", {"fields": ["kinds_of_events", "results"]}),
    ]

    def get_queryset(self, request: HttpRequest) -> Any:
        """Leave the numbers of the events where they are."""
        rows = super().get_queryset(request).defer("event_ids")
        return rows.select_related("started_by", "stopped_by")

    def has_stop_permission(self, request: HttpRequest, object_id: str = "") -> bool:
        """Whether this staff member may replay events, and this replay hasn't ended."""
        row = row_of_buttons(request, Replay, object_id)
        may = request.user.has_perm("billing.change_stripeevent")
        return may and (row is None or row.finished_at is None)

    def change_view(
        self,
        request: HttpRequest,
        object_id: str,
        form_url: str = "",
        extra_context: dict[str, Any] | None = None,
    ) -> HttpResponse:
        """Show a replay; while it's under way, the page loads itself again."""
        answer: HttpResponse = super().change_view(request, object_id, form_url, extra_context)
        row = self.get_object(request, object_id)
        if row and row.finished_at is None:
            answer["Refresh"] = str(SECONDS)
        return answer

    @column("Age", ordering="id")
    def age(self, row: Replay) -> SafeString:
        """How long ago it began."""
        return show.when(row.started_at)

    @column("State")
    def outcome(self, row: Replay) -> SafeString:
        """How far it is, or how it ended."""
        if row.stopped_at:
            handed, total = show.number(row.handed), show.number(row.total)
            return show.badge(f"Stopped after {handed} of {total}", "warning")
        if row.finished_at:
            return show.badge("Done", "success")
        return show.badge(how_far(row), "info")

    @column("Events")
    def count(self, row: Replay) -> str:
        """How many events it's about."""
        return show.number(row.total)

    @column("Started by")
    def who(self, row: Replay) -> str:
        """Who pressed the button."""
        return show.name_of(row.started_by) if row.started_by else show.NOTHING

    @column("Started")
    def started(self, row: Replay) -> str:
        """When it began."""
        return show.moment(row.started_at)

    @column("Ended")
    def ended(self, row: Replay) -> str:
        """When it ended, and who stopped it."""
        if row.stopped_by:
            return f"{show.moment(row.stopped_at)}, stopped by {show.name_of(row.stopped_by)}"
        return show.moment(row.finished_at)

    @column("Types")
    def kinds_of_events(self, row: Replay) -> SafeString | str:
        """How many events of each type."""
        most_first = sorted(row.kinds.items(), key=lambda one: (-one[1], one[0]))
        return show.pre("\n".join(f"{show.number(count)} × {name}" for name, count in most_first))

    @column("State of the events now")
    def results(self, row: Replay) -> SafeString | str:
        """What became of the events that were handed over."""
        found = replays.states(row)
        badges = [
            show.badge(f"{state.value.capitalize()}: {show.number(found[state])}", variant)
            for state in EventState
            if found.get(state)
            for variant in [labels.EVENT.get(state, "")]
        ]
        return format_html_join(" ", "{}", [(one,) for one in badges]) or show.NOTHING

    @button(
        "Stop",
        icon="stop_circle",
        path="stop",
        permission="stop",
        question="Stop this replay?",
        explanation=(
            "No more events are handed over. Up to 200 that were are still processed. Nothing that"
            " was processed is taken back."
        ),
    )
    def stop(self, request: HttpRequest, _form: Form, object_id: str) -> HttpResponse:
        """Hand over no more events."""
        row = self.get_object(request, object_id)
        if replays.stop(int(object_id), cast(User, request.user)):
            self.log_change(request, row, "Stopped.")
            self.message_user(request, "The replay is stopped.", messages.SUCCESS)
        else:
            self.message_user(request, "It had ended already.", messages.INFO)
        return redirect(show.page_of(cast(Replay, row)))
