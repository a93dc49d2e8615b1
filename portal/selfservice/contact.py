"""Use cases: somebody writes to us, and staff say that it's answered."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import timedelta
from urllib.parse import urlsplit
from uuid import UUID

from django.contrib.auth.models import User
from django.db import transaction
from django.db.models import QuerySet
from django.http import HttpRequest
from django.urls import Resolver404, resolve
from django.utils import timezone
from django.utils.translation import gettext_lazy

from business import rules
from common.links import portal_url
from common.traces import Traces
from emails import outbox
from members import numbers
from members.signin.budgets import Budget
from portal.models import SupportMessage
from portal.selfservice.contexts import HelpAsked

TOO_MANY = gettext_lazy(
    "You’ve sent several messages in a short time. Please wait a while, or write us an email."
)
# What a link's secret part is replaced by.
HIDDEN = "…"
FIRST_WORDS = 80


class TooManyMessages(Exception):
    """Somebody has sent enough for now; the text is for them."""


@dataclass(frozen=True)
class Wish:
    """What was sent: words, the page they came from, and who a visitor says they are."""

    key: UUID
    words: str
    page: str
    name: str = ""
    email: str = ""


def send(request: HttpRequest, user: User | None, wish: Wish) -> SupportMessage:
    """Keep a message and email it to staff. The same form sent twice does so once.

    Raises:
        TooManyMessages: there were enough from this member, address, or network.
    """
    if known := SupportMessage.objects.filter(key=wish.key).first():
        return known
    _spend(request, user, wish)
    return _keep(user, wish)


@transaction.atomic
def _keep(user: User | None, wish: Wish) -> SupportMessage:
    row, is_new = SupportMessage.objects.get_or_create(
        key=wish.key,
        defaults={
            "user": user,
            "name": "" if user else wish.name,
            "email": "" if user else wish.email,
            "words": wish.words,
            "page": own_page(wish.page),
        },
    )
    if is_new:
        tell_staff(row)
    return row


def _spend(request: HttpRequest, user: User | None, wish: Wish) -> None:
    if user:
        budgets = [Budget("help_of_member", f"user:{user.pk}")]
    else:
        # The last holds all visitors together: nobody fills staff's mailbox from many networks.
        budgets = [Budget("help_of_visitor", wish.email), Budget("help_of_visitors", "all")]
    if not all(one.spend(request) for one in budgets):
        raise TooManyMessages(TOO_MANY)


def tell_staff(row: SupportMessage) -> None:
    """Email a message to staff."""
    outbox.put_staff(
        lambda: HelpAsked(
            sender=row.sender,
            reply_to=row.user.email if row.user else row.email,
            phone=numbers.as_read(row.phone),
            is_member=row.user_id is not None,
            first_words=" ".join(row.words.split())[:FIRST_WORDS],
            paragraphs=[line for line in row.words.splitlines() if line.strip()],
            page=row.page,
            url=portal_url("admin:portal_supportmessage_change", row.pk),
        ),
        cause=f"help_{row.pk}",
        happened_at=row.created_at,
        or_to_support=True,
    )


def own_page(address: str) -> str:
    """Return the path of a page of ours, without secrets, or "" for anything else.

    Links that need no sign-in have their secret in the path: it's left out, as is the query.
    """
    parts = urlsplit(address[:2000])
    if parts.scheme or parts.netloc or not parts.path.startswith("/"):
        return ""
    try:
        match = resolve(parts.path)
    except Resolver404:
        return ""
    path = parts.path
    for value in match.kwargs.values():
        if isinstance(value, str):
            path = path.replace(value, HIDDEN)
    longest = SupportMessage._meta.get_field("page").max_length
    return re.sub(r"[^\w/.…-]", "", path)[:longest]


def answer(row: SupportMessage, actor: User) -> bool:
    """Say that a message is answered; return whether it was open."""
    now = timezone.now()
    rows = SupportMessage.objects.unanswered().filter(pk=row.pk)
    return bool(rows.update(answered_at=now, answered_by=actor))


def reopen(row: SupportMessage) -> bool:
    """Say that a message waits for an answer again; return whether it was answered."""
    rows = SupportMessage.objects.filter(pk=row.pk).exclude(answered_at=None)
    return bool(rows.update(answered_at=None, answered_by=None))


def forget_old() -> None:
    """Delete answered messages that are old enough."""
    _older_than(rules.messages_kept()).delete()


def count_old(kept: timedelta) -> int:
    """Return how many answered messages would be deleted if they were kept this long."""
    return _older_than(kept).count()


def _older_than(kept: timedelta) -> QuerySet[SupportMessage]:
    rows = SupportMessage.objects.filter(created_at__lt=timezone.now() - kept)
    return rows.exclude(answered_at=None)


def forget(traces: Traces) -> None:
    """Delete what somebody who leaves wrote while they were signed out."""
    traces.rows(
        SupportMessage.objects.filter(user=None), "email", "name", "phone", "words"
    ).delete()
