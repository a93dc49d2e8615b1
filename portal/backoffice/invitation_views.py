"""The page behind the link of an invitation to the team."""

from __future__ import annotations

from urllib.parse import urlencode

from django.contrib import messages
from django.contrib.auth.decorators import login_not_required
from django.contrib.auth.models import User
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_variables
from django.views.decorators.http import require_http_methods

from members.signin import mfa, passkeys
from portal.backoffice import invitations
from portal.backoffice.roles import SUMMARIES, Role
from portal.models import StaffInvitation

PAGE = "portal/invitation.html"


@never_cache
@login_not_required
@sensitive_variables("token")
@require_http_methods(["GET", "HEAD", "POST"])
def invitation(request: HttpRequest, token: str) -> HttpResponse:
    """Lead through what an invitation takes, one step at a time; the button (POST) accepts it.

    Template: `portal/invitation.html`, with `problem`, or `row` and `step`: `sign_in`, `other`
    (signed in with another address), `second_step`, or `accept`.
    """
    user = request.user if isinstance(request.user, User) else None
    try:
        row = invitations.find(token)
        step = _step(row, user)
        if step == "accept" and user and not mfa.is_taken(request, user):
            back = urlencode({"next": request.path})
            return redirect(f"{mfa.confirmation_page(user)}?{back}")
        if request.method == "POST" and step == "accept" and user:
            invitations.accept(token, user)
            request.session.pop(mfa.WANTED_BY, None)
            messages.success(request, _("Welcome to the team."))
            return redirect("admin:index")
    except invitations.InvitationBroken as problem:
        return render(request, PAGE, {"problem": str(problem)}, status=400)
    if step == "second_step":
        request.session[mfa.WANTED_BY] = request.path
    context = {
        "row": row,
        "step": step,
        "summary": SUMMARIES[Role(row.role.key)],
        "back": urlencode({"next": request.path}),
        "passkeys_offered": passkeys.are_offered(),
    }
    return render(request, PAGE, context)


def _step(row: StaffInvitation, user: User | None) -> str:
    if user is None:
        return "sign_in"
    if not invitations.is_for(row, user):
        return "other"
    return "accept" if mfa.is_set_up(user) else "second_step"
