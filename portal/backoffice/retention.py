"""How long records are kept, on the staff site; shorter periods say first what they'd delete."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from django import forms
from django.conf import settings
from django.contrib import admin
from unfold.widgets import UnfoldAdminIntegerFieldWidget

import billing.forgetting
import common.forgetting
import emails.forgetting
from business import rules
from business.admin.group import GroupAdmin, Setting
from business.admin.group_form import GroupForm
from business.models import RetentionVersion
from members import activity, sign_ins
from members.signin import devices
from portal.selfservice import contact

# Ten years: no period is longer than the books of most countries must be kept.
MOST = 3650
# How long after a payment cardholders may open most disputes.
DISPUTES = 120


@dataclass(frozen=True)
class Period:
    """A period: the fewest days that the portal itself needs, why, and what its end deletes.

    `counts` are pairs of what happens and how often it would tonight, if the period were this long.
    """

    field: str
    label: str
    hint: str
    variable: str
    least: int
    because: str
    now: Callable[[], timedelta]
    counts: tuple[tuple[str, str, Callable[[timedelta], int]], ...]
    is_evidence: bool = False


PERIODS = (
    Period(
        "messages",
        "Messages",
        "Whom a message went to and what it said, and answered messages from the help page. Both"
        " are evidence in disputes.",
        "MESSAGES_KEPT_DAYS",
        30,
        "failed messages of the last 30 days can be sent again",
        rules.messages_kept,
        (
            (
                "sent or failed message will be emptied",
                "sent or failed messages will be emptied",
                emails.forgetting.count_old,
            ),
            (
                "answered message from a member will be deleted",
                "answered messages from members will be deleted",
                contact.count_old,
            ),
        ),
        is_evidence=True,
    ),
    Period(
        "payloads",
        "Data of events and bank emails",
        "What Stripe’s events said and changed, reports of comparisons, and the bank’s emails"
        " themselves. Only IDs are kept after that.",
        "PAYLOADS_KEPT_DAYS",
        31,
        "events of the last 30 days are compared with Stripe’s, and the bank’s emails can count"
        " that long",
        rules.payloads_kept,
        (
            (
                "event will be cut down to IDs",
                "events will be cut down to IDs",
                billing.forgetting.count_old_events,
            ),
            (
                "email of the bank will lose its content",
                "emails of the bank will lose their content",
                billing.forgetting.count_old_mails,
            ),
        ),
    ),
    Period(
        "sign_ins",
        "Sign-ins and account activity",
        "Who signed in when and from where, and what members changed. Evidence in disputes.",
        "SIGN_INS_KEPT_DAYS",
        30,
        "members look there for sign-ins that weren’t theirs",
        rules.sign_ins_kept,
        (
            ("sign-in will be deleted", "sign-ins will be deleted", sign_ins.count_old),
            (
                "entry of account activity will be deleted",
                "entries of account activity will be deleted",
                activity.count_old,
            ),
            (
                "answer to a dispute will be emptied",
                "answers to disputes will be emptied",
                billing.forgetting.count_old_answers,
            ),
        ),
        is_evidence=True,
    ),
    Period(
        "devices",
        "Known browsers",
        "How long after its last sign-in a browser keeps its own limits on wrong passwords.",
        "DEVICES_KEPT_DAYS",
        14,
        "a sign-in lasts 14 days",
        rules.devices_kept,
        (("browser will be forgotten", "browsers will be forgotten", devices.count_old),),
    ),
    Period(
        "jobs",
        "Failed jobs",
        "What went wrong in the background.",
        "JOBS_KEPT_DAYS",
        7,
        "somebody must have the time to see them",
        rules.jobs_kept,
        (
            (
                "finished job will be deleted",
                "finished jobs will be deleted",
                common.forgetting.count_old_jobs,
            ),
        ),
    ),
)


def in_days(value: Any) -> str:
    """Return "90 days"."""
    return "1 day" if value == 1 else f"{value:,} days"


def _field(period: Period) -> forms.IntegerField:
    least = f"Enter at least {in_days(period.least)}: {period.because}."
    most = f"Enter at most {in_days(MOST)}, which is ten years."
    return forms.IntegerField(
        label=period.label,
        min_value=period.least,
        max_value=MOST,
        required=False,
        help_text=f"In days, at least {period.least}. {period.hint}",
        widget=UnfoldAdminIntegerFieldWidget,
        error_messages={
            "invalid": "Enter a whole number of days.",
            "min_value": least,
            "max_value": most,
        },
    )


class _Base(GroupForm):
    """What all periods share."""

    @classmethod
    def typed(cls, row: RetentionVersion | None) -> dict[str, Any]:
        """Return a version's days."""
        return {one.field: getattr(row, one.field) for one in PERIODS} if row else {}

    def values(self) -> dict[str, Any]:
        """Return a version's values."""
        return {one.field: self.cleaned_data[one.field] for one in PERIODS}

    def effects(self) -> list[str]:
        """Say what shorter periods would delete tonight."""
        return list(self._effects())

    def _effects(self) -> Iterator[str]:
        for period in PERIODS:
            days = self.cleaned_data[period.field]
            of_environment = getattr(settings, period.variable)
            kept = timedelta(days=of_environment if days is None else days)
            if kept >= period.now():
                continue
            for one, many, count in period.counts:
                if number := count(kept):
                    yield f"1 {one} tonight." if number == 1 else f"{number:,} {many} tonight."
            if period.is_evidence and kept.days < DISPUTES:
                yield (
                    f"{period.label}: you’ll lack evidence in disputes. Cardholders have up to"
                    f" {DISPUTES} days to open one, and sometimes longer."
                )


RetentionForm: type[GroupForm] = type(
    "RetentionForm", (_Base,), {one.field: _field(one) for one in PERIODS}
)


def _setting(period: Period) -> Setting:
    return Setting(
        period.field,
        period.label,
        period.variable,
        lambda: getattr(settings, period.variable),
        in_days,
    )


@admin.register(RetentionVersion)
class RetentionVersionAdmin(GroupAdmin):
    """The periods after which nightly jobs delete records."""

    group = rules.RETENTION
    group_form = RetentionForm
    settings = tuple(_setting(one) for one in PERIODS)
    about = (
        "Every night, records older than this are deleted or emptied. The books are always kept:"
        " invoices, payments, refunds, credit notes, and disputes."
    )
