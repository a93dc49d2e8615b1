"""The staff site's sign-in is the portal's own: there is one way in, with all of its guards."""

from __future__ import annotations

from urllib.parse import urlencode

from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponseRedirect
from django.shortcuts import redirect
from django.urls import reverse
from django.utils.http import url_has_allowed_host_and_scheme

from members import access


def sign_in(request: HttpRequest) -> HttpResponseRedirect:
    """Lead to the portal's sign-in, or to where staff who are in wanted to go.

    Django's own form, which is here otherwise, knows no second step, counts no tries, and would
    take the password of one account in another one's session.

    Raises:
        PermissionDenied: a member is no staff.
    """
    target = _target(request)
    if not request.user.is_authenticated:
        return redirect(f"{reverse('account_login')}?{urlencode({'next': target})}")
    if not access.current_user(request).is_staff:
        raise PermissionDenied
    return redirect(target)


def _target(request: HttpRequest) -> str:
    """Return the page of this portal that was wanted, but for this one."""
    wanted = request.GET.get("next", "")
    is_ours = url_has_allowed_host_and_scheme(wanted, None)
    is_here = wanted.startswith(reverse("admin:login"))
    return wanted if is_ours and not is_here else reverse("admin:index")
