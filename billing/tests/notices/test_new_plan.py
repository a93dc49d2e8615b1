"""What messages about a planned price say if it's of another plan than now."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from billing.models import Subscription
from billing.notices import announcing
from billing.notices.transitions import (
    FreeTimeGiven,
    PricePlanned,
    RenewalComing,
    Transition,
    TrialEnding,
)
from billing.tests import factories
from emails import rendering
from emails.catalog import Kind
from emails.models import Message

pytestmark = pytest.mark.django_db

NOW = timezone.now()
END = NOW + timedelta(days=5)
KINDS = [Kind.PRICE_PLANNED, Kind.RENEWAL_COMING, Kind.TRIAL_ENDING, Kind.FREE_TIME]


def told(kind: Kind, *, product: str, **facts: Any) -> str:
    """Plan a dearer price of a product, and return the email's text part."""
    factories.make_plan()
    factories.make_plan(stripe_id="price_gold", amount=4900, product_id=product, name="Gold")
    values: dict[str, Any] = {"planned_price_id": "price_gold", "schedule_id": "sub_sched_1"}
    values |= {"planned_at": END, "current_period_end": END, "next_charge": 4900}
    values["items"] = [factories.make_subscription_item()]
    row = factories.make_subscription(**values | facts)
    announcing.announce(_made(kind, row))
    return rendering.render_email(Message.objects.get(kind=kind, channel="email")).text


def _made(kind: Kind, row: Subscription) -> Transition:
    match kind:
        case Kind.PRICE_PLANNED:
            return PricePlanned(row, NOW)
        case Kind.RENEWAL_COMING:
            return RenewalComing(row, NOW, is_planned=True)
        case Kind.TRIAL_ENDING:
            return TrialEnding(row, END, NOW)
    return FreeTimeGiven(row, END, NOW)


@pytest.mark.parametrize("kind", KINDS)
def test_another_plan_is_named(kind: Kind) -> None:
    mail = told(kind, product="prod_gold")
    assert "\nPlan now: Membership\nNew plan: Gold\n" in mail
    assert "$49.00 a month" in mail
    if kind == Kind.PRICE_PLANNED:
        message = Message.objects.get(kind=kind, channel="email")
        text = rendering.render_sms(Message(kind=kind, channel="sms", context=message.context))
        assert "your plan is Gold, for $49.00 a month instead of $29.00 a month." in text


@pytest.mark.parametrize("kind", KINDS)
def test_another_price_of_the_same_plan_names_it_once(kind: Kind) -> None:
    mail = told(kind, product=factories.PLAN_PRODUCT)
    assert "\nPlan: Membership\n" in mail
    assert "Gold" not in mail


@pytest.mark.parametrize("kind", [Kind.TRIAL_ENDING, Kind.FREE_TIME])
def test_a_plan_that_begins_later_isnt_the_next_payments(kind: Kind) -> None:
    later = END + timedelta(days=30)
    assert "Gold" not in told(kind, product="prod_gold", planned_at=later)
