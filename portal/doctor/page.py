"""The doctor's runs on the staff site: what was found, when, and a button to look again."""

from __future__ import annotations

from typing import Any

from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.forms import Form
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import redirect
from django.template.loader import render_to_string
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse
from django.utils.safestring import SafeString

from common.staff import show
from common.staff.parts import button, column
from common.staff.read_only import ReadOnlyAdmin
from portal.doctor import first_steps, recorded, running
from portal.doctor.first_steps import StepState
from portal.doctor.results import ORDER, Finding, worst
from portal.models import Diagnosis, Outcome

LABELS = {
    Outcome.OK: ("Works", "success"),
    Outcome.WARN: ("To do", "warning"),
    Outcome.FAIL: ("Doesn’t work", "danger"),
    Outcome.UNKNOWN: ("Can’t tell", ""),
}
STEPS = {
    StepState.DONE: ("Done", "success"),
    StepState.LEFT: ("Left to do", "warning"),
    StepState.OPTIONAL: ("If you like", ""),
}
START = "portal_diagnosis_start"
# How long the page of a run waits before it asks again.
SECONDS = 3


def shown(found: list[Finding]) -> list[dict[str, Any]]:
    """Return findings for the template, what needs somebody first."""
    return [
        {
            "badge": show.badge(*LABELS[one.outcome]),
            "group": running.GROUPS[running.group_of(one.key)],
            "one": one,
        }
        for one in sorted(found, key=lambda one: ORDER.index(one.outcome))
    ]


@admin.register(Diagnosis)
class DiagnosisAdmin(ReadOnlyAdmin):
    """Runs of the doctor."""

    list_display = ["asked", "result", "broken", "to_do", "unknown", "took"]
    ordering = ["-id"]
    nothing = "The doctor hasn’t looked yet. It does so every night, or when you press the button."
    actions_list = ["look_now"]
    actions_detail = ["look_again"]
    fieldsets = [(None, {"fields": ["result", "asked_moment", "took", "details"]})]

    def has_look_permission(self, request: HttpRequest, _object_id: str = "") -> bool:
        """Whether this staff member may have the doctor look."""
        return request.user.has_perm("portal.add_diagnosis")

    def get_urls(self) -> list[URLPattern]:
        """Add the page of what's left to set up."""
        view = self.admin_site.admin_view(self.getting_started)
        return [path("getting-started/", view, name=START), *super().get_urls()]

    def getting_started(self, request: HttpRequest) -> HttpResponseBase:
        """Show what's left to set up, step by step."""
        if not self.has_view_permission(request):
            raise PermissionDenied
        listed = first_steps.steps(first_steps.read())
        more = {
            **self.admin_site.each_context(request),
            "model_admin": self,
            "title": "Getting started",
            "content_title": "Getting started",
            "steps": [{"one": one, "badge": show.badge(*STEPS[one.state])} for one in listed],
            "left": first_steps.left(listed),
            "look_url": reverse("admin:portal_diagnosis_look_now")
            if self.has_look_permission(request)
            else "",
        }
        return TemplateResponse(request, "admin/getting_started.html", more)

    def change_view(
        self,
        request: HttpRequest,
        object_id: str,
        form_url: str = "",
        extra_context: dict[str, Any] | None = None,
    ) -> HttpResponse:
        """Show a run; while it's running, the page loads itself again."""
        response: HttpResponse = super().change_view(request, object_id, form_url, extra_context)
        row = self.get_object(request, object_id)
        if row and not row.finished_at:
            response["Refresh"] = str(SECONDS)
        return response

    @button(
        "Look now",
        icon="stethoscope",
        path="look",
        permission="look",
        question="Check everything now?",
        explanation=(
            "We ask Stripe, the mail server or email provider, DNS, and the portal itself. Nothing"
            " is sent or changed. It takes up to a few minutes, and happens every night, too."
        ),
    )
    def look_now(self, request: HttpRequest, _form: Form) -> HttpResponse:
        """Have the worker run the checks."""
        return self._asked(request)

    @button(
        "Look again",
        icon="stethoscope",
        path="again",
        permission="look",
        question="Check everything again?",
        explanation="Nothing is sent or changed. It takes up to a few minutes.",
    )
    def look_again(self, request: HttpRequest, _form: Form, object_id: str) -> HttpResponse:
        """Have the worker run the checks."""
        return self._asked(request)

    def _asked(self, request: HttpRequest) -> HttpResponse:
        row = recorded.ask()
        if row is None:
            messages.info(request, "A check waits already.")
            return redirect(reverse("admin:portal_diagnosis_changelist"))
        self.log_change(request, row, "Asked the doctor.")
        return redirect(show.page_of(row))

    @column("Asked", ordering="id")
    def asked(self, row: Diagnosis) -> SafeString:
        """How long ago."""
        return show.when(row.asked_at)

    @column("Asked")
    def asked_moment(self, row: Diagnosis) -> str:
        """When."""
        return show.moment(row.asked_at)

    @column("Result")
    def result(self, row: Diagnosis) -> SafeString:
        """The worst that was found, or how far it has come."""
        if row.finished_at:
            return show.badge(*LABELS[worst(recorded.findings(row))])
        if row.begun_at is None:
            return show.badge("Waiting for the worker", "info")
        return show.badge(f"{len(row.findings)} of {len(running.ALL)} checked", "info")

    @column("Don’t work")
    def broken(self, row: Diagnosis) -> str:
        """How many checks failed."""
        return _count(row, Outcome.FAIL)

    @column("To do")
    def to_do(self, row: Diagnosis) -> str:
        """How many checks ask for something."""
        return _count(row, Outcome.WARN)

    @column("Can’t tell")
    def unknown(self, row: Diagnosis) -> str:
        """How many checks know nothing."""
        return _count(row, Outcome.UNKNOWN)

    @column("Took")
    def took(self, row: Diagnosis) -> str:
        """How long it took."""
        if not (row.finished_at and row.begun_at):
            return show.NOTHING
        return f"{(row.finished_at - row.begun_at).total_seconds():.1f} s"

    @column("Findings")
    def details(self, row: Diagnosis) -> SafeString | str:
        """Each check's result and remedy."""
        lines = shown(recorded.findings(row))
        if not lines:
            return show.NOTHING
        return SafeString(render_to_string("admin/doctor.html", {"lines": lines}))


def _count(row: Diagnosis, outcome: Outcome) -> str:
    count = sum(one["outcome"] == outcome for one in row.findings)
    return str(count) if count else show.NOTHING
