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


@login_not_required
@require_safe
def join(request: HttpRequest) -> HttpResponse:
    """Show what the membership gives and costs. `price` preselects one."""
    user = request.user if request.user.is_authenticated else None
    found = join_page.facts(user)
    if found is None:
        return redirect("billing:membership")
    context = {"join": join_page.page(found, request.GET.get("price", ""))}
    return render(request, "billing/join.html", context)


@login_not_required
@require_safe
def choose(request: HttpRequest) -> HttpResponse:
    """Send a visitor to sign up, and from there back to the offer with the price they chose."""
    address = reverse("billing:join")
    if price := request.GET.get("price", ""):
        address = f"{address}?{urlencode({'price': price})}"
    if request.user.is_authenticated:
        return redirect(address)
    return redirect(f"{reverse('account_signup')}?{urlencode({REDIRECT_FIELD_NAME: address})}")
