"""The page of notifications, and the pages behind a mail's link that turns it off."""

from __future__ import annotations

from collections.abc import Iterator

from django.contrib import messages
from django.contrib.auth.decorators import login_not_required, login_required
from django.contrib.auth.models import User
from django.db import transaction
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_http_methods, require_POST

from business import rules
from common.htmx import wants_fragment
from emails import preferences, suppressing, unsubscribe_links
from emails.models import Channel
from emails.topics import TOPICS, Topic
from emails.unsubscribe_links import Asked
from members import activity, consent, mail_notices, notification_pages
from members.access import current_member, current_user
from members.forms import text_message_terms
from members.models import ActivityKind, Member

PAGE = "members/notifications.html"
UNSUBSCRIBE = "members/unsubscribe.html"


@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def notifications(request: HttpRequest) -> HttpResponse:
    """Show what someone is told, or save what they switched.

    A switch sends its own name as `only`. The whole form (without scripts) sends the names that
    were on when it was shown as `shown`: what another tab changed since then stays. Both send the
    names that are on as `on`.

    Template: `members/notifications.html`; HTMX gets the partial `saved` after a change. Context:
    `page_context`'s, or `row` (notification_pages.Row) and `said` (the sentence, with `tone`).
    """
    member = current_member(request)
    if request.method != "POST":
        part = "#all" if wants_fragment(request) else ""
        return render(request, PAGE + part, page_context(member))
    said, tone = _save(request, member)
    if wants_fragment(request) and (topic := _topic_of(request.POST.get("only", ""))):
        off = preferences.switched_off(member.user)
        row = notification_pages.row(topic, off, takes_texts=member.accepts_sms)
        return render(request, f"{PAGE}#saved", {"row": row, "said": said, "tone": tone})
    messages.add_message(request, getattr(messages, tone.upper()), said)
    return redirect("members:notifications")


def page_context(member: Member) -> dict[str, object]:
    """Return what the page takes.

    `sections`, `member`, `terms`, `stopped_by_reply`, `outcome`, `quiet`: when texts wait, and
    `mail`: what's wrong with their address (mail_notices.MailNotice), or None.
    """
    off = preferences.switched_off(member.user)
    return {
        "sections": notification_pages.sections(off, takes_texts=member.accepts_sms),
        "member": member,
        "terms": text_message_terms(),
        "stopped_by_reply": consent.stopped_by_reply(member),
        "outcome": "",
        "quiet": notification_pages.quiet(rules.quiet_hours()) if member.accepts_sms else "",
        "mail": mail_notices.of(member.user),
    }


@csrf_exempt  # Mail programs post without cookies; the signature in the address decides.
@login_not_required
@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def unsubscribe(request: HttpRequest, token: str) -> HttpResponse:
    """Turn off one topic's emails for whom a mail was sent to; RFC 8058 names the POST.

    GET only asks, because programs that check links open them. POST with `undo` turns them on
    again. There's no redirect, which mail programs don't follow.

    Template: `members/unsubscribe.html`. Context: `about` (topics.About; None: the link doesn't
    count), `is_on`, and `is_done` (it has just been changed).
    """
    asked = unsubscribe_links.read(token)
    if asked is None:
        return render(request, UNSUBSCRIBE, {"about": None}, status=404)
    if request.method == "POST":
        switch(request, asked.user, asked.topic, Channel.EMAIL, on="undo" in request.POST)
    return render(request, UNSUBSCRIBE, _unsubscribe_context(request, asked))


@login_required
@require_POST
def email_works(request: HttpRequest) -> HttpResponse:
    """Send every email to someone's address again, at their word that it works."""
    if suppressing.release_own(current_user(request)):
        messages.success(request, _("Thanks. We’ll send you every email again."))
    else:
        messages.info(request, _("You get every email already."))
    is_here = request.GET.get(mail_notices.HERE) == mail_notices.NOTIFICATIONS
    return redirect("members:notifications" if is_here else "home")


def _unsubscribe_context(request: HttpRequest, asked: Asked) -> dict[str, object]:
    off = preferences.switched_off(asked.user)
    return {
        "about": TOPICS[asked.topic],
        "is_on": (asked.topic, Channel.EMAIL) not in off,
        "is_done": request.method == "POST",
    }


@transaction.atomic
def _save(request: HttpRequest, member: Member) -> tuple[str, str]:
    """Save what the form changes; return what's now true, and the message's level."""
    done, refused = [], ""
    for topic, channel, on in _changes(request):
        if channel == Channel.SMS and not member.accepts_sms:
            refused = _("Text messages are off. Turn them on first.")
        elif switch(request, member.user, topic, channel, on=on):
            done.append(notification_pages.said(topic, channel, on=on))
    if refused:
        return " ".join([*done, refused]), "warning"
    return " ".join(done) or _("Your notifications are saved."), "success"


def _changes(request: HttpRequest) -> Iterator[tuple[Topic, Channel, bool]]:
    """Yield what was switched: one switch, or all that differ from what the page showed."""
    form = request.POST
    only, shown, on = form.get("only", ""), form.getlist("shown"), form.getlist("on")
    for topic in Topic:
        for channel in Channel:
            name = f"{topic}:{channel}"
            is_asked = name == only if only else (name in shown) != (name in on)
            if is_asked and preferences.can_switch(topic, channel):
                yield topic, channel, name in on


def switch(
    request: HttpRequest | None, user: User, topic: Topic, channel: Channel, *, on: bool
) -> bool:
    """Turn a topic on or off and record it; return whether that changed anything."""
    with transaction.atomic():
        changed = preferences.switch(user, topic, channel, on=on)
        if changed:
            said = notification_pages.said(topic, channel, on=on)
            activity.record(user, ActivityKind.NOTIFICATIONS, request=request, detail=said)
    return changed


def _topic_of(name: str) -> Topic | None:
    topic = name.partition(":")[0]
    return Topic(topic) if topic in set(Topic) else None
