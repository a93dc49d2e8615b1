"""Who may do what on the staff site, and how staff get in, changes openly and counts a day later.

One owner could otherwise be both of two people: by a colleague's account whose password they set,
or one that they made, switched on or promoted. Each such change is a row, is told to the person
and to all owners, and keeps the account from deciding on money for a day.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import timedelta

from django.contrib.auth.models import Group, User
from django.core.exceptions import PermissionDenied
from django.db import transaction
from django.utils import timezone

from members import contact_notices
from members.models import AccessChange, Device

HOLD = timedelta(hours=24)
SAME_BROWSER = timedelta(days=30)
NOBODY = "somebody at the server’s command line"


class AccessRefused(Exception):
    """Access can't be changed this way; the text is for staff."""


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
        """Whether it opens the staff site."""
        return self.is_staff or self.is_superuser


def owners() -> list[User]:
    """Return those who may do everything."""
    return list(User.objects.filter(is_superuser=True, is_active=True).order_by("pk"))


def differences(before: Access, after: Access) -> list[str]:
    """Return what was granted and revoked, from what to what, a sentence each."""
    found = []
    for name, words in (
        ("is_active", "Signing in"),
        ("is_staff", "The staff site"),
        ("is_superuser", "Superuser"),
    ):
        old, new = getattr(before, name), getattr(after, name)
        if old != new:
            found.append(
                f"{'Granted' if new else 'Revoked'}: {words} (from {_yes(old)} to {_yes(new)})."
            )
    groups = f"groups from {_names(before.groups)} to {_names(after.groups)}"
    granted, revoked = after.groups - before.groups, before.groups - after.groups
    found += [f"Granted: the group {name} ({groups})." for name in sorted(granted)]
    found += [f"Revoked: the group {name} ({groups})." for name in sorted(revoked)]
    return found


@transaction.atomic
def change(user_pk: int, actor: User, wanted: Access) -> str:
    """Change what an account may do; return what that was, in sentences, "" for nothing.

    Raises:
        PermissionDenied: only owners may.
        AccessRefused: no owner would be left.
    """
    if not (actor.is_active and actor.is_superuser):
        raise PermissionDenied("Only owners change what accounts may do.")
    user = User.objects.select_for_update().get(pk=user_pk)
    before = Access.of(user)
    said = " ".join(differences(before, wanted))
    if not said:
        return ""
    stays_owner = wanted.is_active and wanted.is_superuser
    if before.is_superuser and not stays_owner and owners() in ([user], []):
        raise AccessRefused("Somebody has to stay an owner: make another one first.")
    user.is_active, user.is_staff = wanted.is_active, wanted.is_staff
    user.is_superuser = wanted.is_superuser
    user.save(update_fields=["is_active", "is_staff", "is_superuser"])
    user.groups.set(Group.objects.filter(name__in=wanted.groups))
    if before.works_here or wanted.works_here:
        record(user, actor, said)
    return said


def record(user: User, actor: User | None, what: str, *, tells_person: bool = True) -> None:
    """Write down a change of somebody's account by somebody else, and tell them and all owners.

    Call it in the transaction of the change. `actor`: None at the command line.
    """
    AccessChange.objects.create(user=user, actor=actor, what=what)
    by = str(actor) if actor else NOBODY
    if tells_person:
        contact_notices.tell(user, "Your access was changed", f"{what} By {by}.")
    for owner in owners():
        if owner.pk != user.pk:
            contact_notices.tell(
                owner,
                f"The access of {user} was changed",
                f"{what} By {by}. Account: {user.email}.",
            )


def created(user: User, actor: User) -> None:
    """Write down whose account somebody of the staff has opened."""
    AccessChange.objects.create(user=user, actor=actor, what="Opened the account.")


def why_not_yet(user: User) -> str:
    """Return why somebody decides on nothing now, or "": others changed their account lately."""
    newest = (
        AccessChange.objects.filter(user=user, happened_at__gt=timezone.now() - HOLD)
        .exclude(actor=user)
        .first()
    )
    if newest is None:
        return ""
    until = timezone.localtime(newest.happened_at + HOLD)
    return (
        "Somebody else changed your account less than 24 hours ago, so it can’t decide on money"
        f" until {until:%B} {until.day}, {until:%H:%M}."
    )


def are_one_person(one: User, other: User) -> bool:
    """Whether two accounts count as one person: one mailbox, one name, or one made for the other.

    An account that one of them made or changed for the other counts so if both were used in one
    browser lately.
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
    """Return an address without what follows a plus; one's own for who has none."""
    name, _, domain = user.email.casefold().rpartition("@")
    return f"{name.partition('+')[0]}@{domain}" if domain else f"#{user.pk}"


def _yes(is_so: bool) -> str:
    return "yes" if is_so else "no"


def _names(groups: Iterable[str]) -> str:
    return ", ".join(sorted(groups)) or "none"
