"""Reads a page of a member's activity: sign-ins and changes, newest first, by key."""

from __future__ import annotations

from dataclasses import dataclass

from django.contrib.auth.models import User

from common import merged
from common.merged import Table
from members.models import AccountActivity, SignIn

Row = SignIn | AccountActivity
PAGE = 20


@dataclass(frozen=True)
class Found:
    """A page's rows, and the mark that the next page starts after ("" if there's none)."""

    rows: tuple[Row, ...]
    older: str


def read(user: User, before: str = "") -> Found:
    """Return the rows after a mark; from the newest for an empty or unreadable one."""
    tables = {
        0: Table(SignIn.objects.filter(user=user), "happened_at"),
        1: Table(AccountActivity.objects.filter(user=user), "happened_at"),
    }
    page = merged.read(tables, PAGE, before)
    return Found(tuple(one.row for one in page.rows), page.older)
