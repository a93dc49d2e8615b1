"""What attempts at an event changed, and what a replay would: tables for staff pages."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from django.contrib.admin import AdminSite
from django.db.models import QuerySet
from django.http import HttpRequest
from django.http.response import HttpResponseBase
from django.template.loader import render_to_string
from django.template.response import TemplateResponse
from django.urls import NoReverseMatch, reverse
from django.utils.safestring import SafeString

from billing.admin import labels
from billing.inbound.noted_changes import NotedChange, Value, noted_changes
from billing.inbound.rehearsal import MOST_EVENTS, NotRehearsed, Rehearsal, rehearse_all
from billing.models import EventAttempt, StripeEvent
from billing.models.event import ChangeAction
from billing.stripe import gateway
from common.staff import show
from emails.models import Message
from emails.names import name_of

logger = logging.getLogger(__name__)

MOST_ATTEMPTS = 20
VERBS = {
    ChangeAction.INSERT: ("Added", "success"),
    ChangeAction.UPDATE: ("Changed", "info"),
    ChangeAction.DELETE: ("Removed", "danger"),
}


@dataclass(frozen=True)
class ShownChange:
    """A changed row for the template; `url` is its page, if it has one."""

    what: str
    name: str
    url: str
    badge: SafeString
    is_new: bool
    is_gone: bool
    values: list[Value]


@dataclass(frozen=True)
class ShownAttempt:
    """An attempt for the template."""

    began: str
    took: str
    badge: SafeString
    is_replay: bool
    problem: str
    changes: list[ShownChange]


def attempts_of(event: StripeEvent) -> SafeString | str:
    """Return an event's newest attempts, each with what it changed."""
    newest = list(event.tries.order_by("-pk")[: MOST_ATTEMPTS + 1])
    if not newest:
        return show.NOTHING
    more = {
        "attempts": [_attempt(one) for one in newest[:MOST_ATTEMPTS]],
        "has_more": len(newest) > MOST_ATTEMPTS,
        "are_gone": event.reduced_at is not None,
    }
    return SafeString(render_to_string("admin/billing/events/attempts.html", more))


def _attempt(row: EventAttempt) -> ShownAttempt:
    return ShownAttempt(
        began=show.moment(row.began_at),
        took=_took(row),
        badge=show.state(row, "state", labels.EVENT) if row.state else show.badge("Not finished"),
        is_replay=row.is_replay,
        problem=row.problem,
        changes=shown(noted_changes(row.pk)),
    )


def _took(row: EventAttempt) -> str:
    if row.ended_at is None:
        return ""
    milliseconds = (row.ended_at - row.began_at).total_seconds() * 1000
    return f"{milliseconds:.0f} ms" if milliseconds < 1000 else f"{milliseconds / 1000:.1f} s"


def shown(changes: Iterable[NotedChange], *, with_links: bool = True) -> list[ShownChange]:
    """Return changed rows with links to those that have a page."""
    return [
        ShownChange(
            what=one.what,
            name=one.name,
            url=_page_of(one) if with_links or not one.is_new else "",
            badge=show.badge(*VERBS[ChangeAction(one.action)]),
            is_new=one.is_new,
            is_gone=one.action == ChangeAction.DELETE,
            values=one.values,
        )
        for one in changes
    ]


def _page_of(change: NotedChange) -> str:
    if not change.name:
        return ""
    try:
        return reverse(f"admin:{change.model.replace('.', '_')}_change", args=[change.row])
    except NoReverseMatch:
        return ""


def rehearsal_page(site: AdminSite, request: HttpRequest, event: StripeEvent) -> HttpResponseBase:
    """Show what a replay would change now."""
    tried, problem = _tried([event])
    more: dict[str, Any] = {
        **site.each_context(request),
        "title": f"What a replay of {event.type} would do",
        "event": event,
        "back": show.page_of(event),
        "problem": problem,
        **(_worded(tried[0]) if tried else {}),
    }
    return TemplateResponse(request, "admin/billing/events/rehearsal.html", more)


def rehearsals_page(
    site: AdminSite, request: HttpRequest, events: QuerySet[StripeEvent]
) -> HttpResponseBase:
    """Show what a replay of the first of these events would change, each after those before."""
    total = events.count()
    first = list(events.order_by("created_at", "pk")[:MOST_EVENTS])
    tried, problem = _tried(first) if first else ([], "No event matches.")
    more: dict[str, Any] = {
        **site.each_context(request),
        "opts": StripeEvent._meta,
        "title": "What a replay would do",
        "back": show.list_of("billing.stripeevent"),
        "query": request.GET.urlencode(),
        "problem": problem,
        "scope": _scope(len(tried), total),
        "events": [
            {"event": event, "url": show.page_of(event), **_worded(one)}
            for event, one in zip(first, tried, strict=False)
        ],
    }
    return TemplateResponse(request, "admin/billing/events/rehearsals.html", more)


def _scope(tried: int, total: int) -> str:
    if tried == total:
        return "Each event was tried out after those before it, oldest first."
    return (
        f"The oldest {show.number(tried)} of {show.number(total)} events were tried out,"
        " each after those before it."
    )


def _tried(events: Sequence[StripeEvent]) -> tuple[list[Rehearsal], str]:
    """Return what replays would do, or none of it and why not."""
    try:
        return rehearse_all(events), ""
    except NotRehearsed as error:
        return [], str(error)
    except gateway.StripeUnavailable as error:
        logger.warning("A replay couldn't be tried out: %s", error)
        return [], "Stripe can’t be reached right now. Try again in a moment."
    except gateway.StripeError as error:
        return [], f"Stripe refused: {error}"


def _worded(tried: Rehearsal) -> dict[str, Any]:
    return {
        "tried": tried,
        "outcome": tried.state.value.capitalize() if tried.state else "",
        "changes": shown(
            [one for one in tried.changes if one.table != Message._meta.db_table],
            with_links=False,
        ),
        "would_send": [_message(one) for one in tried.messages],
    }


def _message(row: Message) -> dict[str, str]:
    return {
        "what": name_of(row.kind),
        "channel": row.get_channel_display(),
        "recipient": row.recipient,
        "subject": row.subject,
    }
