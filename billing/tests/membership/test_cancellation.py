"""Cancel, take back, end at once: what members and staff may do about a membership."""

from __future__ import annotations

import pytest
from django.contrib.auth.models import User
from django.core.exceptions import PermissionDenied
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from billing.core.statuses import CancellationReason, DecisionState
from billing.membership import cancellation
from billing.models import Customer, MembershipDecision, Subscription
from billing.tests import staff_world
from billing.tests.life import deliver, paid_member, sign_up
from conftest import Sandbox
from emails.models import Message

pytestmark = pytest.mark.django_db


@pytest.fixture
def alice(sandbox: Sandbox) -> User:
    """A member whose first payment went through."""
    return paid_member(sandbox)


@pytest.fixture
def her(client: Client, alice: User) -> Client:
    """Alice's browser."""
    client.force_login(alice)
    return client


def kinds(user: User) -> list[str]:
    """Return what the member was told of, in order."""
    rows = Message.objects.filter(user=user, channel="email").order_by("pk")
    return list(rows.values_list("kind", flat=True))


def page(client: Client) -> str:
    return str(client.get("/membership/").content.decode())


def test_the_page_says_what_will_happen_and_when_before_it_asks(her: Client, alice: User) -> None:
    end = Subscription.objects.for_user(alice).get().current_period_end
    text = her.get("/membership/cancel/").content.decode()
    assert "You’re a member until" in text
    assert timezone.localtime(end).strftime("%Y-%m") in text
    assert text.index("What happens") < text.index("Why are you leaving?")
    assert not MembershipDecision.objects.exists()


def test_cancel_with_a_reason_and_take_it_back(sandbox: Sandbox, her: Client, alice: User) -> None:
    answer = her.post(
        "/membership/cancel/", {"reason": "unused", "comment": "I move away."}, follow=True
    )
    text = answer.content.decode()
    assert "Your membership ends on" in text
    assert "Keep my membership" in text
    at_stripe = sandbox.stripe.v1.subscriptions.retrieve(Subscription.objects.get().stripe_id)
    assert at_stripe.cancel_at_period_end
    assert at_stripe.cancellation_details
    assert at_stripe.cancellation_details.feedback == "unused"
    decision = MembershipDecision.objects.get()
    assert (decision.reason, decision.comment) == ("unused", "I move away.")
    assert (decision.state, decision.actor) == (DecisionState.CONFIRMED, alice)

    text = her.post("/membership/resume/", follow=True).content.decode()
    assert "Your next charge of $29.00" in text
    deliver(sandbox.events())
    assert kinds(alice)[-2:] == ["membership_ends", "membership_goes_on"]


def test_every_decision_is_told_once(sandbox: Sandbox, alice: User) -> None:
    cancellation.cancel(alice)
    cancellation.resume(alice)
    sandbox.control("clock", advance_seconds=60)
    cancellation.cancel(alice)
    deliver(sandbox.events())
    deliver(sandbox.events())
    assert kinds(alice)[1:] == ["membership_ends", "membership_goes_on", "membership_ends"]


def test_nobody_must_say_why(her: Client) -> None:
    her.post("/membership/cancel/")
    assert MembershipDecision.objects.get().reason == ""
    assert Subscription.objects.get().ends_at


def test_odd_reason_is_refused_in_place(her: Client) -> None:
    answer = her.post("/membership/cancel/", {"reason": "boredom", "comment": "x" * 501})
    assert answer.status_code == 200
    assert not MembershipDecision.objects.exists()


def test_end_of_the_period_ends_it_and_offers_a_way_back(
    sandbox: Sandbox, her: Client, alice: User
) -> None:
    her.post("/membership/cancel/")
    sandbox.control("clock", advance="renewal")
    deliver(sandbox.events())
    text = page(her)
    assert "Your membership ended on" in text
    assert "welcome back anytime" in text
    assert "Become a member again" in text
    assert kinds(alice)[1:] == ["membership_ends", "membership_ended"]


@pytest.mark.slow
def test_stripe_down_is_said_and_changes_nothing(sandbox: Sandbox, her: Client) -> None:
    sandbox.control("switches", api_fail=1)
    text = her.post("/membership/cancel/", follow=True).content.decode()
    assert "try again in a moment" in text
    assert Subscription.objects.get().ends_at is None
    assert MembershipDecision.objects.get().state == DecisionState.FAILED

    sandbox.control("switches", api_fail=0)
    her.post("/membership/cancel/")
    assert Subscription.objects.get().ends_at


def test_pending_decision_is_shown_until_the_webhook_has_come(
    sandbox: Sandbox, her: Client, alice: User
) -> None:
    row = Subscription.objects.get()
    decision = MembershipDecision.objects.create(
        customer=row.customer, subscription=row, action="cancel", actor=alice
    )
    assert "Your cancellation is being confirmed" in page(her)
    assert "Cancel membership" not in page(her)
    with pytest.raises(cancellation.MembershipError, match="being confirmed"):
        cancellation.cancel(alice)
    fragment = her.get("/membership/", headers={"HX-Request": "true"}).content.decode()
    assert "<html" not in fragment

    sandbox.stripe.v1.subscriptions.update(row.stripe_id, {"cancel_at_period_end": True})
    deliver(sandbox.events())
    decision.refresh_from_db()
    assert decision.state == DecisionState.CONFIRMED
    assert "Your membership ends on" in page(her)


def test_what_makes_no_sense_is_refused(alice: User, sandbox: Sandbox) -> None:
    with pytest.raises(cancellation.MembershipError, match="already set to continue"):
        cancellation.resume(alice)
    cancellation.cancel(alice)
    with pytest.raises(cancellation.MembershipError, match="already set to end"):
        cancellation.cancel(alice)
    with pytest.raises(cancellation.MembershipError, match="no membership"):
        cancellation.cancel(sign_up("Mallory Marsh"))


def test_end_at_another_time_is_taken_back_too(sandbox: Sandbox, alice: User) -> None:
    row = Subscription.objects.get()
    at = int(row.current_period_start.timestamp()) + 86_400
    sandbox.stripe.v1.subscriptions.update(row.stripe_id, {"cancel_at": at})
    deliver(sandbox.events())
    cancellation.resume(alice)
    assert Subscription.objects.get().ends_at is None


@pytest.mark.parametrize(
    ("method", "url"), [("get", "cancel"), ("post", "cancel"), ("post", "resume")]
)
def test_visitor_and_stranger_change_nothing(
    client: Client, alice: User, method: str, url: str
) -> None:
    answer = getattr(client, method)(f"/membership/{url}/")
    assert answer["Location"].startswith("/accounts/login/")
    client.force_login(sign_up("Mallory Marsh"))
    answer = getattr(client, method)(f"/membership/{url}/")
    assert answer["Location"] == "/membership/"
    assert not MembershipDecision.objects.exists()


@pytest.mark.slow
def test_staff_with_the_permission_end_a_membership_at_once(sandbox: Sandbox, alice: User) -> None:
    row = Subscription.objects.get()
    staff = Client()
    staff.force_login(staff_world.support())
    url = reverse("admin:billing_subscription_end_now", args=[row.pk])
    answer = staff.post(url, {"_form_submitted": "on"}, follow=True)
    assert "Membership has ended. The member will be told." in answer.content.decode()
    row.refresh_from_db()
    assert row.status == "canceled"
    assert kinds(alice)[-1] == "membership_ended"
    assert MembershipDecision.objects.get().state == DecisionState.CONFIRMED


def test_staff_end_the_membership_that_they_look_at(sandbox: Sandbox, alice: User) -> None:
    older = Subscription.objects.get()
    customer = older.customer.stripe_id
    card = sandbox.stripe.v1.payment_methods.list({"customer": customer}).data[0].id
    sandbox.stripe.v1.subscriptions.create(
        {
            "customer": customer,
            "items": [{"price": "price_membership_monthly"}],
            "default_payment_method": card,
        }
    )
    deliver(sandbox.events())
    newer = Subscription.objects.exclude(pk=older.pk).get()
    cancellation.cancel_now(older, staff_world.superuser())
    older.refresh_from_db()
    newer.refresh_from_db()
    assert (older.status, newer.status) == ("canceled", "active")


def test_others_of_the_staff_may_not(sandbox: Sandbox, alice: User) -> None:
    row = Subscription.objects.get()
    auditor = staff_world.auditor()
    staff = Client()
    staff.force_login(auditor)
    url = reverse("admin:billing_subscription_end_now", args=[row.pk])
    assert staff.post(url, {"_form_submitted": "on"}).status_code == 403
    with pytest.raises(PermissionDenied):
        cancellation.cancel_now(row, auditor)
    assert Subscription.objects.get().is_live


def test_staff_read_why_members_leave(sandbox: Sandbox, alice: User) -> None:
    cancellation.cancel(alice, CancellationReason.TOO_EXPENSIVE, "It went up again.")
    staff = Client()
    staff.force_login(staff_world.auditor())
    text = staff.get(reverse("admin:billing_membershipdecision_changelist")).content.decode()
    assert "It costs too much" in text
    assert "It went up again." in text


def test_customer_without_membership_has_nothing_to_change(sandbox: Sandbox, alice: User) -> None:
    Subscription.objects.update(status="canceled")
    assert Customer.objects.filter(user=alice).exists()
    with pytest.raises(cancellation.MembershipError, match="no membership"):
        cancellation.resume(alice)
