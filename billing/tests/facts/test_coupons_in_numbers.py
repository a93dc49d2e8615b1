"""A coupon in MRR: only one without an end lowers it, and its end changes no day before it."""

from __future__ import annotations

from typing import Any

import pytest

from billing.facts import daily
from billing.models import Invoice, MemberSpan, Subscription
from billing.sync import refresh
from billing.tests.life import deliver, member_with_card
from conftest import Sandbox

pytestmark = pytest.mark.django_db
FULL, HALF = 2900, 1450


def renew(sandbox: Sandbox) -> None:
    """Let a month pass."""
    sandbox.control("clock", advance="renewal")
    deliver(sandbox.events())


def give(sandbox: Sandbox, **terms: Any) -> str:
    """Give the only member a coupon of half the price; return their subscription."""
    params: Any = {"percent_off": 50, **terms}
    coupon = sandbox.stripe.v1.coupons.create(params)
    subscription = Subscription.objects.get().stripe_id
    sandbox.stripe.v1.subscriptions.update(subscription, {"discounts": [{"coupon": coupon.id}]})
    deliver(sandbox.events())
    return subscription


def levels() -> list[int]:
    """Return what was counted of the member, step by step, however it's counted."""
    daily.refresh_all()
    kept = list(MemberSpan.objects.order_by("day").values_list("mrr", flat=True))
    daily.rebuild()
    assert list(MemberSpan.objects.order_by("day").values_list("mrr", flat=True)) == kept
    return kept


def test_a_coupon_without_an_end_lowers_it_until_it_is_taken_back(sandbox: Sandbox) -> None:
    member_with_card(sandbox)
    subscription = give(sandbox, duration="forever")
    renew(sandbox)
    assert levels() == [FULL, HALF]
    sandbox.stripe.v1.subscriptions.update(subscription, {"discounts": ""})
    deliver(sandbox.events())
    # The month that was billed with it stays, also when its invoice is read again.
    refresh.sync_invoice(Invoice.objects.get(discount=HALF).stripe_id)
    assert levels() == [FULL, HALF]
    renew(sandbox)
    assert levels() == [FULL, HALF, FULL]
    assert Invoice.objects.get(discount=HALF).discount_lasting == HALF


@pytest.mark.parametrize(
    "terms", [{"duration": "once"}, {"duration": "repeating", "duration_in_months": 3}]
)
def test_a_coupon_with_an_end_lowers_nothing(sandbox: Sandbox, terms: dict[str, Any]) -> None:
    member_with_card(sandbox)
    give(sandbox, **terms)
    renew(sandbox)
    renew(sandbox)
    assert levels() == [FULL]
    lowered = Invoice.objects.filter(discount=HALF)
    assert lowered.count() == (1 if terms["duration"] == "once" else 2)
    assert set(lowered.values_list("discount_lasting", flat=True)) == {0}


def test_an_invoice_that_was_read_before_follows_the_subscription(sandbox: Sandbox) -> None:
    member_with_card(sandbox)
    give(sandbox, duration="forever")
    renew(sandbox)
    Invoice.objects.filter(discount=HALF).update(discount_lasting=None)
    assert levels() == [FULL, HALF]
