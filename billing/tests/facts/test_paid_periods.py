"""What a membership was paid for: its period, or what its invoices charged."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from billing.facts import plans
from billing.facts.paid_periods import Period, paid_for
from billing.models import Subscription
from billing.tests import factories

pytestmark = pytest.mark.django_db
NOV, DEC, JAN = (datetime(2026, 11, 4, 17, tzinfo=UTC), datetime(2026, 12, 4, 17, tzinfo=UTC),
                 datetime(2027, 1, 4, 17, tzinfo=UTC))  # fmt: skip
PAUSED = {"pause_behavior": "void"}


def line(amount: int, start: datetime, end: datetime) -> dict[str, Any]:
    begins, ends = int(start.timestamp()), int(end.timestamp())
    return {"description": "Membership", "quantity": 1, "amount": amount, "product": "prod_1",
            "period_start": begins, "period_end": ends}  # fmt: skip


def subscription(**columns: Any) -> Subscription:
    return factories.make_subscription(current_period_start=DEC, current_period_end=JAN, **columns)


@pytest.mark.parametrize(
    ("columns", "period"),
    [
        ({}, Period(DEC, JAN)),
        ({"status": "trialing", "has_free_time": True}, Period(NOV, DEC)),
        ({"status": "past_due"}, Period(NOV, DEC)),
        (PAUSED, Period(NOV, DEC)),
    ],
)
def test_what_nobody_paid_for_does_not_count(columns: dict[str, Any], period: Period) -> None:
    row = subscription(**columns)
    about: dict[str, Any] = {"customer": row.customer, "subscription": row}
    factories.make_invoice(**about, status="paid", lines=[line(2900, NOV, DEC)], created_at=NOV)
    factories.make_invoice(**about, status="paid", lines=[line(0, DEC, JAN)], created_at=DEC)
    factories.make_invoice(**about, status="open", lines=[line(2900, DEC, JAN)], created_at=JAN)
    assert paid_for(row) == period


def test_a_first_trial_was_paid_by_nobody() -> None:
    assert paid_for(subscription(status="trialing")) is None


@pytest.mark.parametrize(
    ("product", "said"), [(factories.PLAN_PRODUCT, ""), ("prod_2", "Premium, ")]
)
def test_a_planned_price_of_another_plan_is_named(product: str, said: str) -> None:
    plan = factories.make_plan(name="Premium", product_id=product)
    row = subscription(planned_price_id=plan.stripe_id, planned_at=JAN)
    assert plans.planned(row, [plan]) == f"{said}$29.00 a month from January 4, 2027"
