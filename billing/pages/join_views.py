"""The page that offers the membership, signed in or not."""

from __future__ import annotations

from urllib.parse import urlencode

from django.contrib.auth import REDIRECT_FIELD_NAME
from django.contrib.auth.decorators import login_not_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.http import require_safe

from billing.pages import join as join_page

CHOSEN = "price"


@login_not_required
@require_safe
def join(request: HttpRequest) -> HttpResponse:
    """Show what the membership gives and costs. `price` preselects one.

    Who signed up or in on the way has read all that, and gets what they chose with a button to pay,
    unless it was taken off sale in the meantime.
    """
    user = request.user if request.user.is_authenticated else None
    found = join_page.facts(user)
    if found is None:
        return redirect("billing:membership")
    page = join_page.page(found, request.GET.get(CHOSEN, ""))
    is_last_step = user is not None and page.is_chosen and CHOSEN in request.GET
    template = "billing/last_step.html" if is_last_step else "billing/join.html"
    return render(request, template, {"join": page})


@login_not_required
@require_safe
def choose(request: HttpRequest) -> HttpResponse:
    """Send a visitor to sign up, and from there to the last step with the price they chose."""
    # With one price there's nothing to choose, yet the button was pressed.
    address = f"{reverse('billing:join')}?{urlencode({CHOSEN: request.GET.get(CHOSEN, '')})}"
    if request.user.is_authenticated:
        return redirect(address)
    return redirect(f"{reverse('account_signup')}?{urlencode({REDIRECT_FIELD_NAME: address})}")
