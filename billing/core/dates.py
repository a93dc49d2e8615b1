"""Dates in a person's words, in the time zone of whoever reads, and days on which banks work."""

from __future__ import annotations

from datetime import datetime, timedelta, tzinfo

from django.utils import formats, timezone

SATURDAY = 5
# Stripe documentation, "Refunds": most banks show one 5 to 10 business days later.
ARRIVES_AFTER = (5, 10)
# Our estimate for one that Stripe does not pass on at once, as where our balance is too low.
GOES_OUT_AFTER = 5


def long_date(moment: datetime) -> str:
    """Return "Friday, December 4", with the year where it is not this one."""
    local = timezone.localtime(moment)
    pattern = "l, F j" if local.year == timezone.localtime().year else "l, F j, Y"
    return formats.date_format(local, pattern)


def plain_date(moment: datetime) -> str:
    """Return "December 4", with the year where it is not this one: for a date far off."""
    local = timezone.localtime(moment)
    return formats.date_format(
        local, "F j" if local.year == timezone.localtime().year else "F j, Y"
    )


def business_days_after(moment: datetime, days: int, zone: tzinfo | None = None) -> datetime:
    """Return the moment so many days from Monday to Friday later, as a time zone counts days."""
    found = timezone.localtime(moment, zone)
    while days:
        found += timedelta(days=1)
        days -= found.weekday() < SATURDAY
    return found


def arrival(sent_at: datetime, zone: tzinfo | None = None) -> tuple[datetime, datetime]:
    """Return from when until when a bank usually shows a refund; holidays are not counted."""
    first, last = ARRIVES_AFTER
    return business_days_after(sent_at, first, zone), business_days_after(sent_at, last, zone)


def goes_out_by(taken_at: datetime, zone: tzinfo | None = None) -> datetime:
    """Return until when a refund that Stripe has taken usually goes on to the bank."""
    return business_days_after(taken_at, GOES_OUT_AFTER, zone)
