"""The page of devices: where someone is signed in, and signing out of each or all others."""

from __future__ import annotations

from allauth.account.adapter import get_adapter
from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from common.htmx import wants_fragment
from members.access import current_user
from members.signin import sessions

PAGE = "usersessions/usersession_list.html"


@login_required
def devices(request: HttpRequest) -> HttpResponse:
    """Show where the member is signed in; a POST signs out everywhere else.

    Template: `usersessions/usersession_list.html`, with the context of `_context`. HTMX gets its
    partial `sessions`.
    """
    if request.method != "POST":
        return render(request, PAGE, _context(request))
    sessions.end_others(request, current_user(request))
    return _answer(request, _("You’re signed out everywhere else."))


@login_required
@require_POST
def end(request: HttpRequest, pk: int) -> HttpResponse:
    """Sign out of one device: of this one, too."""
    user = current_user(request)
    if sessions.is_here(request, user, pk):
        get_adapter().logout(request)
        return redirect("account_login")
    if sessions.end(user, pk):
        return _answer(request, _("That device is signed out."))
    return _answer(request, _("That device was already signed out."))


def _answer(request: HttpRequest, outcome: str) -> HttpResponse:
    if wants_fragment(request):
        return render(request, f"{PAGE}#sessions", _context(request) | {"outcome": outcome})
    messages.success(request, outcome)
    return redirect("usersessions_list")


def _context(request: HttpRequest) -> dict[str, object]:
    """Return `sessions` (SignedIn, this one first) and, after a change, `outcome`."""
    return {"sessions": sessions.of_user(request, current_user(request)), "outcome": ""}
