"""Emails to members about changes of their contact data and sign-in.

Each is an `ACCOUNT_CHANGED`: what, when, with which browser, and what to do if it wasn't you.
"""

from __future__ import annotations

from django.contrib.auth.models import User
from django.http import HttpRequest
from django.utils import timezone
from django.utils.translation import gettext as _

from common.links import portal_url
from emails.models import Channel
from emails.outbox import put_account
from members import activity, languages, phones, sign_ins
from members.contexts import AccountChanged, TextsOn
from members.display import device
from members.models import ActivityKind, Member, SignIn


def tell(
    user: User,
    headline: str,
    sentence: str,
    *,
    request: HttpRequest | None = None,
    address: str = "",
) -> None:
    """Tell a member about a change. With a request, name the browser and network it came from.

    It goes to the address that they sign in with, or to another one of theirs (`address`). Words
    about what staff or a reply did are in the member's language: see `languages.of`.
    """
    if not (address or user.email):
        return
    words = AccountChanged(
        headline=headline,
        sentence=sentence,
        at=timezone.now(),
        device=device(request.headers.get("User-Agent", "")) if request else "",
        ip=sign_ins.client_ip(request) if request else "",
        url=portal_url("members:account"),
    )
    put_account(Channel.EMAIL, address or user.email, words, user)


def number_verified(user: User, phone: str, before: str, request: HttpRequest) -> None:
    """Announce a verified number (E.164); `before` is the verified one that it replaces."""
    if phone == before:
        return
    activity.record(user, ActivityKind.PHONE, request=request)
    number = phones.international(phone)
    with languages.of(user):
        if before:
            old = phones.international(before)
            sentence = _("Your account now uses {number} instead of {old}.")
            sentence = sentence.format(number=number, old=old)
            tell(user, _("Your phone number was changed"), sentence, request=request)
        else:
            sentence = _("{number} was added to your account.").format(number=number)
            tell(user, _("A phone number was added"), sentence, request=request)


def number_removed(user: User, phone: str, request: HttpRequest) -> None:
    """Announce a removed number (E.164)."""
    activity.record(user, ActivityKind.PHONE_REMOVED, request=request)
    number = phones.international(phone)
    with languages.of(user):
        sentence = _("{number} was removed from your account. We won’t text you anymore.")
        sentence = sentence.format(number=number)
        tell(user, _("Your phone number was removed"), sentence, request=request)


def texts_switched(
    member: Member, request: HttpRequest | None = None, *, by_reply: bool = False
) -> None:
    """Announce that texts are on, by email and the first text, or that they're off.

    A reply by text has already been answered by text.
    """
    user = member.user
    kind = ActivityKind.TEXTS_ON if member.agreed_to_sms else ActivityKind.TEXTS_OFF
    activity.record(user, kind, request=request)
    with languages.of(user):
        if not member.agreed_to_sms:
            sentence = _("We won’t text you anymore. You’ll still get emails.")
            tell(user, _("Text messages are off"), sentence, request=request)
            return
        sentence = _(
            "We’ll text you about your payments and your account. Reply STOP to end anytime."
        )
        tell(user, _("Text messages are on"), sentence, request=request)
        if member.accepts_sms and not by_reply:
            put_account(Channel.SMS, str(member.phone), TextsOn(), user)


def signed_in(sign_in: SignIn, request: HttpRequest) -> None:
    """Announce a sign-in with a browser that's new for this member, except their first."""
    others = SignIn.objects.filter(user=sign_in.user).exclude(pk=sign_in.pk)
    known = {device(agent) for agent in others.values_list("user_agent", flat=True).distinct()}
    here = device(sign_in.user_agent)
    if not known or here in known:
        return
    with languages.of(sign_in.user):
        sentence = _("Someone signed in to your account from a new device.")
        if here:
            sentence = _("Someone signed in to your account with {device}.").format(device=here)
        tell(sign_in.user, _("New sign-in to your account"), sentence, request=request)
