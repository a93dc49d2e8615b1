"""Your data: ask for a copy of everything, and fetch it."""

from __future__ import annotations

from uuid import UUID

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponseBase, StreamingHttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_http_methods

from billing.core.tones import Tone
from billing.pages.outcomes import Outcome
from common.file_names import saved_as
from common.htmx import wants_fragment
from members.access import current_user
from members.signin.recent_login import confirmed_lately
from portal.models import EXPORT_KEPT, ExportState
from portal.selfservice import data_exports


@login_required
@require_http_methods(["GET", "HEAD", "POST"])
@confirmed_lately
def your_data(request: HttpRequest) -> HttpResponseBase:
    """Show the member's copies, or have one made (POST).

    Template: `selfservice/data.html`; HTMX gets its partial `copies`, and asks for it while one is
    being made.
    Context: `exports` (portal.models.DataExport), `is_waiting`, `days`, `most`, `outcome`.
    """
    outcome = None
    if request.method == "POST":
        outcome = _ask(request)
        if not wants_fragment(request):
            outcome.leave_for(request)
            return redirect("selfservice:data")
    exports = data_exports.of(current_user(request))
    context = {
        "exports": exports,
        "is_waiting": any(one.state == ExportState.WAITING for one in exports),
        "days": EXPORT_KEPT.days,
        "most": data_exports.MOST_A_DAY,
        "outcome": outcome,
    }
    template = "selfservice/data.html" + ("#copies" if wants_fragment(request) else "")
    return render(request, template, context)


def _ask(request: HttpRequest) -> Outcome:
    user = current_user(request)
    try:
        data_exports.ask(user)
    except data_exports.ExportRefused as refusal:
        return Outcome(Tone.BAD, str(refusal))
    said = _("We’re preparing your copy. We’ll email %(address)s when it’s ready.")
    return Outcome(Tone.GOOD, said % {"address": user.email})


@login_required
@require_GET
def download(request: HttpRequest, pk: UUID) -> HttpResponseBase:
    """Download one of the member's own copies, as long as it's kept."""
    export = data_exports.fetch(current_user(request), pk)
    if export is None:
        messages.info(request, _("That copy is no longer here. You can ask for a new one."))
        return redirect("selfservice:data")
    made = timezone.localdate(export.made_at) if export.made_at else timezone.localdate()
    response = StreamingHttpResponse(data_exports.content(export), content_type="application/zip")
    response["Content-Disposition"] = saved_as(f"your-data-{made:%Y-%m-%d}.zip")
    response["Content-Length"] = str(export.size)
    return response
