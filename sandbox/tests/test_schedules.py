"""Subscriptions whose next price was scheduled in the dashboard; the API reads and releases it."""

from __future__ import annotations

from typing import Any

import pytest
import stripe

from sandbox.tests.conftest import MONTHLY, YEARLY, Member, Server, event_types, subscribe


@pytest.fixture
def alice(server: Server, api: stripe.StripeClient) -> Member:
    member = subscribe(server, api)
    server.post(f"subscriptions/{member.subscription.id}/schedule", price=YEARLY)
    return member


def test_a_schedule_is_listed_and_read(api: stripe.StripeClient, alice: Member) -> None:
    [schedule] = api.v1.subscription_schedules.list({"customer": alice.id}).data
    assert api.v1.subscription_schedules.retrieve(schedule.id).status == "active"
    assert (schedule.subscription, alice.subscription.schedule) == (
        alice.subscription.id,
        schedule.id,
    )
    assert [phase["items"][0].price for phase in schedule.phases] == [MONTHLY, YEARLY]
    assert schedule.phases[0].end_date == schedule.phases[1].start_date
    expanded = api.v1.subscriptions.list({"expand": ["data.schedule"]}).data[0]
    assert isinstance(expanded.schedule, stripe.SubscriptionSchedule)
    with pytest.raises(stripe.InvalidRequestError):
        api.v1.subscription_schedules.retrieve("sub_sched_none")


def test_the_price_changes_with_the_period_and_then_the_schedule_lets_go(
    server: Server, api: stripe.StripeClient, alice: Member
) -> None:
    [schedule] = api.v1.subscription_schedules.list({}).data
    server.advance("renewal")
    item = alice.subscription["items"].data[0]
    assert (item.price.id, item.current_period_start) == (YEARLY, schedule.phases[1].start_date)
    assert item.current_period_end == schedule.phases[1].end_date
    assert alice.invoices[0].total == item.price.unit_amount
    server.advance("renewal")
    [schedule] = api.v1.subscription_schedules.list({}).data
    assert (schedule.status, schedule.released_subscription) == ("released", alice.subscription.id)
    assert alice.subscription.schedule is None
    assert {"subscription_schedule.created", "subscription_schedule.updated"} <= set(
        event_types(api, type="subscription_schedule.*")
    )


def test_an_end_is_the_schedules_affair(api: stripe.StripeClient, alice: Member) -> None:
    wanted: Any = {"cancel_at_period_end": True}
    with pytest.raises(stripe.InvalidRequestError) as refused:
        api.v1.subscriptions.update(alice.subscription.id, wanted)
    assert "is managed by the subscription schedule" in str(refused.value)
    api.v1.subscriptions.cancel(alice.subscription.id)
    [schedule] = api.v1.subscription_schedules.list({}).data
    assert schedule.status == "canceled"


def test_a_subscription_has_one_schedule(server: Server, alice: Member) -> None:
    path = f"/_sandbox/subscriptions/{alice.subscription.id}/schedule"
    assert server.http.post(path, json={"price": MONTHLY}).status_code == 400


def test_a_schedule_can_be_released(api: stripe.StripeClient, alice: Member) -> None:
    [schedule] = api.v1.subscription_schedules.list({}).data
    assert api.v1.subscription_schedules.release(schedule.id).status == "released"
    assert alice.subscription.schedule is None
    with pytest.raises(stripe.InvalidRequestError) as refused:
        api.v1.subscription_schedules.release(schedule.id)
    assert "in the `released` status" in str(refused.value)


def test_a_phase_may_have_more_items_or_fewer(server: Server, api: stripe.StripeClient) -> None:
    alice = subscribe(server, api)
    asked: Any = {"currency": "usd", "unit_amount": 500, "recurring": {"interval": "month"}}
    asked["product_data"] = {"name": "Locker"}
    locker = api.v1.prices.create(asked).id
    schedules = api.v1.subscription_schedules
    made = schedules.create({"from_subscription": alice.subscription.id})
    dates = {"start_date": made.phases[0].start_date, "end_date": made.phases[0].end_date}
    one = {"price": MONTHLY, "quantity": 1}
    phases: Any = [
        {**dates, "items": [one]},
        {"items": [{"price": locker, "quantity": 2}, one]},
        {"items": [{"price": MONTHLY, "quantity": 2}]},
    ]
    schedules.update(made.id, {"phases": phases})
    [before] = alice.subscription["items"].data
    for wanted, total in (([(locker, 2), (MONTHLY, 1)], 3900), ([(MONTHLY, 2)], 5800)):
        foreseen = api.v1.invoices.create_preview({"schedule": made.id})
        server.advance("renewal")
        items = alice.subscription["items"].data
        assert [(item.price.id, item.quantity) for item in items] == wanted
        # An item whose price stays is the same one.
        assert items[-1].id == before.id
        assert (foreseen.total, alice.invoices[0].total) == (total, total)
