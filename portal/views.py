"""The portal's home page and its error pages."""

from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render

from billing.pages import home as home_page
from members.access import current_member


@login_required
def home(request: HttpRequest) -> HttpResponse:
    """Show the member's status, what's next, and what needs attention."""
    return render(request, "portal/home.html", {"home": home_page.home(current_member(request))})


def error_page(request: HttpRequest, status: int) -> HttpResponse:
    """Show an error page by status code, for review (development only)."""
    return render(request, f"{status}.html", status=status)
