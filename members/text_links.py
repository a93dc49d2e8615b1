"""The short addresses in our texts: each leads to the page that its text is about."""

from __future__ import annotations

from allauth.core.exceptions import RateLimited
from django.contrib.auth.decorators import login_not_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from emails import short_links
from members.signin.budgets import Budget


@login_not_required
@never_cache
@require_safe
def short_link(request: HttpRequest, code: str) -> HttpResponse:
    """Lead to the page; it asks for a sign-in if it needs one. 404: the link has ended.

    Guesses are counted; there's no limit on links that we made.

    Template: `members/text_link.html`, without a context.
    """
    if path := short_links.destination(code):
        return redirect(path)
    if not Budget("text_link_unknown", "").spend(request):
        raise RateLimited
    return render(request, "members/text_link.html", status=404)
