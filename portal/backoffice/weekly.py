"""Emails the business's numbers, and what needs somebody, to staff who want it: on Mondays."""

from __future__ import annotations

from datetime import datetime

from django.contrib.auth.models import User
from django.db import transaction
from django.utils.translation import gettext as _

from billing.facts import daily, numbers
from billing.facts.numbers import Numbers
from billing.models import NumbersMail
from common.links import portal_url
from common.one_by_one import OneByOne
from emails import outbox
from emails.contexts import NamedAmount
from members import languages
from portal.backoffice.contexts import WeeklyNumbers
from portal.backoffice.home import facts as home_facts
from portal.backoffice.home import figures
from portal.backoffice.home.facts import MONEY
from portal.backoffice.home.tasks import tasks
from portal.backoffice.waiting import Waiting, waiting

MONDAY, FROM_HOUR = 0, 7
MOST_TASKS = 8
KEYS = (
    *("mrr", "mrr-new", "mrr-churn", "members", "members-new", "members-returned"),
    *("members-lost", "churn-members", "churn-money", "trial-conversion", "arpm"),
    *("lifetime-value", "paid", "paid-membership", "paid-other", "paid-once"),
    *("refund-rate", "dispute-rate", "recovery"),
)


def send(now: datetime) -> int:
    """Write this week's emails, once each, from Monday morning of the business's day.

    Returns how many were written.

    Raises:
        SomeFailed: some couldn't be; the others were.
    """
    local = now.astimezone(daily.zone())
    if local.weekday() != MONDAY or local.hour < FROM_HOUR:
        return 0
    wanted = NumbersMail.objects.filter(user__is_active=True, user__is_staff=True)
    run, written, waits = OneByOne(), 0, waiting()
    found = numbers.read(local.date())
    for row in wanted.select_related("user__member").order_by("pk"):
        with run.each(f"Numbers for user {row.user_id}"), languages.of(row.user):
            written += _send_to(row.user, found, waits, now)
    run.finish()
    return written


@transaction.atomic
def _send_to(user: User, found: Numbers, waits: Waiting, now: datetime) -> int:
    """Write one email, if its reader may still see money."""
    permissions = frozenset(filter(user.has_perm, home_facts.PERMISSIONS))
    if MONEY not in permissions:
        return 0
    said = [one.text for one in tasks(home_facts.home(permissions, waits))]
    context = weekly(found, said)
    day = now.astimezone(daily.zone()).date()
    return len(outbox.put(user, context, cause=f"{day}:{user.pk}", happened_at=now))


def weekly(found: Numbers, said: list[str]) -> WeeklyNumbers:
    """Return what the email says."""
    lines = figures.in_lines(found, KEYS)
    return WeeklyNumbers(
        mrr=lines[0].now.text,
        days=figures.caption(found.windows[0]),
        lines=[NamedAmount(description=one.label, amount=_told(one)) for one in lines],
        tasks=said[:MOST_TASKS],
        more_tasks=max(0, len(said) - MOST_TASKS),
        url=portal_url("admin:index"),
    )


def _told(one: figures.Figure) -> str:
    """Return a value with its change, or why there's none."""
    if one.now.why:
        return _("%(value)s (%(note)s)") % {"value": one.now.text, "note": one.now.why}
    if not one.difference:
        return one.now.text
    return _("%(value)s (%(note)s)") % {"value": one.now.text, "note": one.difference}
