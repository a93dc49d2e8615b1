"""The staff site uses the portal's own sign-in: one way in, with all its guards."""

from __future__ import annotations

from urllib.parse import urlencode

from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponseRedirect
from django.shortcuts import redirect
from django.urls import reverse
from django.utils.http import url_has_allowed_host_and_scheme

from members import access


def sign_in(request: HttpRequest) -> HttpResponseRedirect:
    """Redirect to the portal's sign-in, or signed-in staff to where they wanted to go.

    Django's own form, which this replaces, knows no second step, counts no tries, and would accept
    one account's password in another one's session.

    Raises:
        PermissionDenied: the member isn't staff.
    """
    target = _target(request)
    if not request.user.is_authenticated:
        return redirect(f"{reverse('account_login')}?{urlencode({'next': target})}")
    if not access.current_user(request).is_staff:
        raise PermissionDenied
    return redirect(target)


def _target(request: HttpRequest) -> str:
    """Return the requested page of this portal, unless it's this one."""
    wanted = request.GET.get("next", "")
    is_ours = url_has_allowed_host_and_scheme(wanted, None)
    is_here = wanted.startswith(reverse("admin:login"))
    return wanted if is_ours and not is_here else reverse("admin:index")
