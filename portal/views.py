"""The portal's home page and its error pages."""

from dataclasses import replace
from http import HTTPStatus

from django.contrib.auth.decorators import login_required
from django.core.exceptions import RequestDataTooBig, TooManyFieldsSent, TooManyFilesSent
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render

from billing.pages import home as home_page
from billing.pages import member_facts
from members.access import current_user
from portal.selfservice import closing_alert

TOO_LARGE = (RequestDataTooBig, TooManyFieldsSent, TooManyFilesSent)


@login_required
def home(request: HttpRequest) -> HttpResponse:
    """Show the member's status, what's next, and what needs attention."""
    user = current_user(request)
    page = home_page.home(member_facts.home(user))
    if closing := closing_alert.alert(user):
        page = replace(page, alerts=[closing, *page.alerts])
    return render(request, "portal/home.html", {"home": page})


def bad_request(request: HttpRequest, exception: Exception) -> HttpResponse:
    """Say why a request can't be read: too large, or broken (Django's `handler400`)."""
    if isinstance(exception, TOO_LARGE):
        return render(request, "413.html", status=HTTPStatus.REQUEST_ENTITY_TOO_LARGE)
    return render(request, "400.html", status=HTTPStatus.BAD_REQUEST)


def error_page(request: HttpRequest, status: int) -> HttpResponse:
    """Show an error page by status code, for review (development only)."""
    return render(request, f"{status}.html", status=status)
