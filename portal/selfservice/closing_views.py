"""Close the account: what it means, the wish to do so, and taking it back."""

from __future__ import annotations

from django.contrib import messages
from django.contrib.auth.decorators import login_not_required, login_required
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST

from billing.core.dates import long_date
from members.access import current_user
from members.signin.recent_login import confirmed_lately
from portal.selfservice import closing, closing_page
from portal.selfservice.closing import Kept


@login_required
@require_http_methods(["GET", "HEAD", "POST"])
@confirmed_lately
def close(request: HttpRequest) -> HttpResponseBase:
    """Say what closing the account means, or plan it (POST).

    Template: `selfservice/close.html`, with `closing` (closing_page.ClosingPage).
    """
    user = current_user(request)
    if request.method == "POST":
        try:
            made = closing.plan(user)
        except closing.ClosingRefused as refusal:
            messages.error(request, str(refusal))
        else:
            text = _("Your account closes on %(day)s. You can keep it until then.")
            messages.success(request, text % {"day": long_date(made.closes_at)})
        return redirect("selfservice:close")
    page = closing_page.page(closing_page.read(user))
    return render(request, "selfservice/close.html", {"closing": page})


@login_required
@require_POST
def keep(request: HttpRequest) -> HttpResponse:
    """Take the plan back."""
    try:
        kept = closing.keep(current_user(request))
    except closing.ClosingRefused as refusal:
        messages.info(request, str(refusal))
        return redirect("selfservice:close")
    _say(request, kept)
    return redirect("members:account")


@login_not_required
@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def keep_by_link(request: HttpRequest, token: str) -> HttpResponse:
    """Show what the mail's link is about. The button (POST) acts, as mail programs follow links.

    Template: `selfservice/keep.html`, with `plan`, or `problem` for a link that doesn't work.
    """
    try:
        made = closing.plan_of(token)
        if request.method != "POST":
            return render(request, "selfservice/keep.html", {"plan": made})
        kept = closing.keep(made.user)
    except closing.ClosingRefused as refusal:
        return render(request, "selfservice/keep.html", {"problem": str(refusal)}, status=400)
    _say(request, kept)
    return redirect("home" if request.user.is_authenticated else "account_login")


def _say(request: HttpRequest, kept: Kept) -> None:
    messages.success(request, _("Your account stays open. Welcome back."))
    if kept.problem:
        text = _("Your membership doesn’t renew yet: %(problem)s")
        messages.warning(request, text % {"problem": kept.problem})
