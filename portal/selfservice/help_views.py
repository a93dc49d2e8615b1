"""The help page: our contacts, common questions answered for this member, and a form."""

from __future__ import annotations

from django.contrib import messages
from django.contrib.auth.decorators import login_not_required
from django.contrib.auth.models import User
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods

from common import addresses
from common.htmx import wants_fragment
from portal.selfservice import contact, help_facts
from portal.selfservice.contact import own_page
from portal.selfservice.help_forms import HelpForm, VisitorsHelpForm
from portal.selfservice.questions import questions


@login_not_required
@require_http_methods(["GET", "HEAD", "POST"])
def help_page(request: HttpRequest) -> HttpResponse:
    """Show the page, or take a message (POST).

    Query: `from`, the path of the page they came from. Template: `selfservice/help.html`, or for
    visitors `selfservice/help_visitor.html`.
    """
    user = request.user if isinstance(request.user, User) else None
    made = HelpForm if user else VisitorsHelpForm
    if request.method != "POST":
        return _page(request, user, made(page=own_page(request.GET.get("from", ""))))
    form = made(request.POST)
    if not form.is_valid():
        return _page(request, user, form, status=400)
    try:
        message = contact.send(request, user, form.wish())
    except contact.TooManyMessages as refusal:
        form.add_error(None, str(refusal))
        return _page(request, user, form, status=429)
    said = _("Thank you, we’ve got your message. We’ll reply by email to %(address)s.")
    messages.success(request, said % {"address": addresses.readable(message.reply_to)})
    return redirect("selfservice:help")


def _page(
    request: HttpRequest, user: User | None, form: HelpForm, status: int = 200
) -> HttpResponse:
    if wants_fragment(request) and request.method == "POST":
        # HTMX shows no answer that's called an error.
        return render(request, "selfservice/contact.html", {"form": form})
    if user is None:
        return render(request, "selfservice/help_visitor.html", {"form": form}, status=status)
    mine = help_facts.read(user)
    context = {"form": form, "questions": questions(mine.facts), "sent": mine.messages}
    return render(request, "selfservice/help.html", context, status=status)
