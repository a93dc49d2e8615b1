"""What happens to a membership and its card is in the member's list of activity."""

from __future__ import annotations

import pytest
from django.contrib.auth.models import User
from django.test import Client

from billing.membership import cancellation
from billing.models import Subscription
from billing.notices import activity
from billing.notices.transitions import CardChanged
from billing.tests.life import deliver, paid_member
from conftest import Sandbox
from members.models import AccountActivity, ActivityBy, ActivityKind

pytestmark = pytest.mark.django_db
ACTIVITY = "/account/activity/"


@pytest.fixture
def alice(sandbox: Sandbox) -> User:
    """A member whose first payment went through."""
    return paid_member(sandbox)


def listed(user: User) -> list[tuple[str, str]]:
    """Return what the list has, oldest first, and by whom."""
    rows = AccountActivity.objects.filter(user=user).order_by("pk")
    return list(rows.values_list("kind", "by"))


def test_joining_canceling_and_staying_are_listed_once_and_by_whom(
    sandbox: Sandbox, alice: User, client: Client
) -> None:
    cancellation.cancel(alice)
    cancellation.resume(alice)
    deliver(sandbox.events())
    assert listed(alice) == [
        (ActivityKind.JOINED, ""),
        (ActivityKind.ENDING, ActivityBy.MEMBER),
        (ActivityKind.KEPT, ActivityBy.MEMBER),
    ]
    # Events that come again change nothing.
    deliver(sandbox.events())
    assert len(listed(alice)) == 3
    client.force_login(alice)
    page = client.get(ACTIVITY).content.decode()
    assert "Your membership was set to end" in page
    assert "By you" in page


def test_what_was_done_in_stripes_dashboard_is_not_the_members(
    sandbox: Sandbox, alice: User
) -> None:
    row = Subscription.objects.for_user(alice).get()
    sandbox.stripe.v1.subscriptions.update(row.stripe_id, {"cancel_at_period_end": True})
    deliver(sandbox.events())
    assert listed(alice)[-1] == (ActivityKind.ENDING, ActivityBy.STRIPE)


def test_another_card_is_named(alice: User, client: Client) -> None:
    row = Subscription.objects.for_user(alice).select_related("customer__user").get()
    activity.record(CardChanged(row, row, row.read_at))
    client.force_login(alice)
    page = client.get(ACTIVITY).content.decode()
    assert "The card we charge changed" in page
    assert "Visa ending in 4242 · Through Stripe or your bank" in page


def test_nothing_is_kept_of_who_has_left(alice: User) -> None:
    row = Subscription.objects.for_user(alice).select_related("customer__user").get()
    row.customer.user.is_active = False
    before = AccountActivity.objects.count()
    activity.record(CardChanged(row, row, row.read_at))
    assert AccountActivity.objects.count() == before
