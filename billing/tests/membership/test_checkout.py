"""Buying the membership: once, whatever the tabs and the faults."""

from __future__ import annotations

import threading

import pytest
from django.db import connections
from django.test import Client
from pytest_django import Settings

from billing.membership import checkout
from billing.models import Checkout, Customer, Payment, Subscription
from billing.tests.life import deliver, paid_member, sign_up, subscribe
from conftest import Sandbox


@pytest.mark.django_db
def test_two_clicks_lead_to_the_same_page(sandbox: Sandbox) -> None:
    alice = sign_up()
    assert checkout.start_membership(alice) == checkout.start_membership(alice)


@pytest.mark.django_db(transaction=True)
def test_two_tabs_at_once_lead_to_the_same_page(sandbox: Sandbox) -> None:
    alice = sign_up()
    checkout.customer_of(alice)
    urls: list[str] = []
    barrier = threading.Barrier(4)

    def click() -> None:
        barrier.wait()
        try:
            urls.append(checkout.start_membership(alice))
        finally:
            connections.close_all()

    tabs = [threading.Thread(target=click) for _ in range(4)]
    for tab in tabs:
        tab.start()
    for tab in tabs:
        tab.join()
    assert len(urls) == 4
    assert len(set(urls)) == 1
    assert Checkout.objects.count() == 1


@pytest.mark.django_db
def test_member_cannot_buy_again(sandbox: Sandbox) -> None:
    alice = paid_member(sandbox)
    with pytest.raises(checkout.AlreadyMember):
        checkout.start_membership(alice)


@pytest.mark.django_db
def test_member_whose_webhook_has_not_arrived_cannot_buy_again(sandbox: Sandbox) -> None:
    alice = sign_up()
    subscribe(sandbox, alice)
    with pytest.raises(checkout.AlreadyMember):
        checkout.start_membership(alice)


@pytest.mark.django_db
def test_expired_session_is_replaced(sandbox: Sandbox) -> None:
    alice = sign_up()
    first = checkout.start_membership(alice)
    sandbox.stripe.v1.checkout.sessions.expire(Checkout.objects.get().session_id)
    assert checkout.start_membership(alice) != first


@pytest.mark.django_db
def test_changed_price_replaces_the_open_session(sandbox: Sandbox, settings: Settings) -> None:
    alice = sign_up()
    first = checkout.start_membership(alice)
    settings.STRIPE_PRICE_ID = "price_membership_yearly"
    assert checkout.start_membership(alice) != first


@pytest.mark.slow
@pytest.mark.django_db
def test_stripe_down_leaves_a_sentence_and_no_half_made_rows(
    sandbox: Sandbox, client: Client
) -> None:
    alice = sign_up()
    client.force_login(alice)
    sandbox.control("switches", api_fail=1)
    answer = client.post("/membership/subscribe/", follow=True)
    assert "try again" in answer.content.decode()
    assert answer.redirect_chain == [("/membership/", 302)]
    for model in (Customer, Checkout, Subscription, Payment):
        assert not model._default_manager.exists()

    sandbox.control("switches", api_fail=0)
    answer = client.post("/membership/subscribe/")
    assert answer["Location"].startswith(f"{sandbox.url}/checkout/")


@pytest.mark.slow
@pytest.mark.django_db
def test_stripe_down_after_the_customer_was_made(sandbox: Sandbox) -> None:
    alice = sign_up()
    checkout.customer_of(alice)
    checkout.chosen_plan()
    sandbox.control("switches", api_fail=1)
    with pytest.raises(checkout.CheckoutError, match="Nothing was charged"):
        checkout.start_membership(alice)
    assert not Checkout.objects.exists()

    sandbox.control("switches", api_fail=0)
    assert checkout.start_membership(alice).startswith(sandbox.url)


@pytest.mark.django_db
def test_nothing_on_sale_is_said(sandbox: Sandbox, settings: Settings) -> None:
    settings.STRIPE_PRICE_ID = ""
    with pytest.raises(checkout.CheckoutError, match="isn’t on sale"):
        checkout.start_membership(sign_up())


@pytest.mark.slow
@pytest.mark.django_db
def test_return_page_confirms_and_then_welcomes(sandbox: Sandbox, client: Client) -> None:
    alice = sign_up()
    session = subscribe(sandbox, alice)
    client.force_login(alice)
    url = f"/membership/welcome/?session_id={session['id']}"
    assert "Confirming your payment" in client.get(url).content.decode()
    # The plan is not offered again while the webhook is on its way.
    assert "Subscribe for" not in client.get("/membership/").content.decode()

    deliver(sandbox.events())
    fragment = client.get(url, headers={"HX-Request": "true"}).content.decode()
    assert "You’re a member" in fragment
    assert "<html" not in fragment


@pytest.mark.django_db
def test_return_without_having_paid_goes_back(sandbox: Sandbox, client: Client) -> None:
    alice = sign_up()
    checkout.start_membership(alice)
    client.force_login(alice)
    session_id = Checkout.objects.get().session_id
    answer = client.get(f"/membership/welcome/?session_id={session_id}", follow=True)
    assert "Nothing was charged" in answer.content.decode()


@pytest.mark.django_db
def test_stranger_learns_nothing_from_a_session_id(sandbox: Sandbox, client: Client) -> None:
    session = subscribe(sandbox, sign_up())
    client.force_login(sign_up("Mallory Marsh"))
    answer = client.get(f"/membership/welcome/?session_id={session['id']}")
    assert (answer.status_code, answer["Location"]) == (302, "/membership/")


@pytest.mark.django_db
def test_leaving_checkout_loses_nothing(sandbox: Sandbox, client: Client) -> None:
    client.force_login(sign_up())
    answer = client.get("/membership/?canceled=1", follow=True)
    assert "Nothing was charged" in answer.content.decode()


@pytest.mark.slow
@pytest.mark.django_db
def test_trial_is_for_newcomers_only(sandbox: Sandbox, settings: Settings) -> None:
    price = sandbox.stripe.v1.prices.create(
        {
            "currency": "usd",
            "unit_amount": 2900,
            "recurring": {"interval": "month"},
            "product_data": {"name": "Membership"},
            "metadata": {"trial_days": "14"},
        }
    )
    settings.STRIPE_PRICE_ID = price.id
    alice = paid_member(sandbox)
    first = Subscription.objects.for_user(alice).get()
    assert first.status == "trialing"

    sandbox.stripe.v1.subscriptions.cancel(first.stripe_id)
    deliver(sandbox.events())
    subscribe(sandbox, alice)
    deliver(sandbox.events())
    assert Subscription.objects.for_user(alice).first().status == "active"  # type: ignore[union-attr]
