"""Notes and tags that staff give members. Removing one only marks it: who wrote it, and when, stay.

Each is written once, however often its form is sent.
"""

from __future__ import annotations

import uuid

from django.contrib.auth.models import User
from django.db import transaction
from django.db.models import QuerySet
from django.utils import timezone

from billing.models.locks import lock_member
from portal.models import MemberTag, StaffNote

MAY_SEE, MAY_WRITE = "portal.view_staffnote", "portal.add_staffnote"
MAY_REMOVE = "portal.change_staffnote"
MOST_TAGS = 20


class TagRefused(Exception):
    """The tag can't be given; the text is for staff."""


def write(user: User, author: User, words: str, key: uuid.UUID) -> bool:
    """Write a note about a member; return whether it's new."""
    _note, is_new = StaffNote.objects.get_or_create(
        key=key, defaults={"user": user, "author": author, "words": words.strip()}
    )
    return is_new


def remove(note: StaffNote, actor: User) -> bool:
    """Mark a note as removed; return whether it wasn't yet."""
    rows = StaffNote.objects.filter(pk=note.pk, removed_at=None)
    return bool(rows.update(removed_at=timezone.now(), removed_by=actor))


@transaction.atomic
def tag(user: User, actor: User, name: str) -> bool:
    """Give a member a tag; return whether they didn't have it.

    A tag is spelled as it was first: "vip" becomes "VIP" if others have that.

    Raises:
        TagRefused: they have too many.
    """
    lock_member(user.pk)
    mine = given(user)
    if mine.filter(name__iexact=name).exists():
        return False
    if mine.count() >= MOST_TAGS:
        raise TagRefused(f"A member can have {MOST_TAGS} tags at most. Remove one first.")
    known = MemberTag.objects.filter(name__iexact=name).order_by("pk").first()
    MemberTag.objects.create(user=user, added_by=actor, name=known.name if known else name)
    return True


def untag(user: User, actor: User, name: str) -> bool:
    """Mark a member's tag as removed; return whether they had it."""
    rows = given(user).filter(name__iexact=name)
    return bool(rows.update(removed_at=timezone.now(), removed_by=actor))


def given(user: User) -> QuerySet[MemberTag]:
    """Return the tags that a member has now."""
    return MemberTag.objects.now().filter(user=user).order_by("name", "pk")


def names_in_use() -> list[str]:
    """Return the names of all tags that somebody has now."""
    rows = MemberTag.objects.now().order_by("name").values_list("name", flat=True)
    return list(rows.distinct())
