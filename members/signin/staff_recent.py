"""A recent sign-in: moving money or changing its rules takes proof of who you are."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from functools import wraps
from typing import Any, TypeVar
from urllib.parse import urlencode

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.utils.translation import gettext_lazy as _

from common.staff.put_aside import put_aside
from members.access import current_user
from members.signin.allauth_internals import get_reauthentication_flows
from members.signin.recent_login import is_recent

# Long enough for a morning's queue, short enough for an abandoned screen.
RECENT = timedelta(minutes=15)
NO_WAY = _(
    "This needs a sign-in within the last {minutes} minutes. Sign out, sign back in, and try again."
)

Method = TypeVar("Method", bound=Callable[..., Any])


def has_signed_in_recently(request: HttpRequest) -> bool:
    """Whether this session has a sign-in or confirmation that is recent enough for staff."""
    return is_recent(request, RECENT)


def ask_who_is_there(request: HttpRequest, back: str, otherwise: str = "") -> HttpResponse | None:
    """Return a redirect to allauth's confirmation and back; None after a recent sign-in.

    Accounts without a password and a second step have nothing to confirm with: they have to sign in
    again, and are told so where they were, or at an address that doesn't ask (`otherwise`).
    """
    if has_signed_in_recently(request):
        return None
    if not get_reauthentication_flows(current_user(request)):
        messages.error(request, NO_WAY.format(minutes=int(RECENT.total_seconds() // 60)))
        return redirect(otherwise or back)
    return redirect(f"{reverse('account_reauthenticate')}?{urlencode({'next': back})}")


def recently_signed_in(method: Method) -> Method:
    """Require a recent sign-in to open or press a button on a row's page, or on a list.

    People who may not press it at all are told so first. What was typed is restored afterward.
    """

    @wraps(method)
    def guarded(model_admin: Any, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        about = [kwargs["object_id"]] if "object_id" in kwargs else []
        for name in getattr(method, "allowed_permissions", ()):
            if not getattr(model_admin, f"has_{name}_permission")(request, *about):
                raise PermissionDenied
        meta = model_admin.model._meta
        page = "change" if about else "changelist"
        back = reverse(f"admin:{meta.app_label}_{meta.model_name}_{page}", args=about)
        asked = ask_who_is_there(request, request.path, otherwise=back)
        if asked:
            put_aside(request)
            return asked
        answer: HttpResponse = method(model_admin, request, *args, **kwargs)
        return answer

    return guarded  # type: ignore[return-value]
