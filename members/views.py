"""The member's account pages. Sign-in, email, password, phone, and sessions are allauth's."""

from __future__ import annotations

from allauth.account.stages import LoginStageController
from django.contrib import messages
from django.contrib.auth.decorators import login_not_required, login_required
from django.db import transaction
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import redirect, render
from django.views.decorators.http import require_POST

from common.htmx import wants_fragment
from members import consent, contact_notices, phones
from members.access import current_member, current_user
from members.forms import ProfileForm, text_message_terms
from members.models import ConsentSource, Member
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
    """Save name and time zone (POST `name`, `time_zone`); errors show on the overview."""
    form = ProfileForm(current_member(request), request.POST)
    if not form.is_valid():
        return _page(request, form)
    form.save()
    messages.success(request, "Your profile is saved.")
    return redirect("members:account")


@login_required
@require_POST
def text_messages(request: HttpRequest) -> HttpResponse:
    """Turn text messages on or off (POST `agree`: "yes" or "no").

    HTMX gets the partial `members/account.html#text-messages`; a plain form goes back to the page.
    """
    member = current_member(request)
    outcome = _record_answer(request, member, agrees=request.POST.get("agree") == "yes")
    if wants_fragment(request):
        context = _text_messages_context(member) | {"outcome": outcome}
        return render(request, "members/account.html#text-messages", context)
    messages.success(request, outcome)
    return redirect("members:account")


@login_required
@require_POST
@confirmed_lately
def remove_phone(request: HttpRequest) -> HttpResponse:
    """Remove the member's phone number, and with it their consent to texts."""
    user = current_user(request)
    before = str(user.member.phone) if user.member.phone_is_verified else ""
    with transaction.atomic():
        phones.remove(user)
        if before:
            contact_notices.number_removed(user, before, request)
    messages.success(request, "Your phone number is removed. We will not text you.")
    return redirect("members:account")


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


@transaction.atomic
def _record_answer(request: HttpRequest, member: Member, *, agrees: bool) -> str:
    """Record the member's answer, and return the new state in a sentence."""
    if not agrees:
        if consent.stop(member, ConsentSource.ACCOUNT):
            contact_notices.texts_switched(member, request)
        return "Text messages are off."
    if not member.phone_is_verified:
        return "Verify your phone number first, then switch text messages on."
    if consent.agree(member, ConsentSource.ACCOUNT):
        contact_notices.texts_switched(member, request)
    return "Text messages are on. We just sent you a text to confirm."


def _page(request: HttpRequest, form: ProfileForm) -> HttpResponse:
    """Render the overview.

    Context: `member` (members.Member, with `user`), `profile_form`, and what the partial
    `text-messages` takes: `member`, `terms` (what one agrees to) and, after a change, `outcome`.
    """
    context = _text_messages_context(form.member) | {"profile_form": form}
    return render(request, "members/account.html", context)


def _text_messages_context(member: Member) -> dict[str, object]:
    return {"member": member, "terms": text_message_terms()}
