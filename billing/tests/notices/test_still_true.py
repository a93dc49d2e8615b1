"""Each kind that can become outdated is checked against the rows before it's sent."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from billing.models import Subscription
from billing.notices.still_true import CHECKS
from billing.tests import factories
from emails.catalog import Kind
from emails.models import Message

pytestmark = pytest.mark.django_db
Change = dict[str, Any]


def verdict(kind: Kind, cause: str) -> str:
    return CHECKS[kind](Message(kind=kind, cause=cause))


def seconds(row: Subscription) -> int:
    return int(row.current_period_end.timestamp())


def of_end(row: Subscription) -> str:
    return f"{row.stripe_id}:0:{seconds(row)}"


def of_period(row: Subscription) -> str:
    return f"{row.stripe_id}:{seconds(row)}"


def of_first(row: Subscription) -> str:
    return f"{row.stripe_id}:price_year:{seconds(row)}"


def of_card(row: Subscription) -> str:
    return f"{row.stripe_id}:{row.card_brand}:{row.card_last4}:{row.card_expires}"


def of_price(row: Subscription) -> str:
    return f"{row.stripe_id}:{row.price_id}:{seconds(row)}:0"


def of_plan(row: Subscription) -> str:
    return f"{row.stripe_id}:price_year:{int(BEGINS.timestamp())}:sub_sched_1"


def of_kept(row: Subscription) -> str:
    return f"{row.stripe_id}:{row.price_id}:{int(BEGINS.timestamp())}:sub_sched_1"


BEGINS = timezone.now() + timedelta(days=20)
PLANNED: Change = {"planned_price_id": "price_year", "planned_at": BEGINS}
ENDING: Change = {"cancel_at_period_end": True}
LATER: Change = {"current_period_end": timezone.now() + timedelta(days=40)}


@pytest.mark.parametrize(
    ("kind", "cause", "start", "change"),
    [
        (Kind.TRIAL_ENDING, of_period, {"status": "trialing"}, {"status": "active"}),
        (Kind.TRIAL_ENDING, of_period, {"status": "trialing"}, ENDING),
        (Kind.RENEWAL_COMING, of_period, {}, ENDING),
        (Kind.RENEWAL_COMING, of_period, {}, {"status": "canceled"}),
        (Kind.RENEWAL_COMING, of_period, {}, LATER),
        (Kind.RENEWAL_COMING, of_first, PLANNED, {"planned_price_id": "", "planned_at": None}),
        (Kind.RENEWAL_COMING, of_first, PLANNED, {"planned_price_id": "price_of_another_year"}),
        (Kind.CARD_EXPIRING, of_card, {}, {"card_last4": "1881"}),
        (Kind.CARD_EXPIRING, of_card, {}, {"status": "canceled"}),
        (Kind.MEMBERSHIP_ENDS, of_end, ENDING, {"cancel_at_period_end": False}),
        (Kind.MEMBERSHIP_ENDS, of_end, ENDING, LATER),
        (Kind.MEMBERSHIP_GOES_ON, of_end, {}, ENDING),
        (Kind.PRICE_SWITCHED, of_price, {}, {"price_id": "price_of_another_year"}),
        (Kind.PRICE_PLANNED, of_plan, PLANNED, {"planned_price_id": "", "planned_at": None}),
        (Kind.PRICE_PLANNED, of_plan, PLANNED, ENDING),
        (Kind.PRICE_PLANNED, of_plan, PLANNED, {"planned_at": BEGINS + timedelta(days=31)}),
        (Kind.PLAN_DROPPED, of_kept, {}, PLANNED),
        (Kind.PLAN_DROPPED, of_kept, {}, ENDING),
        (Kind.PLAN_DROPPED, of_kept, {}, {"price_id": "price_of_another_year"}),
    ],
)
def test_what_is_told_of_a_membership_can_be_overtaken(
    kind: Kind, cause: Callable[[Subscription], str], start: Change, change: Change
) -> None:
    row = factories.make_subscription(**start)
    told = cause(row)
    assert verdict(kind, told) == ""
    Subscription.objects.filter(pk=row.pk).update(**change)
    assert verdict(kind, told).endswith(".")


@pytest.mark.parametrize(
    "change",
    [
        {"status": "paid", "amount_remaining": 0},
        {"status": "void"},
        {"collection": "processing"},
        {"attempt_count": 2},
    ],
)
def test_a_failed_attempt_can_be_overtaken(change: Change) -> None:
    row = factories.make_invoice(
        status="open", attempt_count=1, amount_remaining=2900, collection="requires_action"
    )
    kinds, told = (Kind.PAYMENT_FAILED, Kind.PAYMENT_CONFIRMATION), f"{row.stripe_id}:1"
    assert [verdict(kind, told) for kind in kinds] == ["", ""]
    type(row).objects.filter(pk=row.pk).update(**change)
    assert all(verdict(kind, told) for kind in kinds)


def test_a_payment_and_a_dispute_can_be_overtaken() -> None:
    payment = factories.make_payment(status="requires_payment_method")
    told = f"{payment.stripe_id}:ch_1"
    assert verdict(Kind.PAYMENT_NOT_MADE, told) == ""
    type(payment).objects.filter(pk=payment.pk).update(status="succeeded")
    assert verdict(Kind.PAYMENT_NOT_MADE, told)
    dispute = factories.make_dispute()
    told = f"{dispute.stripe_id}:opened"
    assert verdict(Kind.DISPUTE_OPENED, told) == ""
    type(dispute).objects.filter(pk=dispute.pk).update(status="lost")
    assert verdict(Kind.DISPUTE_OPENED, told)


@pytest.mark.parametrize("kind", sorted(CHECKS))
def test_where_there_is_no_row_nothing_is_held_back(kind: Kind) -> None:
    assert verdict(kind, "0:price:1") == ""
