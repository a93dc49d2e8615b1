"""Reads a page of a member's timeline: the newest rows of each kind, merged, by key."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.contrib.admin.models import LogEntry
from django.contrib.auth.models import User
from django.contrib.contenttypes.models import ContentType
from django.db.models import QuerySet

from billing.models import (
    Dispute,
    FraudWarning,
    Invoice,
    MembershipDecision,
    Payment,
    PaymentRequest,
    RefundEntry,
    StripeEvent,
)
from common import merged
from common.merged import Row, Table
from common.staff import show
from emails.models import Message
from members.models import (
    AccessChange,
    AccountActivity,
    SignIn,
    SmsConsentRecord,
    TermsAcceptance,
)
from portal.backoffice.timeline import entries
from portal.backoffice.timeline.entries import Entry, Topic
from portal.models import MemberViewing, StaffNote, SupportMessage

PAGE = 40
Rows = QuerySet[Any]


@dataclass(frozen=True)
class Source:
    """One kind of row: whose it is, when it happened, and what's said about it."""

    topic: Topic
    rows: Callable[[User], Rows]
    at: str
    words: Callable[[Any], Entry]
    permission: str
    page: Callable[[Any], str] = show.page_of


@dataclass(frozen=True)
class Line:
    """An entry with its time and its row's page ("" if there's none)."""

    at: datetime
    entry: Entry
    topic: Topic
    url: str


@dataclass(frozen=True)
class Timeline:
    """A page, and the mark that the next one starts after ("" if there's none)."""

    lines: tuple[Line, ...]
    older: str


def _of_customers(model: Any, *related: str) -> Callable[[User], Rows]:
    return lambda user: model.objects.filter(customer__user=user).select_related(*related)


def _of_user(model: Any, *related: str) -> Callable[[User], Rows]:
    return lambda user: model.objects.filter(user=user).select_related(*related)


def _payments(user: User) -> Rows:
    rows = Payment.objects.filter(customer__user=user)
    return rows.select_related("invoice").prefetch_related("disputes")


def _refunds(user: User) -> Rows:
    rows = RefundEntry.objects.filter(refund__customer__user=user)
    return rows.select_related("actor", "refund")


def _fraud_warnings(user: User) -> Rows:
    rows = FraudWarning.objects.filter(customer__user=user)
    return rows.select_related("payment", "left_by").prefetch_related("payment__disputes")


def _events(user: User) -> Rows:
    ids = list(user.customers.values_list("stripe_id", flat=True))
    return StripeEvent.objects.filter(customer_id__in=ids).defer("payload")


def _staff(user: User) -> Rows:
    kind = ContentType.objects.get_for_model(User)
    rows = LogEntry.objects.filter(content_type=kind, object_id=str(user.pk))
    return rows.select_related("user")


def _consents(user: User) -> Rows:
    return SmsConsentRecord.objects.filter(member__user=user)


def _no_page(_row: Any) -> str:
    return ""


# Their places are part of a page's mark: add new ones at the end.
SOURCES = (
    Source(
        Topic.MONEY,
        _of_customers(Invoice),
        "created_at",
        entries.invoice,
        "billing.view_invoice",
    ),
    Source(Topic.MONEY, _payments, "created_at", entries.payment, "billing.view_payment"),
    Source(
        Topic.MONEY,
        _of_user(PaymentRequest),
        "created_at",
        entries.request,
        "billing.view_paymentrequest",
    ),
    Source(
        Topic.REFUNDS,
        _refunds,
        "at",
        entries.refund,
        "billing.view_refund",
        lambda row: show.page_of(row.refund),
    ),
    Source(
        Topic.REFUNDS,
        _of_customers(Dispute),
        "created_at",
        entries.dispute,
        "billing.view_dispute",
    ),
    Source(
        Topic.MEMBERSHIP,
        _of_customers(MembershipDecision, "actor"),
        "created_at",
        entries.decision,
        "billing.view_membershipdecision",
    ),
    Source(
        Topic.MESSAGES,
        _of_user(Message, "resent_by"),
        "created_at",
        entries.message,
        "emails.view_message",
    ),
    Source(
        Topic.MESSAGES,
        _of_user(SupportMessage, "answered_by"),
        "created_at",
        entries.support,
        "portal.view_supportmessage",
    ),
    Source(Topic.ACCOUNT, _of_user(SignIn), "happened_at", entries.sign_in, "members.view_signin"),
    Source(
        Topic.ACCOUNT,
        _of_user(AccountActivity),
        "happened_at",
        entries.activity,
        "members.view_accountactivity",
    ),
    Source(
        Topic.ACCOUNT,
        _consents,
        "happened_at",
        entries.consent,
        "members.view_smsconsentrecord",
    ),
    Source(
        Topic.ACCOUNT,
        _of_user(TermsAcceptance),
        "happened_at",
        entries.terms,
        "members.view_termsacceptance",
    ),
    Source(
        Topic.STAFF,
        _of_user(AccessChange, "actor"),
        "happened_at",
        entries.access,
        "members.view_accesschange",
    ),
    Source(Topic.STAFF, _staff, "action_time", entries.staff, "admin.view_logentry", _no_page),
    Source(Topic.STRIPE, _events, "received_at", entries.event, "billing.view_stripeevent"),
    Source(
        Topic.NOTES,
        _of_user(StaffNote, "author", "removed_by"),
        "created_at",
        entries.note,
        "portal.view_staffnote",
    ),
    Source(
        Topic.STAFF,
        _of_user(MemberViewing, "viewer"),
        "started_at",
        entries.viewing,
        "admin.view_logentry",
        _no_page,
    ),
    Source(
        Topic.REFUNDS,
        _fraud_warnings,
        "created_at",
        entries.fraud_warning,
        "billing.view_fraudwarning",
    ),
)


def read(user: User, viewer: User, topic: Topic | None = None, before: str = "") -> Timeline:
    """Return the lines after a mark that the viewer may see; from the newest without one.

    Without a topic, Stripe's events are left out: each is the cause of a line that says it better.
    Each kind takes one or two statements, whatever its number of rows.
    """
    tables = {
        place: Table(source.rows(user), source.at)
        for place, source in enumerate(SOURCES)
        if _is_wanted(source, topic) and viewer.has_perm(source.permission)
    }
    page = merged.read(tables, PAGE, before)
    return Timeline(tuple(_line(one) for one in page.rows), page.older)


def _is_wanted(source: Source, topic: Topic | None) -> bool:
    return source.topic == topic if topic else source.topic != Topic.STRIPE


def _line(one: Row) -> Line:
    source = SOURCES[one.place]
    return Line(one.at, source.words(one.row), source.topic, source.page(one.row))
