"""Which next payments count as higher, whatever else the last invoice was for."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from billing.models import Subscription
from billing.notices import announcing, reminders
from billing.notices.transitions import PricePlanned
from billing.tests import factories
from billing.tests.notices.test_ahead import LOWERED, discount, told
from emails import rendering
from emails.models import Message

pytestmark = pytest.mark.django_db
NOW = timezone.now
DEARER, UNKNOWN = "price_dearer", "price_of_somebody_else"
JOINING_FEE: dict[str, Any] = {"total": 7900, "amount_paid": 7900}
LASTING = {"discount": 200, "discount_lasting": 200}
# For ten days of a month, and for a change within one.
PART = {"subtotal": 1000, **LASTING, "total": 800, "amount_paid": 800}
CHANGE = {"total": 500, "amount_paid": 500, "billing_reason": "subscription_update"}


def planned(price_id: str, next_charge: int, **facts: Any) -> Subscription:
    """Make a membership of $29.00 a month whose next period, in five days, has another price."""
    factories.make_plan(stripe_id=DEARER, amount=4900)
    end = NOW() + timedelta(days=5)
    values: dict[str, Any] = {"planned_price_id": price_id, "planned_at": end}
    values |= {"schedule_id": "sub_sched_1", "current_period_end": end, "next_charge": next_charge}
    return factories.make_subscription(**values | facts)


def discounted() -> Subscription:
    """Make a membership that renews in five days, with 20% off without an end."""
    lasting = discount(0) | {"ends_at": None}
    end = NOW() + timedelta(days=5)
    return factories.make_subscription(
        current_period_end=end, discounts=[lasting], next_charge=2320
    )


def paid(row: Subscription, days: int, **amounts: Any) -> None:
    """Make an invoice of so many days ago."""
    values = {"subscription": row, "created_at": NOW() - timedelta(days=days)}
    factories.make_invoice(row.customer, **values | amounts)


def mail() -> str:
    message = Message.objects.get(kind="renewal_coming", channel="email")
    return " ".join(rendering.render_email(message).text.split())


def test_a_dearer_plan_is_told_after_an_invoice_with_a_joining_fee() -> None:
    row = planned(DEARER, 4900)
    paid(row, 25, **JOINING_FEE)
    reminders.remind_all()
    assert "From then on, you’ll pay $49.00 a month, as planned." in mail()


def test_another_quantity_is_told_after_an_invoice_with_a_joining_fee() -> None:
    row = planned("", 5800)
    paid(row, 25, **JOINING_FEE)
    reminders.remind_all()
    assert "From this payment on, you’ll pay more, as planned." in mail()


def test_a_cheaper_price_isnt_called_higher_than_an_invoice_of_a_change() -> None:
    row = planned(UNKNOWN, 1900)
    paid(row, 25)
    paid(row, 3, **CHANGE)
    reminders.remind_all()
    assert told(row.customer.user) == []


@pytest.mark.parametrize(("next_charge", "is_told"), [(2320, False), (4640, True)])
def test_what_is_planned_is_compared_with_a_whole_period(next_charge: int, is_told: bool) -> None:
    row = planned("", next_charge, discounts=[discount(0) | {"ends_at": None}])
    paid(row, 3, **PART)
    reminders.remind_all()
    assert told(row.customer.user) == ["renewal_coming"] * is_told


def test_a_discount_that_lasts_isnt_called_gone_after_a_part_of_a_period() -> None:
    row = discounted()
    paid(row, 3, **PART)
    reminders.remind_all()
    assert told(row.customer.user) == []


def test_one_of_two_discounts_without_an_end_is_told_as_gone() -> None:
    row = discounted()
    amounts = {"subtotal": 2900, "discount": 1580, "discount_lasting": 580, "total": 1320}
    paid(row, 25, **amounts, amount_paid=1320)
    reminders.remind_all()
    assert "Your earlier discount doesn’t apply to this payment." in mail()


def test_a_switch_that_began_the_period_is_its_invoice() -> None:
    """An earlier discount is long gone then."""
    end = NOW() + timedelta(days=5)
    row = factories.make_subscription(current_period_end=end, amount=29000, next_charge=29000)
    period = {"period_start": row.current_period_start, "period_end": end}
    line = {name: int(at.timestamp()) for name, at in period.items()} | {"amount": 29000}
    paid(row, 25, **LOWERED)
    paid(row, 15, total=29000, billing_reason="subscription_update", lines=[line])
    reminders.remind_all()
    assert told(row.customer.user) == []


@pytest.mark.parametrize("period", [30, 365])
def test_the_end_of_a_discount_is_told_although_the_plan_just_was(period: int) -> None:
    end = NOW() + timedelta(days=5)
    start = end - timedelta(days=period)
    row = planned(DEARER, 4900, current_period_start=start, discounts=[discount(4)])
    paid(row, 25, **LOWERED)
    announcing.announce(PricePlanned(row, NOW()))
    reminders.remind_all()
    reminders.remind_all()
    assert told(row.customer.user) == ["price_planned", "discount_ending"]


def test_the_end_of_a_discount_is_told_with_the_plan_if_that_was_told_earlier() -> None:
    row = planned(DEARER, 4900, discounts=[discount(4)])
    paid(row, 25, **LOWERED)
    announcing.announce(PricePlanned(row, NOW()))
    Message.objects.update(state="delivered", created_at=NOW() - timedelta(days=20))
    reminders.remind_all()
    assert told(row.customer.user) == ["price_planned", "renewal_coming"]
    assert "This payment no longer includes 20% off." in mail()


@pytest.mark.parametrize(("next_charge", "is_told"), [(3400, True), (2900, False)])
def test_what_is_added_before_another_price_is_told_without_that_price(
    next_charge: int, is_told: bool
) -> None:
    end = NOW() + timedelta(days=5)
    row = planned(DEARER, next_charge, planned_at=end + timedelta(days=30), changes_at=end)
    paid(row, 25)
    announcing.announce(PricePlanned(row, NOW()))
    reminders.remind_all()
    reminders.remind_all()
    assert told(row.customer.user) == ["price_planned", *["renewal_coming"] * is_told]
    first = rendering.render_text(Message.objects.get(kind="price_planned", channel="email"))
    assert "Nothing is charged for it until then." in first
    if is_told:
        assert "From this payment on, you’ll pay more, as planned." in mail()
        assert "$49.00" not in mail()
