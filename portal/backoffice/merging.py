"""Use case: staff merge a member's second account into the one that stays, or move one customer.

Money moves by `billing.moving`; here is what we know about people. A merged account keeps its row,
since the refund ledger names who acted, but nothing else: nobody signs in with it, and its address
is free again. Everything is one transaction under both members' locks.
"""

from __future__ import annotations

import hashlib
import logging
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from allauth.account.models import EmailAddress
from allauth.mfa.models import Authenticator
from allauth.socialaccount.models import SocialAccount
from allauth.usersessions.models import UserSession
from django.contrib.admin.models import LogEntry
from django.contrib.auth.models import User
from django.contrib.contenttypes.models import ContentType
from django.core.exceptions import PermissionDenied
from django.db import transaction
from django.db.models import QuerySet
from django.db.models.functions import Lower
from django.utils import timezone
from django.utils.translation import gettext as _

from billing import moving
from billing.facts import trials
from billing.models import Customer
from billing.models.locks import lock_members
from billing.moving import Move
from common.staff import show
from emails.models import Message, NotificationChoice, Suppression
from members import access_changes, contact_notices, languages
from members.models import (
    AccessChange,
    AccountActivity,
    Member,
    PhoneCode,
    SignIn,
    SmsConsentRecord,
    TermsAcceptance,
)
from members.signin import sessions
from portal.models import (
    DataExport,
    InvitationState,
    MemberTag,
    MemberViewing,
    PlannedClosing,
    StaffInvitation,
    StaffNote,
    SupportMessage,
)

logger = logging.getLogger(__name__)

MAY_MERGE = "billing.move_customer"
# What a merged account's login is called: nobody can choose it, and nobody signs in with it.
MERGED = "merged-"
CHANGED = "What would move has changed since you looked. Look once more."
Rows = QuerySet[Any]


class MergeRefused(Exception):
    """Nothing was moved; the text is for staff."""


@dataclass(frozen=True)
class Kind:
    """Rows about a person that go along, and what one of them is called (plural after a bar)."""

    name: str
    rows: Callable[[User], Rows]
    owner: str = "user"


def _of(model: Any, owner: str = "user") -> Callable[[User], Rows]:
    return lambda user: model._default_manager.filter(**{owner: user})


def _log(user: User) -> Rows:
    kind = ContentType.objects.get_for_model(User)
    return LogEntry.objects.filter(content_type=kind, object_id=str(user.pk))


KINDS = (
    Kind("message sent|messages sent", _of(Message)),
    Kind("suppressed address|suppressed addresses", _of(Suppression)),
    Kind("message from the help page|messages from the help page", _of(SupportMessage)),
    Kind("note", _of(StaffNote)),
    Kind("tag", _of(MemberTag)),
    Kind("sign-in", _of(SignIn)),
    Kind("change of the account|changes of the account", _of(AccountActivity)),
    Kind("agreement to the terms|agreements to the terms", _of(TermsAcceptance)),
    Kind("code by text|codes by text", _of(PhoneCode)),
    Kind("viewing by staff|viewings by staff", _of(MemberViewing)),
    Kind("past plan to close it|past plans to close it", _of(PlannedClosing)),
    Kind("change of access|changes of access", _of(AccessChange)),
    Kind(
        "answer on text messages|answers on text messages",
        _of(SmsConsentRecord, "member__user"),
        "member",
    ),
)
# Entries of staff's log name their row as text.
LOG = "entry in the log of staff|entries in the log of staff"


def counts(move: Move) -> list[tuple[str, int]]:
    """Return what goes from one to the other, and how many of each."""
    found = moving.counts(move)
    if move.is_whole:
        found += [(one.name, one.rows(move.origin).count()) for one in KINDS]
        found.append((LOG, _log(move.origin).count()))
    return [(name, count) for name, count in found if count]


def mark(move: Move) -> str:
    """Return a fingerprint of what would move, which a preview hands to its button."""
    said = repr((move.origin.pk, move.to.pk, move.customer, counts(move)))
    return hashlib.sha256(said.encode()).hexdigest()[:24]


def obstacles(move: Move) -> list[str]:
    """Return why nothing can be moved now, a sentence each."""
    return [*_of_accounts(move), *moving.obstacles(move)]


def _of_accounts(move: Move) -> Iterator[str]:
    if move.origin.pk == move.to.pk:
        yield "That’s the same account."
    for user in (move.origin, move.to):
        name = show.name_of(user)
        if user.is_staff or user.is_superuser or _is_invited(user):
            yield f"{name} is on the team, or is invited to it. Staff accounts are never merged."
        if PlannedClosing.objects.filter(user=user).planned().exists():
            yield f"The account of {name} is about to be closed. Stop that first."
        if Customer.objects.filter(user=user).exclude(closed_at=None).exists():
            yield f"{name} closed their account."
    if not move.to.is_active:
        yield f"The account of {show.name_of(move.to)} is switched off."
    if not move.origin.is_active and not move.customers.exists():
        yield f"The account of {show.name_of(move.origin)} has nothing left to move."
    elif move.customer and not move.customers.exists():
        yield "The customer belongs to another member by now."


def _is_invited(user: User) -> bool:
    rows = StaffInvitation.objects.filter(state=InvitationState.WAITING)
    return bool(user.email) and rows.filter(email__iexact=user.email).exists()


@transaction.atomic
def merge(move: Move, actor: User, seen: str) -> list[tuple[str, int]]:
    """Move everything, or one customer; return what moved. `seen` is the preview's `mark`.

    Raises:
        PermissionDenied: the actor may not.
        MergeRefused: something has to be settled first, or has changed since they looked.
    """
    if not actor.has_perm(MAY_MERGE):
        raise PermissionDenied("Merging accounts takes a permission.")
    try:
        access_changes.require_not_on_hold(actor)
        lock_members(move.origin.pk, move.to.pk)
    except access_changes.OnHold as hold:
        raise MergeRefused(str(hold)) from hold
    except Member.DoesNotExist as error:
        raise MergeRefused("One of the accounts is gone.") from error
    users = User.objects.select_related("member")
    move = Move(users.get(pk=move.origin.pk), users.get(pk=move.to.pk), move.customer)
    if found := obstacles(move):
        raise MergeRefused(found[0])
    if mark(move) != seen:
        raise MergeRefused(CHANGED)
    moved = counts(move)
    moving.move_all(move)
    if move.is_whole:
        _merge_people(move, actor)
    logger.info("User %s moved user %s into user %s.", actor.pk, move.origin.pk, move.to.pk)
    return moved


def _merge_people(move: Move, actor: User) -> None:
    origin, to = move.origin, move.to
    address = origin.email
    # While its addresses are there: nobody gets a second free trial with one.
    trials.remember(origin)
    _drop_doubles(origin, to, actor)
    for one in KINDS:
        owner = to.member if one.owner == "member" else to
        one.rows(origin).update(**{one.owner: owner})
    _log(origin).update(object_id=str(to.pk))
    _bring_phone(origin.member, to.member)
    _bring_choices(origin, to)
    if not to.get_full_name():
        to.first_name, to.last_name = origin.first_name, origin.last_name
        to.save(update_fields=["first_name", "last_name"])
    _close(origin)
    _tell(to, address)


def _drop_doubles(origin: User, to: User, actor: User) -> None:
    """End tags that both have, and leave second agreements to the same terms, without network."""
    theirs = MemberTag.objects.filter(user=to).now()
    names = theirs.annotate(lower=Lower("name")).values("lower")
    doubles = MemberTag.objects.filter(user=origin).now().annotate(lower=Lower("name"))
    doubles.filter(lower__in=names).update(removed_at=timezone.now(), removed_by=actor)
    agreed = TermsAcceptance.objects.filter(user=to).values("version")
    TermsAcceptance.objects.filter(user=origin, version__in=agreed).delete()


def _bring_phone(theirs: Member, mine: Member) -> None:
    """Take over a number if there's none, or none that's verified. A STOP holds in any case."""
    number, verified = theirs.phone, theirs.phone_verified_at
    agreed, source = theirs.sms_consent_at, theirs.sms_consent_source
    stopped = theirs.sms_stopped_at
    # A verified number is one member's, so it's let go of first.
    theirs.phone, theirs.phone_verified_at = "", None
    theirs.sms_consent_at, theirs.sms_consent_source, theirs.sms_stopped_at = None, "", None
    theirs.save()
    if number and (not mine.phone or (verified and not mine.phone_is_verified)):
        mine.phone, mine.phone_verified_at = number, verified
        mine.sms_consent_at, mine.sms_consent_source = agreed, source
        mine.sms_stopped_at = mine.sms_stopped_at or stopped
    elif stopped and number == mine.phone:
        mine.sms_stopped_at = mine.sms_stopped_at or stopped
    mine.save()


def _bring_choices(origin: User, to: User) -> None:
    """Take over what they turned off or on, where the account that stays has no answer."""
    answered = set(NotificationChoice.objects.filter(user=to).values_list("topic", "channel"))
    for row in NotificationChoice.objects.filter(user=origin):
        if (row.topic, row.channel) not in answered:
            NotificationChoice.objects.filter(pk=row.pk).update(user=to)
    NotificationChoice.objects.filter(user=origin).delete()


def _close(origin: User) -> None:
    """Let nobody sign in with it anymore, and free its address."""
    sessions.end_all(origin)
    UserSession.objects.filter(user=origin).delete()
    EmailAddress.objects.filter(user=origin).delete()
    Authenticator.objects.filter(user=origin).delete()
    SocialAccount.objects.filter(user=origin).delete()
    DataExport.objects.filter(user=origin).delete()
    origin.username, origin.email = f"{MERGED}{origin.pk}", ""
    origin.first_name = origin.last_name = ""
    origin.is_active = False
    origin.set_unusable_password()
    origin.save()


def _tell(to: User, address: str) -> None:
    """Tell the member at both addresses that there's one account now."""
    with languages.of(to):
        headline = _("Your accounts are one now")
        words = _(
            "Our team merged your other account into this one. Your payments and your membership "
            "are all here. From now on, sign in with {email}."
        ).format(email=to.email)
        contact_notices.tell(to, headline, words)
        if address:
            contact_notices.tell(to, headline, words, address=address)
