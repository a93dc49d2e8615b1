"""Checks for missed events, and comparisons of our copy with Stripe: run, followed, and mended."""

from __future__ import annotations

import time
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.forms import Form
from django.http import Http404, HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import redirect
from django.template.loader import render_to_string
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse
from django.utils import timezone
from django.utils.safestring import SafeString

from billing import tasks
from billing.admin.records import RecordAdmin
from billing.admin.stripe_links import has_stripe_dashboard, stripe_url
from billing.models import Reconciliation
from billing.reconcile import comparison, comparison_report, missed_events
from billing.stripe import gateway
from common.queue import enqueue_once
from common.staff import show
from common.staff.filters import by_day
from common.staff.parts import button, column, row_or_404

READ = "<path:object_id>/read/<str:kind>/<str:stripe_id>/"
# Where Stripe's dashboard shows objects without a row here.
AT_STRIPE = {
    "customer": "customers",
    "subscription": "subscriptions",
    "invoice": "invoices",
    "payment": "payments",
    "refund": "refunds",
    "dispute": "disputes",
}


# How long a page waits before it asks again, and when a run without an end was cut short.
SECONDS = 3
CUT_SHORT = timedelta(hours=6)
# Bars of the trend.
NEWEST = 30


def _shown(line: comparison_report.Line, read: str) -> dict[str, str]:
    """Return a difference for its template: `url` leads to our row, or else to Stripe's page.

    `read` is where it's read again, if that's allowed.
    """
    one = line.difference
    url = show.page_of(line.row) if line.row else ""
    if not url and one.object in AT_STRIPE and has_stripe_dashboard():
        url = stripe_url(AT_STRIPE[one.object], one.id)
    return {
        "url": url,
        "what": line.what,
        "id": one.id,
        "field": line.field,
        "ours": line.ours,
        "stripe": line.stripe,
        "read": read,
    }


def is_running(row: Reconciliation) -> bool:
    """Whether a comparison is under way."""
    return bool(row.progress) and row.started_at > timezone.now() - CUT_SHORT


@dataclass(frozen=True)
class Bar:
    """A comparison in the trend: its height out of 100, and what it says."""

    height: int
    says: str
    url: str


def trend() -> dict[str, Any]:
    """Return the newest comparisons, oldest first, and a sentence about them."""
    newest = Reconciliation.objects.exclude(compared_at=None).order_by("-pk")[:NEWEST]
    rows = list(newest.defer("differences"))[::-1]
    most = max((row.differences_found for row in rows), default=0)
    differing = sum(1 for row in rows if row.differences_found)
    return {
        # A row of nothing needs no picture.
        "bars": differing
        and [
            Bar(
                height=max(4, round(100 * row.differences_found / most)) if most else 0,
                says=f"{show.day(row.started_at)}: {_count(row.differences_found)}",
                url=show.page_of(row),
            )
            for row in rows
        ],
        "says": _trend_words(len(rows), differing),
    }


def _trend_words(count: int, differing: int) -> str:
    if count <= 1:
        found = "found a difference" if differing else "found no difference"
        return f"The only comparison so far {found}." if count else ""
    if not differing:
        return f"None of the last {count} comparisons found a difference."
    return f"{differing} of the last {count} comparisons found a difference."


def _progress(told: dict[str, Any]) -> str:
    """Return "Comparing invoices, 4 of 10: 1,200 seen"."""
    words = comparison_report.MODELS[told["kind"]]._meta.verbose_name_plural
    return f"Comparing {words}, {told['number']} of {told['of']}: {show.number(told['seen'])} seen"


def _count(differences: int) -> str:
    return show.count(differences, "difference") if differences else "no difference"


@admin.register(Reconciliation)
class ReconciliationAdmin(RecordAdmin):
    """Searches for missed events, and comparisons of our copy with Stripe."""

    list_display = ["age", "outcome", "agreement", "events_missed", "events_seen", "took"]
    list_filter = [("started_at", by_day("day started"))]
    ordering = ["-id"]
    actions_list = ["look_now", "compare_now", "repair_now"]
    list_before_template = "admin/billing/drift.html"
    nothing = "We haven’t looked yet. It happens every hour."
    fieldsets = [
        (None, {"fields": ["outcome", "started", "took", "events_seen", "events_missed"]}),
        ("Our copy beside Stripe", {"fields": ["agreement", "compared", "details"]}),
        ("If it failed", {"fields": ["problem"]}),
    ]

    def has_look_permission(self, request: HttpRequest, _object_id: str = "") -> bool:
        """Whether this staff member may start a check."""
        return request.user.has_perm("billing.add_reconciliation")

    def get_urls(self) -> list[URLPattern]:
        """Add the page that reads one object again."""
        view = self.admin_site.admin_view(self.read_again)
        return [path(READ, view, name="billing_reconciliation_read"), *super().get_urls()]

    def changelist_view(
        self, request: HttpRequest, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        """Show the trend; while a comparison is under way, the page loads itself again."""
        answer = super().changelist_view(request, {"trend": trend(), **(extra_context or {})})
        newest = Reconciliation.objects.defer("differences").first()
        if newest and is_running(newest):
            answer["Refresh"] = str(SECONDS)
        return answer

    def change_view(
        self,
        request: HttpRequest,
        object_id: str,
        form_url: str = "",
        extra_context: dict[str, Any] | None = None,
    ) -> HttpResponse:
        """Show a run; while it's under way, the page loads itself again."""
        answer: HttpResponse = super().change_view(request, object_id, form_url, extra_context)
        row = self.get_object(request, object_id)
        if row and is_running(row):
            answer["Refresh"] = str(SECONDS)
        return answer

    def get_object(
        self, request: HttpRequest, object_id: str, from_field: str | None = None
    ) -> Reconciliation | None:
        """Return a run that knows whether its reader may have differences read again."""
        row: Reconciliation | None = super().get_object(request, object_id, from_field)
        if row:
            row.can_be_mended = self.has_look_permission(request)
        return row

    def read_again(
        self, request: HttpRequest, object_id: str, kind: str, stripe_id: str
    ) -> HttpResponseBase:
        """Ask whether to read one object of a report again, then do so and compare it."""
        row = row_or_404(Reconciliation, object_id)
        if not self.has_look_permission(request):
            raise PermissionDenied
        found = [one for one in row.differences if (one["object"], one["id"]) == (kind, stripe_id)]
        if not found:
            raise Http404("The report has no such difference.")
        lines = comparison_report.lines(found)
        if request.method == "POST":
            self._read_and_say(request, row, lines[0])
            return redirect(show.page_of(row))
        more = {
            **self.admin_site.each_context(request),
            "opts": self.opts,
            "title": f"Read {lines[0].what} again?",
            "lines": [_shown(line, "") for line in lines],
            "back": show.page_of(row),
        }
        return TemplateResponse(request, "admin/billing/read_again.html", more)

    def _read_and_say(
        self, request: HttpRequest, row: Reconciliation, line: comparison_report.Line
    ) -> None:
        one = line.difference
        try:
            why_not = missed_events.read_again(one, {})
            left = comparison_report.lines(
                [found.as_dict() for found in comparison.compare_one(one.object, one.id)]
            )
        except gateway.StripeError as error:
            text = f"Stripe didn’t let us read it: {error} Try again in a moment."
            self.message_user(request, text, messages.ERROR)
            return
        self.log_change(request, row, f"Read {one.object} {one.id} again.")
        if not left:
            text = f"{line.what} agrees with Stripe now."
            self.message_user(request, text, messages.SUCCESS)
            return
        parts = [f"{line.what} still differs.", why_not, *map(str, left)]
        self.message_user(request, " ".join(filter(None, parts)), messages.WARNING)

    @column("Age", ordering="id")
    def age(self, row: Reconciliation) -> SafeString:
        """How long ago it began."""
        return show.when(row.started_at)

    @column("Started")
    def started(self, row: Reconciliation) -> str:
        """When it began."""
        return show.moment(row.started_at)

    @column("Outcome")
    def outcome(self, row: Reconciliation) -> SafeString:
        """Whether it finished, and what it found."""
        if row.error:
            return show.badge("Failed", "danger")
        if is_running(row):
            return show.badge(_progress(row.progress), "info")
        if row.progress or not row.finished_at:
            return show.badge("Cut short", "warning")
        if row.differences_left:
            return show.badge("Differs from Stripe", "danger")
        return show.badge(
            *(("Found missed events", "warning") if row.events_missed else ("All here", "success"))
        )

    @column("Customers")
    def agreement(self, row: Reconciliation) -> str:
        """How many customers agree with Stripe, if that was compared."""
        return row.summary or show.NOTHING

    @column("Compared")
    def compared(self, row: Reconciliation) -> str:
        """When the comparison was done."""
        return show.moment(row.compared_at)

    @column("Differences")
    def details(self, row: Reconciliation) -> SafeString | str:
        """One row each: the object with a link, our value, and Stripe's."""
        if not row.differences:
            return show.NOTHING
        lines = comparison_report.lines(row.differences)
        hidden = max(row.differences_found, row.differences_left) - len(lines)
        return SafeString(
            render_to_string(
                "admin/billing/differences.html",
                {
                    "lines": [_shown(line, self._read_url(row, line)) for line in lines],
                    "hidden": max(0, hidden),
                },
            )
        )

    def _read_url(self, row: Reconciliation, line: comparison_report.Line) -> str:
        if not row.can_be_mended:
            return ""
        one = line.difference
        return reverse("admin:billing_reconciliation_read", args=[row.pk, one.object, one.id])

    @column("Took")
    def took(self, row: Reconciliation) -> str:
        """How long it took."""
        ended = row.compared_at or row.finished_at
        if not ended:
            return show.NOTHING
        return f"{(ended - row.started_at).total_seconds():.1f} s"

    @column("Error")
    def problem(self, row: Reconciliation) -> SafeString | str:
        """What Stripe, or the network, answered."""
        return show.pre(row.error)

    @button(
        "Look for missed events now",
        icon="travel_explore",
        path="look",
        permission="look",
        question="Look for missed events now?",
        explanation=(
            "We ask Stripe for everything since the last good check, and process what we lack."
            " It also happens automatically every hour."
        ),
    )
    def look_now(self, request: HttpRequest, _form: Form) -> HttpResponse:
        """Have the worker ask Stripe."""
        is_new = enqueue_once(
            tasks.find_missed_events, "find_missed_events", timestamp=int(time.time())
        )
        return self._asked(request, is_new, "Looked for missed events.")

    @button(
        "Compare with Stripe now",
        icon="compare_arrows",
        path="compare",
        permission="look",
        question="Compare our copy with Stripe now?",
        explanation=(
            "We read every customer, subscription, invoice and payment and compare it field by"
            " field. Nothing is changed. It also happens automatically every night."
        ),
    )
    def compare_now(self, request: HttpRequest, _form: Form) -> HttpResponse:
        """Have the worker compare."""
        is_new = enqueue_once(tasks.compare_with_stripe, "reconcile", timestamp=int(time.time()))
        return self._asked(request, is_new, "Compared with Stripe.")

    @button(
        "Compare and repair now",
        icon="build",
        path="repair",
        permission="look",
        question="Read again whatever differs from Stripe?",
        explanation=(
            "We compare, read each object that differs once more and write what Stripe says now."
            " Nothing is changed at Stripe, and nobody is written to about the past."
        ),
    )
    def repair_now(self, request: HttpRequest, _form: Form) -> HttpResponse:
        """Have the worker compare and repair."""
        return self._asked(
            request,
            enqueue_once(tasks.repair_from_stripe, "repair"),
            "Compared with Stripe, and repaired.",
        )

    def _asked(self, request: HttpRequest, is_new: bool, what: str) -> HttpResponse:
        self.log_done(request, what)
        text = "We are asking Stripe. Reload in a moment." if is_new else "A check waits already."
        self.message_user(request, text, messages.SUCCESS if is_new else messages.INFO)
        return redirect(reverse("admin:billing_reconciliation_changelist"))
