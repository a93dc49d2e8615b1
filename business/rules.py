"""The rules in force: what staff saved wins, and the environment holds for what they left empty.

What isn't here stays in the environment: secrets, addresses, limits on cost and misuse, and what
every process reads once when it starts (docs/decisions.md).
"""

from __future__ import annotations

from datetime import timedelta
from functools import cache
from typing import Any
from zoneinfo import available_timezones

from django.conf import settings

from business.groups import Group
from business.models import (
    AttachmentsVersion,
    LocaleVersion,
    QuietHoursVersion,
    RetentionVersion,
    SuggestionsVersion,
)
from common import locales
from common import region as regions
from common.quiet_hours import QuietHours
from common.region import Region

SUGGESTIONS = Group(SuggestionsVersion)
RETENTION = Group(RetentionVersion)
QUIET_HOURS = Group(QuietHoursVersion)
LOCALE = Group(LocaleVersion)
ATTACHMENTS = Group(AttachmentsVersion)
GROUPS: tuple[Group[Any], ...] = (SUGGESTIONS, RETENTION, QUIET_HOURS, LOCALE, ATTACHMENTS)


def assume_nothing_saved() -> None:
    """Start with the environment's rules. For tests."""
    for group in GROUPS:
        group.assume_nothing_saved()


# One-time payments


def suggested_amounts() -> list[int]:
    """Return the amounts that are offered with one click, in minor units of PAYMENT_CURRENCY.

    Amounts out of the limits, which the environment sets, can't be paid, so they're left out.
    """
    amounts = saved_suggestions(SUGGESTIONS.saved())
    if amounts is None:
        amounts = list(settings.PAYMENT_SUGGESTIONS)
    return [one for one in amounts if settings.PAYMENT_MINIMUM <= one <= settings.PAYMENT_MAXIMUM]


def saved_suggestions(row: SuggestionsVersion | None) -> list[int] | None:
    """Return a version's amounts; None if it leaves them to the environment.

    So it does if they were saved in another currency than what's in force.
    """
    if row is None or row.amounts is None or row.currency != settings.PAYMENT_CURRENCY.upper():
        return None
    return [int(one) for one in row.amounts]


# When texts wait


def quiet_hours() -> QuietHours:
    """Return the hours in which texts that can wait aren't sent."""
    return saved_hours(QUIET_HOURS.saved()) or hours_of_environment()


def saved_hours(row: QuietHoursVersion | None) -> QuietHours | None:
    """Return a version's hours; None if it leaves them to the environment."""
    if row is None or row.begins is None or row.ends is None:
        return None
    return QuietHours(row.begins, row.ends)


def hours_of_environment() -> QuietHours:
    """Return the hours that hold if nothing was saved."""
    hours: QuietHours = settings.QUIET_HOURS
    return hours


# Where the business is


def region() -> Region:
    """Return the business's clock, country, languages, and way of writing."""
    return with_version(LOCALE.saved())


def with_version(row: LocaleVersion | None) -> Region:
    """Return what counts with a version in force. What's no longer known is left out."""
    own = regions.of_environment()
    if row is None:
        return own
    locale = row.locale if _is_locale(row.locale) else ""
    offered = tuple(
        code for code in own.languages if row.languages is None or code in row.languages
    )
    offered = offered or own.languages
    # As the environment's LOCALE does, a locale brings its language along.
    wanted = row.language or (_best_of(offered, locale) if locale else own.language)
    return Region(
        locale=locale or own.locale,
        time_zone=row.time_zone if _is_zone(row.time_zone) else own.time_zone,
        country=row.country or own.country,
        language=wanted if wanted in offered else offered[0],
        languages=offered,
    )


@cache
def _is_locale(name: str) -> bool:
    try:
        return bool(name and locales.find(name))
    except ValueError:
        return False


@cache
def _is_zone(name: str) -> bool:
    return name in available_timezones()


def _best_of(offered: tuple[str, ...], locale: str) -> str:
    return locales.best_of([(code, code) for code in offered], locale)


# What comes with emails


def receipts_attached() -> bool:
    """Whether a receipt's email brings the receipt as a PDF."""
    saved = ATTACHMENTS.value("receipts")
    return bool(settings.ATTACH_RECEIPTS if saved is None else saved)


# How long records are kept


def messages_kept() -> timedelta:
    """Return how long a message keeps whom it went to and what it said."""
    return _days("messages", settings.MESSAGES_KEPT_DAYS)


def payloads_kept() -> timedelta:
    """Return how long events keep what Stripe said, and banks' mails their content."""
    return _days("payloads", settings.PAYLOADS_KEPT_DAYS)


def sign_ins_kept() -> timedelta:
    """Return how long sign-ins and changes of accounts are kept."""
    return _days("sign_ins", settings.SIGN_INS_KEPT_DAYS)


def devices_kept() -> timedelta:
    """Return how long after its last sign-in a browser is known."""
    return _days("devices", settings.DEVICES_KEPT_DAYS)


def jobs_kept() -> timedelta:
    """Return how long failed jobs are kept."""
    return _days("jobs", settings.JOBS_KEPT_DAYS)


def _days(name: str, of_environment: int) -> timedelta:
    saved = RETENTION.value(name)
    return timedelta(days=of_environment if saved is None else saved)
