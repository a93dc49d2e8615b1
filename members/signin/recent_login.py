"""Changes of sign-in or contact data require a recent sign-in or confirmation.

allauth asks for the password or an app's code again. For an account with neither, which signs in by
emailed code, it asks for nothing: someone who found an old session open could add their own way in.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any

from allauth.core.exceptions import ReauthenticationRequired
from django.contrib import messages
from django.http import HttpRequest, HttpResponseBase
from django.shortcuts import redirect

from members import sign_ins
from members.signin.allauth_internals import get_reauthentication_flows

View = Callable[..., HttpResponseBase]
SIGN_IN_ANEW = "For this you must have signed in a moment ago: sign out, sign in and come back."


def signed_in_lately(view: View) -> View:
    """Turn away people who can't confirm who they are and didn't sign in recently."""

    @wraps(view)
    def guarded(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        user = request.user
        has_nothing = user.is_authenticated and not get_reauthentication_flows(user)
        if has_nothing and not sign_ins.is_fresh(request):
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
        if is_form and not sign_ins.is_fresh(request):
            if get_reauthentication_flows(request.user):
                raise ReauthenticationRequired
            messages.error(request, SIGN_IN_ANEW)
            return redirect("members:account")
        return view(request, *args, **kwargs)

    return guarded
