"""Who changes a way in, or a way to be reached, has signed in or confirmed who they are lately.

allauth asks for the password, or for a code of the app, again. An account that has neither signs in
by codes of its mailbox, and there it asks for nothing: whoever found an old session open could add
a way in of their own.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any

from allauth.account.internal.flows.reauthentication import get_reauthentication_flows
from allauth.core.exceptions import ReauthenticationRequired
from django.contrib import messages
from django.http import HttpRequest, HttpResponseBase
from django.shortcuts import redirect

from members import sign_ins

View = Callable[..., HttpResponseBase]
SIGN_IN_ANEW = "For this you must have signed in a moment ago: sign out, sign in and come back."


def signed_in_lately(view: View) -> View:
    """Send those back who can't confirm that it is them, and did not sign in lately."""

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
    """Ask who did not sign in lately to confirm that it is them, before a form does anything.

    allauth sends the form again afterwards; the page itself is there to be looked at.
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
