"""Dates in words, in the reader's time zone, and banks' business days."""

from __future__ import annotations

from datetime import datetime, timedelta, tzinfo

from django.utils import timezone

from common import days

SATURDAY = 5
# Stripe documentation, "Refunds": most banks show one 5 to 10 business days later.
ARRIVES_AFTER = (5, 10)
# Our estimate for one that Stripe delays, for example because our balance is too low.
GOES_OUT_AFTER = 5


def long_date(moment: datetime) -> str:
    """Return "Friday, December 4", with the year unless it's the current one."""
    local = timezone.localtime(moment)
    is_this_year = local.year == timezone.localtime().year
    return days.weekday_and_day(local) if is_this_year else days.full(local)


def plain_date(moment: datetime) -> str:
    """Return "December 4", with the year unless it's the current one; for distant dates."""
    local = timezone.localtime(moment)
    is_this_year = local.year == timezone.localtime().year
    return days.plain(local) if is_this_year else days.long(local)


def short_date(moment: datetime) -> str:
    """Return "Dec 4", for a day that is near."""
    return days.short(timezone.localtime(moment))


def business_days_after(moment: datetime, days: int, zone: tzinfo | None = None) -> datetime:
    """Return the time a number of business days (Monday to Friday) later, in a time zone."""
    day = timezone.localtime(moment, zone)
    while days:
        day += timedelta(days=1)
        days -= day.weekday() < SATURDAY
    return day


def arrival(sent_at: datetime, zone: tzinfo | None = None) -> tuple[datetime, datetime]:
    """Return the range in which a bank usually shows a refund; holidays are ignored."""
    first, last = ARRIVES_AFTER
    return business_days_after(sent_at, first, zone), business_days_after(sent_at, last, zone)


def goes_out_by(taken_at: datetime, zone: tzinfo | None = None) -> datetime:
    """Return by when Stripe usually passes an accepted refund to the bank."""
    return business_days_after(taken_at, GOES_OUT_AFTER, zone)
