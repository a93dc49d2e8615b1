"""A schedule at Stripe that changes what's beside the membership, not its price."""

from __future__ import annotations

from typing import Any

import pytest
from django.contrib.auth.models import User

from billing.admin import labels
from billing.models import Payment, Subscription
from billing.sync import changes
from billing.tests import factories
from billing.tests.life import a_minute_passes, deliver, paid_member
from common.staff import show
from conftest import Sandbox
from emails import rendering
from emails.models import Message, MessageState

pytestmark = [pytest.mark.django_db, pytest.mark.slow]

MONTHLY = "price_membership_monthly"


@pytest.fixture
def alice(sandbox: Sandbox) -> User:
    return paid_member(sandbox)


def row() -> Subscription:
    return Subscription.objects.get()


def price(sandbox: Sandbox, amount: int, product: str = "") -> str:
    """Make a monthly price, of a new product unless one is named."""
    v1 = sandbox.stripe.v1
    recurring: Any = {"interval": "month"}
    of = product or v1.products.create({"name": "Locker"}).id
    asked: Any = {"product": of, "currency": "usd", "unit_amount": amount, "recurring": recurring}
    return v1.prices.create(asked).id


def schedule(sandbox: Sandbox, *wanted: str) -> str:
    """Have the next period charge for these prices, and return the schedule's ID."""
    return change(sandbox, scheduled(sandbox), wanted)


def scheduled(sandbox: Sandbox) -> str:
    schedules = sandbox.stripe.v1.subscription_schedules
    return schedules.create({"from_subscription": row().stripe_id}).id


def change(sandbox: Sandbox, name: str, *periods: tuple[str, ...]) -> str:
    """Have each of the next periods charge for these prices."""
    schedules = sandbox.stripe.v1.subscription_schedules
    phase = schedules.retrieve(name).phases[0]
    now: Any = {"start_date": phase.start_date, "end_date": phase.end_date}
    now["items"] = [{"price": one.price, "quantity": 1} for one in phase["items"]]
    schedules.update(name, {"phases": [now, *map(charging, periods)]})
    deliver(sandbox.events())
    return name


def charging(wanted: tuple[str, ...]) -> Any:
    """Return a phase of one period for these prices."""
    return {"items": [{"price": one, "quantity": 1} for one in wanted]}


def told() -> list[str]:
    """Return the kinds of the emails about a plan or a switch, the oldest first."""
    kinds = ["price_planned", "plan_dropped", "price_switched"]
    rows = Message.objects.filter(kind__in=kinds, channel="email").order_by("pk")
    return list(rows.values_list("kind", flat=True))


def renew(sandbox: Sandbox) -> None:
    sandbox.control("clock", advance="renewal")
    deliver(sandbox.events())
    a_minute_passes()


def test_what_is_added_is_no_other_price(sandbox: Sandbox, alice: User) -> None:
    schedule(sandbox, MONTHLY, price(sandbox, 500))
    assert (row().planned_price_id, row().planned_at) == ("", row().current_period_end)
    assert row().next_charge == 3400
    renew(sandbox)
    assert (row().price_id, row().amount, row().planned_at) == (MONTHLY, 3400, None)
    assert len(row().parts) == 2
    assert Payment.objects.latest("created_at").amount == 3400
    assert told() == []


def test_another_price_of_what_is_beside_it_is_no_other_price(
    sandbox: Sandbox, alice: User
) -> None:
    small, large = price(sandbox, 500), price(sandbox, 900)
    sandbox.stripe.v1.subscription_items.create(
        {"subscription": row().stripe_id, "price": small, "proration_behavior": "none"}
    )
    schedule(sandbox, large, MONTHLY)
    assert (row().planned_price_id, row().next_charge) == ("", 3800)
    renew(sandbox)
    assert (row().price_id, row().amount) == (MONTHLY, 3800)
    assert told() == []


def test_a_new_price_is_found_beside_what_is_added(sandbox: Sandbox, alice: User) -> None:
    dearer = price(sandbox, 4900, row().parts[0].product_id)
    factories.make_plan(stripe_id=dearer, amount=4900, product_id=row().parts[0].product_id)
    schedule(sandbox, price(sandbox, 500), dearer)
    assert (row().planned_price_id, row().next_charge) == (dearer, 5400)
    renew(sandbox)
    assert (row().price_id, row().amount) == (dearer, 5400)
    assert told() == ["price_planned", "price_switched"]


def test_what_is_added_before_another_price_has_its_own_day(sandbox: Sandbox, alice: User) -> None:
    locker, dearer = price(sandbox, 500), price(sandbox, 4900, row().parts[0].product_id)
    factories.make_plan(stripe_id=dearer, amount=4900, product_id=row().parts[0].product_id)
    end = row().current_period_end
    change(sandbox, scheduled(sandbox), (MONTHLY, locker), (dearer, locker))
    now = row()
    assert (now.planned_price_id, now.changes_at, now.next_charge) == (dearer, end, 3400)
    assert now.planned_at is not None
    assert now.planned_at > end
    assert f"and something else from {show.day(end)}" in labels.planned(now)
    renew(sandbox)
    now = row()
    assert (now.planned_price_id, now.changes_at, now.next_charge) == (dearer, None, 5400)
    renew(sandbox)
    assert (row().price_id, row().planned_at, row().amount) == (dearer, None, 5400)
    assert told() == ["price_planned", "price_switched"]


def test_a_plan_that_gives_way_to_something_else_is_told_without_what_is_paid_then(
    sandbox: Sandbox, alice: User
) -> None:
    name = schedule(sandbox, price(sandbox, 4900, row().parts[0].product_id))
    assert row().planned_price_id
    change(sandbox, name, (MONTHLY, price(sandbox, 500)))
    assert (row().planned_price_id, row().planned_at) == ("", row().current_period_end)
    a_minute_passes()
    assert told() == ["price_planned", "plan_dropped"]
    mail = Message.objects.get(kind="plan_dropped", channel="email")
    assert mail.state == MessageState.SENT
    text = rendering.render_text(mail)
    assert "the change that was planned for" in text
    assert "Something else about your membership changes on" in text
    assert "You keep paying" not in text
    sandbox.stripe.v1.subscription_schedules.release(name)
    deliver(sandbox.events())
    assert told() == ["price_planned", "plan_dropped"]


def test_a_planned_price_that_began_beside_the_membership_isnt_dropped() -> None:
    """A row may say so since before the portal told the two apart."""
    items = [
        factories.make_subscription_item(),
        factories.make_subscription_item(price_id="price_l"),
    ]
    old = factories.make_subscription(planned_price_id="price_l", schedule_id="sub_sched_1")
    new = Subscription.objects.get(pk=old.pk)
    new.planned_price_id, new.items = "", items
    assert changes.of_subscription(old, new) == []
