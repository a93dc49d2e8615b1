"""Subscriptions with what they were billed for, as `billing.core.recurring` reads them."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from datetime import datetime
from typing import Any

from billing.core import recurring
from billing.core.recurring import Bill, Line, Sold
from billing.models import Invoice, Subscription


def read(**of: Any) -> Iterator[tuple[int, int, Sold]]:
    """Yield subscriptions as their key, their user's, and what they were: two queries.

    `of` filters subscriptions.
    """
    bills = _bills(of)
    rows = Subscription.objects.filter(**of).order_by("pk")
    columns = (
        *("pk", "customer__user_id", "currency", "status", "is_membership", "pause_behavior"),
        *("started_at", "ended_at", "trial_end", "interval", "interval_count", "amount"),
        *("items", "discounts"),
    )
    for (
        pk,
        user,
        currency,
        status,
        membership,
        pause,
        started,
        ended,
        trial_end,
        *rest,
    ) in rows.values_list(*columns):
        interval, count, amount, items, discounts = rest
        sold = Sold(
            currency,
            status,
            membership,
            bool(pause),
            _seconds(started),
            _seconds(ended) if ended else None,
            _seconds(trial_end) if trial_end else None,
            interval,
            count,
            amount,
            tuple(items),
            tuple(discounts),
            tuple(bills.get(pk, [])),
        )
        yield pk, user, sold


def _bills(of: dict[str, Any]) -> dict[int, list[Bill]]:
    found: dict[int, list[Bill]] = defaultdict(list)
    theirs = {f"subscription__{name}": value for name, value in of.items()}
    rows = Invoice.objects.filter(**theirs).order_by("pk")
    columns = (
        *("pk", "subscription_id", "created_at", "status", "given_up_reason"),
        *("discount", "tax_included", "discount_lasting", "lines"),
    )
    for pk, subscription, created, status, reason, *amounts in rows.values_list(*columns):
        discount, tax, lasting, lines = amounts
        whole = tuple(_lines(lines))
        bill = Bill(pk, _seconds(created), status, reason, discount, tax, lasting, whole)
        found[subscription].append(bill)
    return found


def _lines(lines: list[dict[str, Any]]) -> Iterator[Line]:
    """Yield the lines that charge or credit a period of the subscription."""
    named = any(line.get("product") for line in lines)
    for line in lines:
        begin, end = line.get("period_start"), line.get("period_end")
        if begin is None or end is None or end <= begin:
            continue
        if not named or line.get("product"):
            yield Line(line.get("product") or recurring.UNKNOWN, line["amount"], begin, end)


def _seconds(at: datetime) -> int:
    return int(at.timestamp())
