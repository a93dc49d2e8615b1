"""A member's life at Stripe for tests: made at the sandbox, told to the inbox event by event."""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Any

from django.contrib.auth.models import User
from django.db import connection

from billing.inbound import inbox
from billing.membership import checkout
from billing.models import Checkout
from billing.sync import catalog
from conftest import Sandbox, run_jobs
from testing.made_once import made_once

GOOD_CARD = "4242424242424242"
DECLINED_LATER_CARD = "4000000000000341"
DISPUTED_CARD = "4000000000000259"
ASKED_ABOUT_CARD = "4000000000001976"
YEARLY = "price_membership_yearly"


def sign_up(name: str = "Alice Archer") -> User:
    """Make a user the way a sign-up leaves one."""
    first, last = name.split(" ", 1)
    email = f"{first.lower()}@example.com"
    return User.objects.create_user(
        username=email,
        email=email,
        password="a-password-of-tests",
        first_name=first,
        last_name=last,
    )


def subscribe(
    sandbox: Sandbox,
    user: User,
    card: str = GOOD_CARD,
    *,
    price: str = "",
    promotion_code: str = "",
) -> dict[str, Any]:
    """Walk the user through Checkout; return the session. No webhook has arrived yet."""
    checkout.start_membership(user, price)
    session_id = Checkout.objects.for_user(user).latest("pk").session_id
    session: dict[str, Any] = sandbox.control(
        f"checkout/{session_id}/complete",
        card=card,
        authenticate=True,
        promotion_code=promotion_code,
    )
    return session


def deliver(events: Iterable[dict[str, Any]]) -> None:
    """Put events into the inbox and run their jobs."""
    for event in events:
        inbox.take(json.dumps(event))
    run_jobs()


def a_minute_passes() -> None:
    """Run the jobs that wait for a time, such as a welcome that waits for the receipt."""
    with connection.cursor() as cursor:
        cursor.execute("UPDATE procrastinate_jobs SET scheduled_at = NULL WHERE status = 'todo'")
    run_jobs()


@made_once
def know_the_plan(sandbox: Sandbox) -> None:
    """Read the plan's prices from Stripe."""
    catalog.sync_current_plan()


@made_once
def paid_member(
    sandbox: Sandbox,
    name: str = "Alice Archer",
    card: str = GOOD_CARD,
    *,
    price: str = "",
    promotion_code: str = "",
) -> User:
    """Return somebody who has signed up and joined, with all that Stripe told of it."""
    user = sign_up(name)
    subscribe(sandbox, user, card, price=price, promotion_code=promotion_code)
    deliver(sandbox.events())
    return user


@made_once
def member_with_card(sandbox: Sandbox) -> User:
    """Return a member by the month, whose card is kept for whatever else is charged."""
    alice = paid_member(sandbox)
    customer = alice.customers.get().stripe_id
    sandbox.control(f"customers/{customer}/card", card=GOOD_CARD)
    return alice


@made_once
def sold_twice(sandbox: Sandbox) -> User:
    """Return a member by the month, who was sold a year in Stripe's dashboard besides."""
    alice = member_with_card(sandbox)
    params: Any = {"customer": alice.customers.get().stripe_id, "items": [{"price": YEARLY}]}
    sandbox.stripe.v1.subscriptions.create(params)
    deliver(sandbox.events())
    return alice
