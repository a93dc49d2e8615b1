"""Changes of staff's access and sign-in are announced, and count only a day later.

Otherwise one owner could be both of two people, through a colleague's account: by setting its
password, creating, reactivating, or promoting it, or reading the colleague's mail. Each such change
is a row, is announced to the person and all owners, and keeps the account from deciding on money
for a day. What people change about their own way in is announced too, but holds nothing up.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import timedelta

from django.contrib.auth.models import Group, User
from django.core.exceptions import PermissionDenied
from django.db import transaction
from django.db.models import Q
from django.utils import timezone

from common import days
from members import contact_notices
from members.models import AccessChange, AccessOrigin, Device

# Owners hold this permission, by their role or as superusers.
MAY_MANAGE = "members.manage_staff"
HOLD = timedelta(hours=24)
SAME_BROWSER = timedelta(days=30)
LAST_OWNER = "Somebody has to stay an owner: make another one first."
HELD = "The account can’t decide on money for 24 hours."
# The actor if no account of ours did it.
NAMELESS = {
    AccessOrigin.COMMAND: "somebody at the server’s command line",
    AccessOrigin.MAILBOX: "whoever reads the account’s email",
}
BY_OTHERS = "Somebody else changed your account"
BY_MAIL = "Your sign-in was changed with a code from your email alone"


class AccessRefused(Exception):
    """Access can't be changed this way; the text is for staff."""


class OnHold(Exception):
    """The account can't decide on money yet; the text is for its owner."""


@dataclass(frozen=True)
class Access:
    """What an account may do."""

    is_active: bool
    is_staff: bool
    is_superuser: bool
    groups: frozenset[str]

    @classmethod
    def of(cls, user: User) -> Access:
        """Return what a user's account may do now."""
        names = frozenset(user.groups.values_list("name", flat=True))
        return cls(user.is_active, user.is_staff, user.is_superuser, names)

    @property
    def works_here(self) -> bool:
        """Whether it can open the staff site."""
        return self.is_staff or self.is_superuser


def owners() -> list[User]:
    """Return those who decide on the team: superusers, and staff who hold the permission."""
    holders = User.objects.with_perm(
        MAY_MANAGE, is_active=True, backend="django.contrib.auth.backends.ModelBackend"
    )
    works_here = Q(is_superuser=True) | Q(is_staff=True)
    return list(holders.filter(works_here).distinct().order_by("pk"))


def is_owner(user: User) -> bool:
    """Whether somebody decides on the team."""
    works_here = user.is_staff or user.is_superuser
    return user.is_active and works_here and user.has_perm(MAY_MANAGE)


def differences(before: Access, after: Access) -> list[str]:
    """Return what was granted and revoked, from what to what, one sentence each."""
    changes = []
    for name, words in (
        ("is_active", "Signing in"),
        ("is_staff", "The staff site"),
        ("is_superuser", "Superuser"),
    ):
        old, new = getattr(before, name), getattr(after, name)
        if old != new:
            changes.append(
                f"{'Granted' if new else 'Revoked'}: {words} (from {_yes(old)} to {_yes(new)})."
            )
    groups = f"groups from {_names(before.groups)} to {_names(after.groups)}"
    granted, revoked = after.groups - before.groups, before.groups - after.groups
    changes += [f"Granted: the group {name} ({groups})." for name in sorted(granted)]
    changes += [f"Revoked: the group {name} ({groups})." for name in sorted(revoked)]
    return changes


@transaction.atomic
def change(user_pk: int, actor: User, wanted: Access) -> str:
    """Change what an account may do; return the changes in sentences, or "" if there are none.

    Raises:
        PermissionDenied: only owners may, and only superusers decide on superusers.
        AccessRefused: no owner would be left, or it gives what the actor doesn't hold.
    """
    if not is_owner(actor):
        raise PermissionDenied("Only owners change what accounts may do.")
    user = User.objects.select_for_update().get(pk=user_pk)
    before, could = Access.of(user), powers_of(user)
    said = " ".join(differences(before, wanted))
    if not said:
        return ""
    if (before.is_superuser or wanted.is_superuser) and not actor.is_superuser:
        raise PermissionDenied("Only superusers decide who is one.")
    was_owner = is_owner(user)
    user.is_active, user.is_staff = wanted.is_active, wanted.is_staff
    user.is_superuser = wanted.is_superuser
    user.save(update_fields=["is_active", "is_staff", "is_superuser"])
    user.groups.set(Group.objects.filter(name__in=wanted.groups))
    require_holds(actor, powers_of(user) - could)
    if was_owner and not owners():
        raise AccessRefused(LAST_OWNER)
    if before.works_here or wanted.works_here:
        record(user, actor, said)
    return said


def require_holds(actor: User, permissions: Iterable[str]) -> None:
    """Make sure that someone only grants what they hold themselves.

    Raises:
        AccessRefused: they don't hold one of these permissions.
    """
    beyond = sorted(set(permissions) - actor.get_all_permissions())
    if beyond:
        raise AccessRefused(f"You can’t grant what you can’t do yourself: {', '.join(beyond)}.")


def powers_of(user: User) -> set[str]:
    """Return what an account may do on the staff site now, read from the database."""
    fresh = User.objects.get(pk=user.pk)
    works_here = fresh.is_active and (fresh.is_staff or fresh.is_superuser)
    return fresh.get_all_permissions() if works_here else set()


@transaction.atomic
def record(
    user: User,
    actor: User | None,
    what: str,
    *,
    origin: AccessOrigin | None = None,
    holds: bool | None = None,
    tells_person: bool = True,
) -> None:
    """Record a change of a staff account, and tell its owner and all portal owners.

    Call it in the change's transaction. Without an `actor` it came from the command line, unless
    `origin` says otherwise. Changes by others put the account on hold for a day.
    """
    if origin is None:
        origin = AccessOrigin.STAFF if actor else AccessOrigin.COMMAND
        origin = AccessOrigin.OWN if actor == user else origin
    if holds is None:
        holds = origin != AccessOrigin.OWN
    _lock(user)
    AccessChange.objects.create(user=user, actor=actor, what=what, origin=origin, holds=holds)
    said = f"{what} By {actor or NAMELESS[origin]}."
    if holds:
        said = f"{said} {HELD}"
    if tells_person:
        contact_notices.tell(user, "Your access was changed", said)
    for owner in owners():
        if owner.pk != user.pk:
            about = f"{said} Account: {user.email}."
            contact_notices.tell(owner, f"The access of {user} was changed", about)


def closing(user: User) -> None:
    """Tell all other owners that a staff account is about to be closed.

    The message names a role, not a person: people who leave are forgotten.

    Raises:
        AccessRefused: no owner would be left.
    """
    if not (user.is_staff or user.is_superuser):
        return
    if is_owner(user):
        _keep_one_owner(user)
    role = "an owner" if is_owner(user) else "somebody of the staff"
    said = f"The account of {role} was closed, and opens nothing anymore."
    for owner in owners():
        if owner.pk != user.pk:
            contact_notices.tell(owner, "A staff account was closed", said)


def created(user: User, actor: User) -> None:
    """Record that a staff member created an account."""
    AccessChange.objects.create(user=user, actor=actor, what="Opened the account.")


def why_not_yet(user: User) -> str:
    """Return why an account is on hold after a recent change by others, or "" if it isn't."""
    since = timezone.now() - HOLD
    newest = AccessChange.objects.filter(user=user, holds=True, happened_at__gt=since).first()
    if newest is None:
        return ""
    until = timezone.localtime(newest.happened_at + HOLD)
    happened = BY_MAIL if newest.origin == AccessOrigin.MAILBOX else BY_OTHERS
    return (
        f"{happened} less than 24 hours ago, so your account can’t decide on money"
        f" until {days.plain(until)}, {days.clock(until)}."
    )


def require_not_on_hold(actor: User) -> None:
    """Make sure that someone may decide on money now. Call it in the decision's transaction.

    The account stays locked until the transaction ends, so a change either comes before the
    decision and is seen here, or comes after it. Take the lock on the member first.

    Raises:
        OnHold: their account was changed recently.
    """
    _lock(actor)
    if sentence := why_not_yet(actor):
        raise OnHold(sentence)


def _lock(user: User) -> None:
    """Lock an account against other changes and decisions; rows may still reference it."""
    User.objects.select_for_update(no_key=True).get(pk=user.pk)


def are_one_person(one: User, other: User) -> bool:
    """Whether two accounts count as one person: one mailbox, one name, or one made for the other.

    An account that one of them made or changed for the other counts if both were recently used in
    one browser.
    """
    if one.pk == other.pk or _mailbox(one) == _mailbox(other):
        return True
    names = {user.get_full_name().casefold().strip() for user in (one, other)}
    if len(names) == 1 and names != {""}:
        return True
    pair = (one.pk, other.pk)
    made = AccessChange.objects.filter(user__in=pair, actor__in=pair).exclude(
        user_id=one.pk, actor_id=one.pk
    )
    if not made.exclude(user_id=other.pk, actor_id=other.pk).exists():
        return False
    since = timezone.now() - SAME_BROWSER
    browsers = Device.objects.filter(user=one, seen_at__gt=since).values("browser")
    return Device.objects.filter(user=other, seen_at__gt=since, browser__in=browsers).exists()


def _mailbox(user: User) -> str:
    """Return an address without what follows a plus, or a unique value if there's no address."""
    name, _, domain = user.email.casefold().rpartition("@")
    return f"{name.partition('+')[0]}@{domain}" if domain else f"#{user.pk}"


def _keep_one_owner(user: User) -> None:
    """Refuse to demote the last owner."""
    if all(owner.pk == user.pk for owner in owners()):
        raise AccessRefused(LAST_OWNER)


def _yes(is_so: bool) -> str:
    return "yes" if is_so else "no"


def _names(groups: Iterable[str]) -> str:
    return ", ".join(sorted(groups)) or "none"
