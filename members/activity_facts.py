"""Reads a page of a member's activity: sign-ins and changes, newest first, by key."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from django.contrib.auth.models import User
from django.db.models import Q

from members.models import AccountActivity, SignIn

Row = SignIn | AccountActivity
PAGE = 20
MARK = re.compile(r"(\d{1,17})-([01])-(\d{1,18})")
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True)
class Found:
    """A page's rows, and the mark that the next page starts after ("" if there's none)."""

    rows: tuple[Row, ...]
    older: str


def read(user: User, before: str = "") -> Found:
    """Return the rows after a mark; from the newest for an empty or unreadable one."""
    mark = _parse(before)
    sign_ins = SignIn.objects.filter(user=user).order_by("-happened_at", "-pk")
    changes = AccountActivity.objects.filter(user=user)
    if mark:
        sign_ins = sign_ins.filter(_after(mark, rank=0))
        changes = changes.filter(_after(mark, rank=1))
    rows: Iterable[Row] = [*sign_ins[: PAGE + 1], *changes[: PAGE + 1]]
    ordered = sorted(rows, key=_key, reverse=True)
    page = tuple(ordered[:PAGE])
    return Found(page, _mark(page[-1]) if len(ordered) > PAGE else "")


def _key(row: Row) -> tuple[datetime, int, int]:
    return row.happened_at, _rank(row), row.pk


def _rank(row: Row) -> int:
    return 0 if isinstance(row, SignIn) else 1


def _mark(row: Row) -> str:
    return f"{(row.happened_at - EPOCH) // timedelta(microseconds=1)}-{_rank(row)}-{row.pk}"


def _parse(mark: str) -> tuple[datetime, int, int] | None:
    match = MARK.fullmatch(mark)
    if match is None:
        return None
    at, rank, pk = map(int, match.groups())
    try:
        return EPOCH + timedelta(microseconds=at), rank, pk
    except OverflowError:
        return None


def _after(mark: tuple[datetime, int, int], *, rank: int) -> Q:
    """Return which rows of one table come after a mark in the order of both."""
    at, marked, pk = mark
    if rank < marked:
        return Q(happened_at__lte=at)
    if rank > marked:
        return Q(happened_at__lt=at)
    return Q(happened_at__lt=at) | Q(happened_at=at, pk__lt=pk)
