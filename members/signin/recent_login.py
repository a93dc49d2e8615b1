"""Changes of sign-in or contact data require a recent sign-in or confirmation.

allauth asks for the password or an app's code again. For an account with neither, which signs in by
emailed code, it asks for nothing: someone who found an old session open could add their own way in.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import timedelta
from functools import wraps
from typing import Any

from allauth.account import app_settings
from allauth.account.authentication import get_authentication_records
from allauth.core.exceptions import ReauthenticationRequired
from django.contrib import messages
from django.http import HttpRequest, HttpResponseBase
from django.shortcuts import redirect
from django.utils.translation import gettext_lazy as _

from members.signin.allauth_internals import get_reauthentication_flows

View = Callable[..., HttpResponseBase]
SIGN_IN_ANEW = _("This needs a recent sign-in. Sign out, sign back in, and try again.")


def proofs(request: HttpRequest, within: timedelta | None = None) -> list[dict[str, Any]]:
    """Return the proofs of identity allauth recorded in this session, latest last.

    Only proofs no older than `within` count. The default is allauth's REAUTHENTICATION_TIMEOUT.
    """
    age = within.total_seconds() if within else app_settings.REAUTHENTICATION_TIMEOUT
    since = time.time() - age
    records = get_authentication_records(request, request.user)
    return [one for one in records if one["at"] > since]


def is_recent(request: HttpRequest, within: timedelta | None = None) -> bool:
    """Whether the user signed in or confirmed who they are recently enough, in this session."""
    return bool(proofs(request, within))


def signed_in_lately(view: View) -> View:
    """Turn away people who can't confirm who they are and didn't sign in recently."""

    @wraps(view)
    def guarded(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        user = request.user
        has_nothing = user.is_authenticated and not get_reauthentication_flows(user)
        if has_nothing and not is_recent(request):
            messages.error(request, SIGN_IN_ANEW)
            return redirect("members:account")
        return view(request, *args, **kwargs)

    return guarded


def confirmed_lately(view: View) -> View:
    """Before a form does anything, ask for confirmation unless the sign-in is recent.

    allauth sends the form again afterward; the page itself can always be viewed.
    """

    @wraps(view)
    def guarded(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        is_form = request.method == "POST" and request.user.is_authenticated
        if is_form and not is_recent(request):
            if get_reauthentication_flows(request.user):
                raise ReauthenticationRequired
            messages.error(request, SIGN_IN_ANEW)
            return redirect("members:account")
        return view(request, *args, **kwargs)

    return guarded
