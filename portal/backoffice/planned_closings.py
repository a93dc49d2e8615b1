"""Closes the accounts whose closing was planned a week ago, unless something holds that up."""

from __future__ import annotations

import logging
from contextlib import nullcontext

from django.db import transaction
from django.utils import timezone

from billing.models.locks import lock_member
from common.one_by_one import OneByOne
from members import languages, time_zones
from members.models import Member
from portal.backoffice.close_account import close_account
from portal.models import PlannedClosing
from portal.selfservice import closing, closing_blockers

logger = logging.getLogger(__name__)


def tend_all() -> None:
    """Look after all plans: stop what still renews, say what holds them up, and close."""
    run = OneByOne()
    for pk in PlannedClosing.objects.planned().order_by("closes_at").values_list("pk", flat=True):
        with run.each(f"Planned closing {pk}"):
            tend(pk)
    run.finish()


def tend(pk: int) -> None:
    """Look after one plan. Safe to run twice."""
    made = PlannedClosing.objects.filter(pk=pk).planned().first()
    if made is None or _close(made):
        return
    closing.stop_renewing(made)


@transaction.atomic
def _close(made: PlannedClosing) -> bool:
    """Close a plan's account if it's due and nothing holds it up; return whether it did.

    The member's lock is held from here to the end: whoever takes the plan back comes before or
    after, and a refund that's asked for meanwhile waits.
    """
    try:
        lock_member(made.user_id)
    except Member.DoesNotExist:
        return True
    locked = PlannedClosing.objects.select_for_update(of=("self",)).filter(pk=made.pk).planned()
    row = locked.select_related("user__member").first()
    if row is None:
        return True
    zone = time_zones.find(row.user.member.time_zone)
    with languages.of(row.user), timezone.override(zone) if zone else nullcontext():
        blockers, _planned = closing_blockers.read(row.user)
        closing.hold(row, blockers)
    if blockers or row.closes_at > timezone.now():
        return False
    logger.info("The account of user %s is closed, as they planned.", row.user_id)
    close_account(row.user)
    return True
