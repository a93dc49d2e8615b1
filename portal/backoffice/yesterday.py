"""Emails what happened the day before to staff who want it: members, payments, and messages."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from django.contrib.auth.models import User
from django.db import transaction
from django.utils.translation import get_language, ngettext
from django.utils.translation import gettext as _

from billing.core.statuses import ENDED_BY_FAILED_PAYMENT
from billing.facts import daily, descriptions
from billing.models import DayMail, MemberSpan, Subscription
from common.links import portal_url
from common.one_by_one import OneByOne
from emails import outbox
from emails.catalog import Kind
from emails.models import Channel, Message, MessageState
from emails.names import name_of
from members import languages
from portal.backoffice import contexts
from portal.backoffice.home.facts import MONEY

FROM_HOUR = 7
# A day on which everything fails doesn't make an email without end.
MOST = 30
SEES_MESSAGES = "emails.view_message"


@dataclass(frozen=True)
class Happened:
    """What happened on a day, one line each."""

    day: date
    joined: list[str]
    lost: list[str]
    failed_payments: list[str]
    failed_messages: Counter[str]


def send(now: datetime) -> int:
    """Write this morning's emails, once each, if there's anything to say.

    Returns how many were written.

    Raises:
        SomeFailed: some couldn't be; the others were.
    """
    local = now.astimezone(daily.zone())
    if local.hour < FROM_HOUR:
        return 0
    wanted = DayMail.objects.filter(user__is_active=True, user__is_staff=True)
    rows = list(wanted.select_related("user__member").order_by("pk"))
    if not rows:
        return 0
    day, happened = local.date() - timedelta(days=1), dict[str, Happened]()
    run, written = OneByOne(), 0
    for row in rows:
        with run.each(f"Daily email for user {row.user_id}"), languages.of(row.user):
            language = get_language() or ""
            if language not in happened:
                happened[language] = read(day)
            written += _send_to(row.user, happened[language], now)
    run.finish()
    return written


def read(day: date) -> Happened:
    """Return what happened on one of the business's days, in the active language."""
    begin, end = daily.bounds(day, day)
    spans = MemberSpan.objects.filter(day=day).exclude(membership="").select_related("user")
    joined: list[str] = []
    lost: list[str] = []
    for span in spans.order_by("pk"):
        (lost if span.membership == "lost" else joined).append(_member(span))
    # One is written for each attempt that failed, and says why.
    failed = Message.objects.filter(
        kind__in=[Kind.PAYMENT_FAILED, Kind.PAYMENT_NOT_MADE],
        channel=Channel.EMAIL,
        resend_of=None,
        created_at__gte=begin,
        created_at__lt=end,
    ).select_related("user")
    # This email itself isn't among them: one that fails must not make another.
    given_up = Message.objects.filter(
        state=MessageState.FAILED, sending_at__gte=begin, sending_at__lt=end
    ).exclude(kind=Kind.YESTERDAY)
    return Happened(
        day,
        joined,
        lost,
        [_payment(row) for row in failed.order_by("pk")],
        Counter(
            _by_text(kind) if channel == Channel.SMS else _by_email(kind)
            for kind, channel in given_up.values_list("kind", "channel")
        ),
    )


def _member(span: MemberSpan) -> str:
    """Return who came or went, with the plan or the reason."""
    rows = Subscription.objects.for_user(span.user).memberships().order_by("-started_at")
    row = rows.first()
    name = span.user.get_full_name() or span.user.email
    if row is None:
        return name
    if span.membership != "lost":
        facts = {"name": name, "plan": descriptions.plan_of(row)}
        if span.membership == "returned":
            return _("%(name)s: %(plan)s (was a member before)") % facts
        return _("%(name)s: %(plan)s") % facts
    if row.end_reason == ENDED_BY_FAILED_PAYMENT:
        return _("%(name)s: the last payment failed") % {"name": name}
    return _("%(name)s: canceled") % {"name": name}


def _by_text(kind: str) -> str:
    return _("%(topic)s by text") % {"topic": name_of(kind)}


def _by_email(kind: str) -> str:
    return _("%(topic)s by email") % {"topic": name_of(kind)}


def _payment(message: Message) -> str:
    user, facts = message.user, message.context
    name = (user.get_full_name() or user.email) if user else _("Someone who has left")
    said = [str(facts[key]) for key in ("amount", "reason") if facts.get(key)]
    return f"{name}: {'. '.join(said)}" if said else name


@transaction.atomic
def _send_to(user: User, happened: Happened, now: datetime) -> int:
    """Write one email, if its reader may still see what it says."""
    if not user.has_perm(MONEY):
        return 0
    messages = happened.failed_messages if user.has_perm(SEES_MESSAGES) else Counter[str]()
    if not (counts := ", ".join(_counts(happened, messages))):
        return 0
    context = contexts.Yesterday(
        headline=_("Yesterday: %(counts)s") % {"counts": counts},
        day=daily.bounds(happened.day, happened.day)[0],
        joined=_short(happened.joined),
        lost=_short(happened.lost),
        failed_payments=_short(happened.failed_payments),
        failed_messages=_short([f"{what}: {count}" for what, count in sorted(messages.items())]),
        url=portal_url("admin:index"),
    )
    return len(outbox.put(user, context, cause=f"{happened.day}:{user.pk}", happened_at=now))


def _counts(happened: Happened, messages: Counter[str]) -> Iterator[str]:
    """Yield how much there is of each, such as "2 new members"."""
    if count := len(happened.joined):
        yield ngettext("%(count)s new member", "%(count)s new members", count) % {"count": count}
    if count := len(happened.lost):
        yield ngettext("%(count)s lost member", "%(count)s lost members", count) % {"count": count}
    if count := len(happened.failed_payments):
        words = ngettext("%(count)s failed payment", "%(count)s failed payments", count)
        yield words % {"count": count}
    if count := messages.total():
        words = ngettext("%(count)s failed message", "%(count)s failed messages", count)
        yield words % {"count": count}


def _short(lines: list[str]) -> list[str]:
    """Return the first lines, and how many more there are."""
    more = len(lines) - MOST
    return lines if more <= 0 else [*lines[:MOST], _("And %(count)s more.") % {"count": more}]
