"""Use cases: a member or staff plan to close an account, take that back, or staff stop it.

Renewing stops right away, and the account is closed a week later by a job
(`portal.backoffice.planned_closings`). All of it holds the member's lock, so a wish that's taken
back while the job runs is either in time, or finds the account closed.
"""

from __future__ import annotations

import hashlib
import logging
from collections.abc import Collection
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from django.contrib.auth.models import User
from django.core import signing
from django.core.exceptions import PermissionDenied
from django.db import transaction
from django.db.models import QuerySet
from django.utils import timezone
from django.utils.translation import gettext as _

from billing.membership import cancellation
from billing.models import Subscription
from billing.models.locks import lock_member
from common.links import portal_url
from emails import outbox
from members import access_changes
from members.models import Member
from portal.models import ClosingState, PlannedClosing
from portal.selfservice import closing_blockers
from portal.selfservice.closing_blockers import Blocker
from portal.selfservice.contexts import ClosingHeld, ClosingPlanned, ClosingUndone

logger = logging.getLogger(__name__)

TAKEN_BACK_WITHIN = timedelta(days=7)
SALT = "portal.closing"
MAY_CLOSE = "portal.add_plannedclosing"


class ClosingRefused(Exception):
    """The account can't be closed, or not be kept; the text is for the member or for staff."""


@dataclass(frozen=True)
class Kept:
    """What became of a plan that was taken back. `problem`: why a membership doesn't renew."""

    plan: PlannedClosing
    problem: str = ""


def plan(user: User) -> PlannedClosing:
    """Plan to close a member's account, and stop all that renews.

    Raises:
        ClosingRefused: something has to be settled first.
    """
    made = _plan(user)
    stop_renewing(made)
    return made


def plan_by_staff(
    user: User, actor: User, reason: str, renewing: Collection[int]
) -> PlannedClosing:
    """Plan to close a member's account as staff; its member is told, and can take it back.

    `renewing` are the keys of the subscriptions that the actor was shown as renewing.

    Raises:
        PermissionDenied: the actor may not.
        ClosingRefused: something has to be settled first, or has changed since they looked.
    """
    if not actor.has_perm(MAY_CLOSE):
        raise PermissionDenied("Closing a member's account takes a permission.")
    made = _plan(user, _ByStaff(actor, reason, frozenset(renewing)))
    stop_renewing(made)
    return made


def renewing(user: User) -> QuerySet[Subscription]:
    """Return the subscriptions of a member that closing their account would stop."""
    rows = Subscription.objects.for_user(user).live().select_related("customer__user")
    return rows.filter(pk__in=[row.pk for row in rows if not row.ends_with_period])


@dataclass(frozen=True)
class _ByStaff:
    actor: User
    reason: str
    renewing: frozenset[int]


@transaction.atomic
def _plan(user: User, staff: _ByStaff | None = None) -> PlannedClosing:
    lock_member(user.pk)
    if staff:
        _require_not_on_hold(staff.actor)
    blockers, planned = closing_blockers.read(User.objects.get(pk=user.pk))
    if planned and staff:
        raise ClosingRefused("It’s already set to close.")
    if planned:
        return planned
    if blockers:
        raise ClosingRefused(blockers[0].text)
    if staff and {row.pk for row in renewing(user)} != staff.renewing:
        raise ClosingRefused("What renews has changed since you looked. Look again.")
    now = timezone.now()
    made = PlannedClosing.objects.create(
        user=user,
        created_at=now,
        closes_at=now + TAKEN_BACK_WITHIN,
        planned_by=staff.actor if staff else None,
        reason=staff.reason if staff else "",
    )
    by = f"User {staff.actor.pk}" if staff else "Its member"
    logger.info("%s plans to close the account of user %s.", by, user.pk)
    context = ClosingPlanned(
        closes_on=made.closes_at,
        renews=Subscription.objects.for_user(user).live().exists(),
        by_staff=staff is not None,
        url=portal_url("selfservice:close-undo-link", token_of(made)),
    )
    outbox.put(user, context, cause=f"closing_{made.pk}", happened_at=now)
    return made


def _require_not_on_hold(actor: User) -> None:
    try:
        access_changes.require_not_on_hold(actor)
    except access_changes.OnHold as hold:
        raise ClosingRefused(str(hold)) from hold


def stop_renewing(made: PlannedClosing) -> None:
    """Let all subscriptions of a plan's member end with their period. Safe to run twice.

    What Stripe can't be asked now is tried again by the job. One that began after the plan isn't
    touched: its member may want to stay.
    """
    rows = Subscription.objects.for_user(made.user).live().filter(started_at__lte=made.created_at)
    for row in rows:
        if not row.ends_with_period and _is_planned(made):
            _stop(made, row)
    if not _is_planned(made):
        made.refresh_from_db()
        _renew(made)


def _stop(made: PlannedClosing, row: Subscription) -> None:
    try:
        cancellation.end_with_period(row)
    except cancellation.MembershipError as error:
        logger.warning("%s can't be stopped yet: %s", row.stripe_id, error)
        return
    made.stopped = sorted({*made.stopped, row.pk})
    PlannedClosing.objects.filter(pk=made.pk).update(stopped=made.stopped)


def _is_planned(made: PlannedClosing) -> bool:
    return PlannedClosing.objects.filter(pk=made.pk).planned().exists()


def keep(user: User, actor: User | None = None) -> Kept:
    """Take a plan back, as its member or as the staff `actor`, and let renew what it stopped.

    Raises:
        ClosingRefused: there's none, or the account is closed already.
    """
    kept = _keep(user, actor)
    return Kept(kept, _renew(kept))


@transaction.atomic
def _keep(user: User, actor: User | None) -> PlannedClosing:
    try:
        lock_member(user.pk)
    except Member.DoesNotExist as error:
        raise ClosingRefused(_("This account is closed already.")) from error
    row = PlannedClosing.objects.select_for_update().filter(user=user).planned().first()
    if row is None:
        raise ClosingRefused(_("Nobody plans to close this account."))
    row.state = ClosingState.STOPPED if actor else ClosingState.UNDONE
    row.ended_at, row.ended_by, row.held_because = timezone.now(), actor, ""
    row.save()
    outbox.put(
        user,
        ClosingUndone(
            by_staff=actor is not None,
            renews=bool(row.stopped),
            url=portal_url("members:account"),
        ),
        cause=f"closing_{row.pk}:kept",
        happened_at=row.ended_at,
    )
    return row


def _renew(kept: PlannedClosing) -> str:
    """Let renew what a plan stopped; return why something doesn't, or ""."""
    problem = ""
    rows = Subscription.objects.for_user(kept.user).live().filter(pk__in=kept.stopped)
    for row in rows:
        if not row.ends_with_period:
            continue
        try:
            cancellation.resume_one(row)
        except cancellation.MembershipError as error:
            problem = str(error)
            logger.warning("%s can't be resumed: %s", row.stripe_id, error)
    return problem


def hold(made: PlannedClosing, blockers: list[Blocker]) -> None:
    """Tell a plan's member what keeps their account from being closed, once for each new reason.

    Call it in a transaction that holds the member's lock.
    """
    reasons = [one.text for one in blockers]
    said = "\n".join(reasons)
    if said == made.held_because:
        return
    PlannedClosing.objects.filter(pk=made.pk).update(held_because=said)
    if not reasons:
        return
    digest = hashlib.sha256(said.encode()).hexdigest()[:16]
    outbox.put(
        made.user,
        ClosingHeld(reasons=reasons, url=portal_url("selfservice:close")),
        cause=f"closing_{made.pk}:held:{digest}",
        happened_at=timezone.now(),
    )


# The link in the mail


def token_of(made: PlannedClosing) -> str:
    """Return the secret part of the link that takes a plan back, without a sign-in."""
    return signing.dumps({"closing": made.pk}, salt=SALT)


def plan_of(token: str) -> PlannedClosing:
    """Return the plan that a link is about.

    Raises:
        ClosingRefused: the link is broken, or there's nothing to take back anymore.
    """
    try:
        named: dict[str, Any] = signing.loads(token, salt=SALT)
    except signing.BadSignature as error:
        raise ClosingRefused(_("The link is incomplete. Open it from the email again.")) from error
    row = PlannedClosing.objects.filter(pk=named["closing"]).planned().first()
    if row is None:
        raise ClosingRefused(_("The account is closed, or has been kept already."))
    return row
