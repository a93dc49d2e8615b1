"""The page of recent activity."""

from __future__ import annotations

from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.views.decorators.http import require_safe

from common.htmx import wants_fragment
from members import activity_facts, activity_pages
from members.access import current_user

PAGE = "members/activity.html"


@login_required
@require_safe
def activity(request: HttpRequest) -> HttpResponse:
    """Show sign-ins and changes, newest first; `before` is where a page starts.

    Template: `members/activity.html`; HTMX gets its partial `entries`. Context: `entries`
    (activity_pages.Entry), and the addresses `older` and `newer`, or "".
    """
    before = request.GET.get("before", "")
    found = activity_facts.read(current_user(request), before)
    here = reverse("members:activity")
    context = {
        "entries": activity_pages.entries(found),
        "older": f"{here}?before={found.older}" if found.older else "",
        "newer": here if before else "",
    }
    return render(request, f"{PAGE}#entries" if wants_fragment(request) else PAGE, context)
