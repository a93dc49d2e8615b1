"""The member's account pages. Sign-in, email, password, phone, and sessions are allauth's."""

from __future__ import annotations

from allauth.account.stages import LoginStageController
from django.contrib import messages
from django.contrib.auth.decorators import login_not_required, login_required
from django.db import transaction
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import redirect, render
from django.utils import translation
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from common.htmx import wants_fragment
from members import consent, contact_notices, languages, notification_views, phones
from members.access import current_member, current_user
from members.forms import ProfileForm, shown_terms
from members.models import ConsentSource, Member
from members.sign_ins import client_ip
from members.signin.recent_login import confirmed_lately
from members.signin.stages import PhoneVerificationStage


@login_required
def account(request: HttpRequest) -> HttpResponse:
    """Show the account's overview.

    Template: `members/account.html`, with the context of `_page`.
    """
    member = current_member(request)
    return _page(request, ProfileForm(member))


@login_required
@require_POST
def save_profile(request: HttpRequest) -> HttpResponse:
    """Save name and time zone (POST `name`, `time_zone`); errors show beside the fields.

    HTMX gets the partial `members/account.html#profile`; a plain form goes back to the page.
    """
    member = current_member(request)
    form = ProfileForm(member, request.POST)
    if not form.is_valid():
        return _page(request, form, _profile_of(request))
    language = member.language
    form.save()
    with translation.override(languages.offered(member.language)):
        said = _("Your profile is saved.")
    # The whole page speaks the new language.
    if wants_fragment(request) and member.language == language:
        return _page(request, ProfileForm(member), _profile_of(request), said=said)
    messages.success(request, said)
    return redirect("members:account")


@login_required
@require_POST
def text_messages(request: HttpRequest) -> HttpResponse:
    """Turn all text messages on or off (POST `agree`: "yes" or "no").

    HTMX gets the partial `members/notifications.html#all`; a plain form goes back to the page.
    """
    member = current_member(request)
    outcome = _record_answer(request, member, agrees=request.POST.get("agree") == "yes")
    if wants_fragment(request):
        return _texts(request, member, outcome)
    messages.success(request, outcome)
    return redirect("members:notifications")


@login_required
@require_POST
@confirmed_lately
def remove_phone(request: HttpRequest) -> HttpResponse:
    """Remove the member's phone number, and with it their consent to texts.

    HTMX gets the partial `members/notifications.html#all`.
    """
    user = current_user(request)
    before = str(user.member.phone) if user.member.phone_is_verified else ""
    with transaction.atomic():
        phones.remove(user)
        if before:
            contact_notices.number_removed(user, before, request)
    outcome = _("Your phone number is removed. We won’t text you anymore.")
    if wants_fragment(request):
        return _texts(request, user.member, outcome)
    messages.success(request, outcome)
    return redirect("members:notifications")


@login_not_required
@require_POST
def skip_phone(request: HttpRequest) -> HttpResponseBase:
    """Finish signing up without the phone's code; the number stays unverified."""
    stage = LoginStageController.enter(request, PhoneVerificationStage.key)
    if stage is None:
        return redirect("account_login")
    consent.drop_wish(request)
    response: HttpResponseBase = stage.exit()
    return response


def _texts(request: HttpRequest, member: Member, outcome: str) -> HttpResponse:
    """Render what's true of someone's texts now, for HTMX."""
    context = notification_views.page_context(member) | {"outcome": outcome}
    return render(request, "members/notifications.html#all", context)


@transaction.atomic
def _record_answer(request: HttpRequest, member: Member, *, agrees: bool) -> str:
    """Record the member's answer, and return the new state in a sentence."""
    if not agrees:
        if consent.stop(member, ConsentSource.ACCOUNT, consent.Basis(ip=client_ip(request))):
            contact_notices.texts_switched(member, request)
        return _("Text messages are off.")
    if not member.phone_is_verified:
        return _("Verify your phone number first, then turn text messages on.")
    basis = consent.Basis(shown_terms(), client_ip(request))
    if consent.agree(member, ConsentSource.ACCOUNT, basis):
        contact_notices.texts_switched(member, request)
    return _("Text messages are on. We just sent you a text to confirm.")


def _profile_of(request: HttpRequest) -> str:
    """Return which part of the page the form of the profile wants."""
    return "#profile" if wants_fragment(request) else ""


def _page(request: HttpRequest, form: ProfileForm, part: str = "", said: str = "") -> HttpResponse:
    """Render the overview, or a part of it.

    Context: `member` (members.Member, with `user`), `profile_form`, and for the partial `profile`,
    after a change, `said`.
    """
    context = {"member": form.member, "profile_form": form, "said": said}
    return render(request, f"members/account.html{part}", context)
