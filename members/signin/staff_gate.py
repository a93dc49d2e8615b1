"""With STAFF_NEED_SECOND_FACTOR, the staff site requires a second step at sign-in."""

from __future__ import annotations

from collections.abc import Callable
from urllib.parse import urlencode

from django.conf import settings
from django.contrib import messages
from django.contrib.auth.models import AnonymousUser, User
from django.http import HttpRequest, HttpResponseBase, HttpResponseRedirect
from django.shortcuts import redirect
from django.urls import reverse
from django.utils.translation import gettext_lazy as _

from members.signin import mfa

GetResponse = Callable[[HttpRequest], HttpResponseBase]
# Signing in and out stays open.
OPEN = ("admin:login", "admin:logout", "admin:password_change")
NOTHING_DONE = _("Nothing was changed yet. Confirm it’s you, then try again.")
SET_UP = _("The staff site needs two-step sign-in. Set it up here, then go back.")


class StaffSecondStepMiddleware:
    """Send staff without a second step to add one, and other sessions to take it."""

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        needs_it = settings.STAFF_NEED_SECOND_FACTOR and _is_staff_page(request.path_info)
        asked = _ask(request, request.user) if needs_it else None
        return asked or self.get_response(request)


def _is_staff_page(path: str) -> bool:
    return path.startswith(reverse("admin:index")) and path not in map(reverse, OPEN)


def _ask(request: HttpRequest, user: User | AnonymousUser) -> HttpResponseRedirect | None:
    """Return the redirect to the second step; None if it's been taken, or for non-staff."""
    if not isinstance(user, User) or not user.is_staff or mfa.is_taken(request, user):
        return None
    if not mfa.is_set_up(user):
        messages.info(request, SET_UP)
        return redirect("mfa_activate_totp")
    if request.method == "POST":
        # The form isn't sent again: after that long, people should look again first.
        messages.warning(request, NOTHING_DONE)
    back = request.get_full_path()
    return redirect(f"{mfa.confirmation_page(user)}?{urlencode({'next': back})}")
