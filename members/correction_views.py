"""The link that confirms an email address corrected by staff."""

from __future__ import annotations

from django.contrib import messages
from django.contrib.auth.decorators import login_not_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods

from common import addresses
from members import corrections


@login_not_required
@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def confirm_email(request: HttpRequest, token: str) -> HttpResponse:
    """Show what the link is about. The button (POST) confirms, as mail programs follow links.

    Template: `members/confirm_email.html`, with `email`, or `problem` for a link that doesn't work.
    """
    try:
        if request.method != "POST":
            proposal = corrections.proposal_of(token)
            return render(request, "members/confirm_email.html", {"email": proposal.email})
        proposal = corrections.confirm_email(token)
    except corrections.LinkRefused as refusal:
        context = {"problem": str(refusal)}
        return render(request, "members/confirm_email.html", context, status=400)
    messages.success(
        request, _("You now sign in with {email}.").format(email=addresses.readable(proposal.email))
    )
    return redirect("account_login")
