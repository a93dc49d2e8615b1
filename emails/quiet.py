"""Texts that can wait aren't sent at night, by the clock of whoever gets them.

Codes, and what's about security or money that needs its member, go at any hour. So does every
email: mail programs don't ring at night unless their owners want that.
"""

from __future__ import annotations

from datetime import UTC, datetime

from django.utils import timezone

from business import rules
from common import region
from emails import topics
from emails.catalog import Category, Kind, spec_of
from emails.models import Channel, Message
from members import time_zones

# Everybody gets them by email, and by text they can wait for the morning: reminders, and news that
# nobody needs to act on before that. Stripe, jobs, and our team bring it at any hour.
UNHURRIED = frozenset(
    {
        *(Kind.TRIAL_ENDING, Kind.DISCOUNT_ENDING, Kind.RENEWAL_COMING, Kind.INVOICE_OVERDUE),
        *(Kind.PRICE_PLANNED, Kind.PLAN_DROPPED, Kind.MEMBERSHIP_PAUSED, Kind.MEMBERSHIP_RESUMED),
        *(Kind.INVOICE_SENT, Kind.REFUND_ARRIVED),
    }
)
OVERTAKEN = "A later text about the same couldn’t wait for the morning, so this one isn’t needed."
TOO_LATE = "It would be out of date by the end of the quiet hours. An email says the same."


def can_wait(kind: str) -> bool:
    """Whether a text of this kind waits for the end of the quiet hours."""
    if kind not in set(Kind):
        return False
    spec = spec_of(kind)
    if spec.category != Category.BILLING or spec.topic is None:
        return False
    return kind in UNHURRIED or topics.is_optional(spec.topic)


def waits_until(message: Message, now: datetime) -> datetime | None:
    """Return until when a message has to wait; None if it may go now."""
    if message.channel != Channel.SMS or not can_wait(message.kind):
        return None
    zone = time_zones.find(message.user.member.time_zone) if message.user else None
    local = timezone.localtime(now, zone or region.zone())
    end = rules.quiet_hours().end(local)
    return end.astimezone(UTC) if end else None
