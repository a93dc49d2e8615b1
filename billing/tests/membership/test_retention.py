"""The offer to those who leave: shown, accepted, once in a while, and what it costs."""

from __future__ import annotations

import threading
from datetime import timedelta
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.db import connections
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from billing.core.statuses import DecisionState
from billing.membership import cancellation, retention
from billing.models import MembershipDecision, RetentionOffer, RetentionShowing, Subscription
from billing.sync import refresh
from billing.tests import factories, staff_world
from billing.tests.life import deliver, paid_member, sign_up, subscribe
from billing.tests.membership.test_cancellation import kinds
from conftest import Sandbox

STAY = "Stay with 20% off for 3 months"
HEADLINE = "Would it help if it cost less?"


@pytest.fixture
def alice(sandbox: Sandbox, db: None) -> User:
    """A member whose first payment went through."""
    return paid_member(sandbox)


@pytest.fixture
def her(client: Client, alice: User) -> Client:
    """Alice's browser."""
    client.force_login(alice)
    return client


@pytest.fixture
def offer(sandbox: Sandbox, alice: User) -> RetentionOffer:
    """20% off for three months."""
    return make_offer(sandbox)


def make_offer(sandbox: Sandbox, **coupon: Any) -> RetentionOffer:
    wanted: Any = {"percent_off": 20, "duration": "repeating", "duration_in_months": 3} | coupon
    made = sandbox.stripe.v1.coupons.create(wanted)
    return RetentionOffer.objects.create(
        headline=HEADLINE,
        coupon_id=made.id,
        percent_off=made.percent_off,
        duration=made.duration,
        months=made.duration_in_months,
    )


def cancel_page(client: Client) -> str:
    return str(client.get("/membership/cancel/").content.decode())


def stay(client: Client, **data: str) -> str:
    return str(client.post("/membership/stay/", data, follow=True).content.decode())


def at_stripe(sandbox: Sandbox) -> Any:
    return sandbox.stripe.v1.subscriptions.retrieve(Subscription.objects.get().stripe_id)


def test_the_cancel_page_offers_it_and_cancelling_stays_as_it_was(
    her: Client, offer: RetentionOffer
) -> None:
    text = cancel_page(her)
    assert HEADLINE in text
    assert STAY in text
    assert "Keep my membership" in text
    her.post("/membership/cancel/", {"reason": "too_expensive"})
    assert Subscription.objects.get().ends_at
    assert MembershipDecision.objects.get().action == "cancel"


def test_without_an_offer_the_page_offers_nothing(her: Client) -> None:
    assert "Stay with" not in cancel_page(her)
    assert "This offer has ended" in stay(her)


@pytest.mark.slow
def test_accepting_gives_the_discount_and_is_confirmed(
    sandbox: Sandbox, her: Client, alice: User, offer: RetentionOffer
) -> None:
    cancel_page(her)
    text = stay(her, reason="too_expensive", comment="It went up.")
    assert "20% off until" in text
    assert "Your next charge of $23.20" in text
    decision = MembershipDecision.objects.get()
    assert (decision.action, decision.state) == ("stay", DecisionState.CONFIRMED)
    assert (decision.reason, decision.comment) == ("too_expensive", "It went up.")
    assert decision.discount_id == at_stripe(sandbox).discounts[0]
    assert Subscription.objects.get().ends_at is None
    deliver(sandbox.events())
    assert kinds(alice)[1:] == ["offer_accepted"]
    sandbox.control("clock", advance="renewal")
    deliver(sandbox.events())
    assert [str(sum_) for sum_ in retention.cost(offer)] == ["$5.80"]


@pytest.mark.slow
def test_nobody_accepts_twice_within_its_months(
    sandbox: Sandbox, her: Client, offer: RetentionOffer
) -> None:
    stay(her)
    assert "Stay with" not in cancel_page(her)
    stay(her)
    # The discount is over, the months are not.
    sandbox.stripe.v1.subscriptions.update(at_stripe(sandbox).id, {"discounts": ""})
    deliver(sandbox.events())
    assert "Stay with" not in cancel_page(her)
    assert "recently" in stay(her)
    assert MembershipDecision.objects.count() == 1

    MembershipDecision.objects.update(created_at=timezone.now() - timedelta(days=366))
    assert STAY in cancel_page(her)
    stay(her)
    assert MembershipDecision.objects.filter(state=DecisionState.CONFIRMED).count() == 2


@pytest.mark.django_db(transaction=True)
def test_from_many_tabs_at_once_it_is_given_once(
    sandbox: Sandbox, alice: User, offer: RetentionOffer
) -> None:
    barrier = threading.Barrier(4)
    outcomes: list[str] = []

    def click() -> None:
        barrier.wait()
        try:
            retention.accept(alice)
            outcomes.append("")
        except cancellation.MembershipError as error:
            outcomes.append(str(error))
        finally:
            connections.close_all()

    tabs = [threading.Thread(target=click) for _ in range(4)]
    for tab in tabs:
        tab.start()
    for tab in tabs:
        tab.join()
    assert len(outcomes) == 4
    assert sandbox.stripe.v1.coupons.retrieve(offer.coupon_id).times_redeemed == 1
    assert len(at_stripe(sandbox).discounts) == 1
    accepted = MembershipDecision.objects.filter(state=DecisionState.CONFIRMED)
    assert accepted.count() == 1


@pytest.mark.slow
def test_stripe_down_is_said_and_it_can_be_accepted_later(
    sandbox: Sandbox, her: Client, offer: RetentionOffer
) -> None:
    sandbox.control("switches", api_fail=1)
    assert "try again in a moment" in stay(her)
    sandbox.control("switches", api_fail=0)
    assert "20% off until" in stay(her)


def test_an_answer_that_was_lost_counts_when_the_discount_is_seen(
    sandbox: Sandbox, her: Client, alice: User, offer: RetentionOffer
) -> None:
    row = Subscription.objects.get()
    MembershipDecision.objects.create(
        customer=row.customer,
        subscription=row,
        action="stay",
        actor=alice,
        offer=offer,
        coupon_id=offer.coupon_id,
        state=DecisionState.FAILED,
    )
    sandbox.stripe.v1.subscriptions.update(
        row.stripe_id, {"discounts": [{"coupon": offer.coupon_id}]}
    )
    stay(her)
    assert MembershipDecision.objects.get().state == DecisionState.CONFIRMED
    assert sandbox.stripe.v1.coupons.retrieve(offer.coupon_id).times_redeemed == 1


def test_a_coupon_that_is_gone_at_stripe_changes_nothing(
    sandbox: Sandbox, her: Client, offer: RetentionOffer
) -> None:
    sandbox.stripe.v1.coupons.delete(offer.coupon_id)
    assert "This offer has ended" in stay(her)
    assert MembershipDecision.objects.get().state == DecisionState.FAILED
    assert Subscription.objects.get().discounts == []


def test_a_membership_that_is_gone_at_stripe_is_said(her: Client, offer: RetentionOffer) -> None:
    Subscription.objects.update(stripe_id="sub_gone")
    assert "has already ended at our payment provider" in stay(her)
    assert not MembershipDecision.objects.exists()


@pytest.mark.parametrize(
    "changes",
    [
        {"status": "past_due"},
        {"cancel_at_period_end": True},
        {"currency": "eur"},
        {"status": "canceled"},
    ],
)
def test_to_whom_it_is_not_offered(
    sandbox: Sandbox, her: Client, offer: RetentionOffer, changes: dict[str, str]
) -> None:
    RetentionOffer.objects.update(currency="usd", percent_off=None, amount_off=500)
    Subscription.objects.update(**changes)
    assert "Stay with" not in her.get("/membership/cancel/", follow=True).content.decode()
    stay(her)
    assert at_stripe(sandbox).discounts == []


def test_a_yearly_payer_is_not_offered_what_ends_before_the_next_payment(
    her: Client, offer: RetentionOffer
) -> None:
    Subscription.objects.update(current_period_end=timezone.now() + timedelta(days=300))
    assert "Stay with" not in cancel_page(her)
    RetentionOffer.objects.update(duration="once", months=None)
    assert "Stay with 20% off your next payment" in cancel_page(her)


@pytest.mark.slow
def test_a_member_with_a_discount_gets_no_other(
    sandbox: Sandbox, her: Client, offer: RetentionOffer
) -> None:
    other = sandbox.stripe.v1.coupons.create({"percent_off": 50, "duration": "forever"})
    sandbox.stripe.v1.subscriptions.update(
        at_stripe(sandbox).id, {"discounts": [{"coupon": other.id}]}
    )
    # Whether our copy knows of it or not.
    assert "You already have a discount" in stay(her)
    refresh.sync_subscription(at_stripe(sandbox).id)
    assert "Stay with" not in cancel_page(her)


def test_visitor_and_stranger_get_nothing(client: Client, offer: RetentionOffer) -> None:
    assert client.post("/membership/stay/")["Location"].startswith("/accounts/login/")
    client.force_login(sign_up("Mallory Marsh"))
    assert "This offer has ended" in stay(client)
    assert client.get("/membership/stay/")["Location"] == "/membership/cancel/"
    assert not MembershipDecision.objects.exists()


def test_an_odd_reason_is_refused_in_place(her: Client, offer: RetentionOffer) -> None:
    answer = her.post("/membership/stay/", {"reason": "boredom"})
    assert answer.status_code == 200
    assert not MembershipDecision.objects.exists()


def test_each_member_who_sees_it_is_counted_once(her: Client, offer: RetentionOffer) -> None:
    cancel_page(her)
    cancel_page(her)
    assert RetentionShowing.objects.count() == 1


# Staff


def as_support() -> Client:
    client = Client()
    client.force_login(staff_world.support())
    return client


def save(client: Client, coupon: str, **fields: Any) -> str:
    wanted = {"headline": HEADLINE, "text": "", "every_months": 12, "is_active": "on"}
    data = wanted | {"coupon_id": coupon} | fields
    answer = client.post(reverse("admin:billing_retentionoffer_add"), data, follow=True)
    return str(answer.content.decode())


def test_staff_set_an_offer_whose_terms_are_stripes(sandbox: Sandbox, db: None) -> None:
    sandbox.stripe.v1.coupons.create(
        {"id": "TEN", "amount_off": 1000, "currency": "usd", "duration": "once"}
    )
    staff = as_support()
    save(staff, " TEN ")
    offer = RetentionOffer.objects.get()
    assert offer.terms == "$10.00 off your next payment"
    listed = staff.get(reverse("admin:billing_retentionoffer_changelist")).content.decode()
    assert "$10.00 off your next payment" in listed


@pytest.mark.parametrize("coupon", ["NONE", "", "x" * 300, "a/b?c"])
def test_a_coupon_that_stripe_does_not_have_is_refused(
    sandbox: Sandbox, db: None, coupon: str
) -> None:
    save(as_support(), coupon)
    assert not RetentionOffer.objects.exists()


@pytest.mark.slow
def test_a_used_up_coupon_and_an_absent_stripe_are_told_apart(sandbox: Sandbox, db: None) -> None:
    sandbox.stripe.v1.coupons.create(
        {"id": "LATE", "percent_off": 10, "duration": "once", "max_redemptions": 1}
    )
    subscribe(sandbox, sign_up())
    subscription_id = sandbox.stripe.v1.subscriptions.list().data[0].id
    sandbox.stripe.v1.subscriptions.update(subscription_id, {"discounts": [{"coupon": "LATE"}]})
    staff = as_support()
    assert "expired, or was used up" in save(staff, "LATE")
    assert "There is no coupon with this id" in save(staff, "NONE")
    sandbox.control("switches", api_fail=1)
    assert "Stripe did not answer" in save(staff, "LATE")
    assert not RetentionOffer.objects.exists()


def test_one_offer_is_active_at_a_time(sandbox: Sandbox, db: None) -> None:
    make_offer(sandbox, id="ONE")
    assert "Another offer is active" in save(as_support(), "ONE")
    assert RetentionOffer.objects.count() == 1


def test_the_coupon_of_an_offer_that_was_seen_stays(
    sandbox: Sandbox, her: Client, offer: RetentionOffer
) -> None:
    sandbox.stripe.v1.coupons.create({"id": "OTHER", "percent_off": 90, "duration": "forever"})
    cancel_page(her)
    url = reverse("admin:billing_retentionoffer_change", args=[offer.pk])
    data = {"headline": "Stay?", "text": "", "every_months": 6, "coupon_id": "OTHER"}
    as_support().post(url, data)
    offer.refresh_from_db()
    assert (offer.headline, offer.every_months, offer.is_active) == ("Stay?", 6, False)
    assert offer.percent_off == 20


def test_others_of_the_staff_look_only(sandbox: Sandbox, offer: RetentionOffer) -> None:
    client = Client()
    client.force_login(staff_world.auditor())
    assert client.get(reverse("admin:billing_retentionoffer_changelist")).status_code == 200
    assert client.get(reverse("admin:billing_retentionoffer_add")).status_code == 403
    url = reverse("admin:billing_retentionoffer_change", args=[offer.pk])
    assert client.post(url, {"headline": "x"}).status_code == 403
    offer.refresh_from_db()
    assert offer.headline == HEADLINE


@pytest.mark.slow
def test_staff_read_how_often_it_worked(
    sandbox: Sandbox, her: Client, offer: RetentionOffer
) -> None:
    factories.make_member()
    cancel_page(her)
    stay(her)
    sandbox.control("clock", advance="renewal")
    deliver(sandbox.events())
    staff = as_support()
    page = staff.get(reverse("admin:billing_retentionoffer_change", args=[offer.pk]))
    text = page.content.decode()
    assert "$5.80" in text
    for name in ("retentionshowing", "membershipdecision"):
        url = reverse(f"admin:billing_{name}_changelist")
        assert f"{url}?offer__id__exact={offer.pk}" in text
        listed = staff.get(url, {"offer__id__exact": offer.pk}).content.decode()
        assert "Alice Archer" in listed
