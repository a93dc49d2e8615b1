"""What's behind the lines of a month that moved outside of Stripe's balance: each amount's row."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from typing import Any

from django.contrib.auth.models import User
from django.db.models import Model

from billing.facts import book_months, direct_money
from billing.facts.direct_money import Moved


@dataclass(frozen=True)
class Found:
    """An amount with the row that moved it, its member, and the day that counts in the books."""

    moved: Moved
    row: Any
    user: User | None
    day: date


def of_line(month: date, kind: str, currency: str) -> list[Found]:
    """Return what moved in one way in a month: at most eight queries, however much it was."""
    all_months = book_months.read()
    wanted = (kind, currency)
    moved = [
        one
        for one in direct_money.of_month(month, all_months)
        if (one.kind, one.currency) == wanted
    ]
    rows = _rows(moved)
    return [
        Found(one, row, row.customer.user, all_months.day(one.at, month))
        for one in moved
        for row in [rows[one.cause]]
    ]


def _rows(moved: Iterable[Moved]) -> dict[tuple[type[Model], int], Any]:
    keys: dict[type[Model], list[int]] = defaultdict(list)
    for one in moved:
        model, pk = one.cause
        keys[model].append(pk)
    return {
        (model, row.pk): row
        for model, wanted in keys.items()
        for row in model._default_manager.select_related("customer__user").filter(pk__in=wanted)
    }
