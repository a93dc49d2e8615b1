"""Emails what happened the day before to staff who want it: members, payments, and messages."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from django.contrib.auth.models import User
from django.db import transaction

from billing.core.statuses import ENDED_BY_FAILED_PAYMENT
from billing.facts import daily, descriptions
from billing.models import DayMail, MemberSpan, Subscription
from common.links import portal_url
from common.one_by_one import OneByOne
from emails import outbox
from emails.catalog import Kind, name_of
from emails.models import Channel, Message, MessageState
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
    happened = read(local.date() - timedelta(days=1))
    run, written = OneByOne(), 0
    for row in rows:
        with run.each(f"Daily email for user {row.user_id}"):
            written += _send_to(row.user, happened, now)
    run.finish()
    return written


def read(day: date) -> Happened:
    """Return what happened on one of the business's days."""
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
            f"{name_of(kind)} by {Channel(channel).label.lower()}"
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
        back = " (was a member before)" if span.membership == "returned" else ""
        return f"{name}: {descriptions.plan_of(row)}{back}"
    unpaid = row.end_reason == ENDED_BY_FAILED_PAYMENT
    return f"{name}: the last payment failed" if unpaid else f"{name}: canceled"


def _payment(message: Message) -> str:
    user, facts = message.user, message.context
    name = (user.get_full_name() or user.email) if user else "Someone who has left"
    said = [str(facts[key]) for key in ("amount", "reason") if facts.get(key)]
    return f"{name}: {'. '.join(said)}" if said else name


@transaction.atomic
def _send_to(user: User, happened: Happened, now: datetime) -> int:
    """Write one email, if its reader may still see what it says."""
    if not user.has_perm(MONEY):
        return 0
    messages = happened.failed_messages if user.has_perm(SEES_MESSAGES) else Counter[str]()
    headline = ", ".join(_counts(happened, messages))
    if not headline:
        return 0
    context = contexts.Yesterday(
        headline=f"Yesterday: {headline}",
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
    parts = (
        (len(happened.joined), "new member", "new members"),
        (len(happened.lost), "lost member", "lost members"),
        (len(happened.failed_payments), "failed payment", "failed payments"),
        (messages.total(), "failed message", "failed messages"),
    )
    for count, one, many in parts:
        if count:
            yield f"{count} {one if count == 1 else many}"


def _short(lines: list[str]) -> list[str]:
    """Return the first lines, and how many more there are."""
    more = len(lines) - MOST
    return lines if more <= 0 else [*lines[:MOST], f"And {more} more."]
