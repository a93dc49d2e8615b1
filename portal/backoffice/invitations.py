"""Use cases: owners invite people to the team by email, and those accept.

A link alone opens nothing. It takes an account whose verified address is the invited one, so a link
that was forwarded helps nobody; and a second step, before there's anything to protect. What the
inviter may do counts when the invitation is sent and again when it's accepted: an invitation of
someone who was let go gives nothing.
"""

from __future__ import annotations

import hashlib
import secrets
from datetime import timedelta

from allauth.account.models import EmailAddress
from django.contrib.auth.models import Group, User
from django.core.exceptions import PermissionDenied
from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from common import addresses
from common.links import portal_url
from common.traces import Traces
from emails.models import Channel
from emails.outbox import put_account
from members import access_changes
from members.access_changes import AccessRefused
from members.signin import mfa
from portal.backoffice.contexts import StaffInvited
from portal.backoffice.roles import SUMMARIES, Role
from portal.models import InvitationState, StaffInvitation, StaffRole

WORKS_FOR = timedelta(days=7)
# What never became of anything is deleted this long after its link stopped working.
KEPT_FOR = timedelta(days=90)


class InvitationRefused(Exception):
    """An invitation can't be sent; the text is for staff."""


class InvitationBroken(Exception):
    """A link leads to no invitation that this person can accept; the text is for them."""


@transaction.atomic
def invite(actor: User, email: str, role: StaffRole) -> StaffInvitation:
    """Invite the person who reads an address.

    Raises:
        PermissionDenied: only owners invite.
        InvitationRefused: they're on the team or invited already, or the role is beyond the actor.
    """
    _require_may_give(actor, role)
    if _colleague(email):
        raise InvitationRefused("They’re on the team already. Change their role on their page.")
    if StaffInvitation.objects.filter(email__iexact=email, state=InvitationState.WAITING).exists():
        raise InvitationRefused("They were invited already. Send that invitation again.")
    row = StaffInvitation(email=email, role=role, invited_by=actor)
    _send(row, actor)
    return row


@transaction.atomic
def send_again(pk: int, actor: User) -> StaffInvitation:
    """Send an invitation again, with a new link: the old one opens nothing anymore.

    Raises:
        PermissionDenied: only owners invite.
        InvitationRefused: it was accepted or withdrawn, or the role is beyond the actor.
    """
    row = _waiting(pk)
    _require_may_give(actor, row.role)
    # From now on it counts as theirs, as what they may do is what was checked.
    row.invited_by = actor
    _send(row, actor)
    return row


@transaction.atomic
def withdraw(pk: int, actor: User) -> StaffInvitation:
    """Withdraw an invitation: its link opens nothing anymore.

    Raises:
        PermissionDenied: only owners withdraw.
        InvitationRefused: it was accepted or withdrawn already.
    """
    if not access_changes.is_owner(actor):
        raise PermissionDenied("Only owners withdraw invitations.")
    row = _waiting(pk)
    row.state, row.ended_at = InvitationState.WITHDRAWN, timezone.now()
    row.save(update_fields=["state", "ended_at"])
    return row


def find(token: str) -> StaffInvitation:
    """Return the invitation that a link leads to, if it can be accepted.

    Raises:
        InvitationBroken: there's none, or not anymore.
    """
    rows = StaffInvitation.objects.select_related("role__group", "invited_by")
    row = rows.filter(digest=_digest(token)).first()
    if row is None or row.state == InvitationState.WITHDRAWN:
        raise InvitationBroken(
            _("This invitation isn’t valid. If there’s a newer email, use the link in that one.")
        )
    if row.state == InvitationState.ACCEPTED:
        raise InvitationBroken(_("This invitation was accepted already."))
    if row.expires_at <= timezone.now():
        raise InvitationBroken(_("This invitation has expired. Ask for a new one."))
    if not _may_still_give(row):
        raise InvitationBroken(_("This invitation isn’t valid anymore. Ask for a new one."))
    return row


def is_for(row: StaffInvitation, user: User) -> bool:
    """Whether somebody has proven that the invited address is theirs."""
    own = EmailAddress.objects.filter(user=user, verified=True).values_list("email", flat=True)
    wanted = addresses.canonical(row.email)
    return any(addresses.canonical(email) == wanted for email in own)


@transaction.atomic
def accept(token: str, user: User) -> StaffInvitation:
    """Make somebody part of the team, with the invitation's role. It counts for money a day later.

    Two tabs wait for each other here, and the second finds it accepted.

    Raises:
        InvitationBroken: it can't be accepted, or not by them, or they lack a second step.
    """
    found = find(token)
    user = User.objects.select_for_update(no_key=True).get(pk=user.pk)
    StaffInvitation.objects.select_for_update().get(pk=found.pk)
    row = find(token)
    if not (user.is_active and is_for(row, user)):
        raise InvitationBroken(_("This invitation was sent to another address."))
    if not mfa.is_set_up(user):
        raise InvitationBroken(_("Add a second step first."))
    before, could = access_changes.Access.of(user), access_changes.powers_of(user)
    user.is_staff = True
    user.save(update_fields=["is_staff"])
    user.groups.add(row.role.group)
    gained = access_changes.powers_of(user) - could
    inviter = row.invited_by
    if inviter is None or not gained <= inviter.get_all_permissions():
        # An account that was staff before may hold more than the role.
        raise InvitationBroken(_("This invitation isn’t valid anymore. Ask for a new one."))
    said = access_changes.differences(before, access_changes.Access.of(user))
    access_changes.record(user, inviter, " ".join(["Accepted an invitation.", *said]))
    row.state, row.ended_at, row.user = InvitationState.ACCEPTED, timezone.now(), user
    row.save(update_fields=["state", "ended_at", "user"])
    return row


def forget(user: User, traces: Traces) -> None:
    """Delete the invitations of someone who leaves, to any address of theirs."""
    StaffInvitation.objects.filter(user=user).delete()
    traces.rows(StaffInvitation.objects.all(), "email").delete()


def forget_old() -> int:
    """Delete invitations that nobody accepted, long after; return how many."""
    old = StaffInvitation.objects.filter(expires_at__lt=timezone.now() - KEPT_FOR)
    count, _models = old.exclude(state=InvitationState.ACCEPTED).delete()
    return count


def _require_may_give(actor: User, role: StaffRole) -> None:
    if not access_changes.is_owner(actor):
        raise PermissionDenied("Only owners invite people to the team.")
    try:
        access_changes.require_holds(actor, _permissions(role.group))
    except AccessRefused as refusal:
        raise InvitationRefused(str(refusal)) from refusal


def _may_still_give(row: StaffInvitation) -> bool:
    inviter = row.invited_by
    if inviter is None or not access_changes.is_owner(inviter):
        return False
    return _permissions(row.role.group) <= inviter.get_all_permissions()


def _permissions(group: Group) -> set[str]:
    rows = group.permissions.values_list("content_type__app_label", "codename")
    return {f"{app}.{codename}" for app, codename in rows}


def _colleague(email: str) -> User | None:
    staff = User.objects.filter(is_active=True, is_staff=True)
    return staff.filter(email__iexact=email).first()


def _waiting(pk: int) -> StaffInvitation:
    rows = StaffInvitation.objects.select_for_update(of=["self"]).select_related("role__group")
    row = rows.get(pk=pk)
    if row.state != InvitationState.WAITING:
        raise InvitationRefused("It was accepted or withdrawn already.")
    return row


def _send(row: StaffInvitation, actor: User) -> None:
    token = secrets.token_urlsafe(32)
    now = timezone.now()
    row.digest, row.sent_at, row.expires_at = _digest(token), now, now + WORKS_FOR
    row.save()
    context = StaffInvited(
        actor=str(actor),
        role=row.role.group.name,
        summary=SUMMARIES[Role(row.role.key)],
        until=row.expires_at,
        url=portal_url("staff-invitation", token),
    )
    put_account(Channel.EMAIL, row.email, context, None, WORKS_FOR)


def _digest(token: str) -> str:
    return hashlib.sha256(token.encode()).hexdigest()
