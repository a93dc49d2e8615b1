"""What staff do about a membership or an invoice without Stripe's dashboard."""

from __future__ import annotations

import uuid
from datetime import timedelta
from html import unescape
from typing import Any

import pytest
from django.contrib.admin.models import LogEntry
from django.contrib.auth.models import User
from django.core.exceptions import PermissionDenied
from django.test import Client
from django.urls import reverse
from pytest_django import Settings

from billing.core.statuses import DecisionState, MembershipAction
from billing.membership import by_staff
from billing.membership.cancellation import MembershipError
from billing.models import Invoice, MembershipDecision, Subscription
from billing.payments import by_staff as on_invoices
from billing.stripe import gateway, snapshots
from billing.sync import catalog
from billing.tests.life import (
    DECLINED_LATER_CARD,
    deliver,
    paid_member,
    sign_up,
    subscribe,
)
from billing.tests.staff_world import auditor, signed_in_now, support
from common.money import Money
from common.staff import show
from conftest import Sandbox
from emails.models import Message

pytestmark = [pytest.mark.django_db, pytest.mark.slow]


@pytest.fixture
def alice(sandbox: Sandbox) -> User:
    return paid_member(sandbox)


@pytest.fixture
def desk() -> Client:
    return signed_in_now(support())


@pytest.fixture
def failed(sandbox: Sandbox) -> Invoice:
    """An invoice whose card was declined at the renewal."""
    paid_member(sandbox, card=DECLINED_LATER_CARD)
    sandbox.control("clock", advance="renewal")
    deliver(sandbox.events())
    return Invoice.objects.get(status="open")


def row() -> Subscription:
    return Subscription.objects.get()


def press(client: Client, button: str, pk: int, **fields: Any) -> str:
    at = reverse(f"admin:billing_{button}", args=[pk])
    answer = client.post(at, {"_form_submitted": "on", **fields}, follow=True)
    assert answer.status_code == 200
    return unescape(answer.content.decode())


def question(client: Client, button: str, pk: int) -> str:
    answer = client.get(reverse(f"admin:billing_{button}", args=[pk]))
    assert answer.status_code == 200
    return unescape(answer.content.decode())


def decisions() -> list[tuple[str, str]]:
    rows = MembershipDecision.objects.order_by("pk")
    return list(rows.values_list("action", "state"))


def test_a_membership_is_canceled_with_its_period_and_kept_after_all(
    sandbox: Sandbox, alice: User, desk: Client
) -> None:
    page = unescape(desk.get(show.page_of(alice)).content.decode())
    assert "Cancel with the period" in page
    assert "Keep it going" not in page
    assert "Next charge of $29.00" in question(desk, "subscription_cancel_at_end", row().pk)
    assert "Canceled with its period." in press(desk, "subscription_cancel_at_end", row().pk)
    at_stripe = sandbox.stripe.v1.subscriptions.retrieve(row().stripe_id)
    assert at_stripe.cancel_at_period_end
    decision = MembershipDecision.objects.get()
    assert decision.actor.is_staff
    assert decision.state == DecisionState.CONFIRMED
    deliver(sandbox.events())
    assert Message.objects.filter(user=alice, kind="membership_ends").exists()
    # A second click finds it ending.
    with pytest.raises(MembershipError, match="already set to end"):
        by_staff.cancel(row(), decision.actor)
    assert "Keep it going" in unescape(desk.get(show.page_of(alice)).content.decode())
    assert "Its end was taken back." in press(desk, "subscription_keep_going", row().pk)
    assert not sandbox.stripe.v1.subscriptions.retrieve(row().stripe_id).cancel_at_period_end
    said = [one.change_message for one in LogEntry.objects.all()]
    assert said.count("Canceled with its period.") == 2  # on the membership and on the member


def test_a_trial_is_extended_once_per_look(
    sandbox: Sandbox, settings: Settings, desk: Client
) -> None:
    trial = sandbox.stripe.v1.prices.create(
        {
            "currency": "usd",
            "unit_amount": 2900,
            "recurring": {"interval": "month"},
            "product": "prod_membership",
            "metadata": {"trial_days": "30"},
        }
    )
    settings.STRIPE_PRICE_ID = trial.id
    catalog.sync_current_plan()
    user = sign_up()
    subscribe(sandbox, user)
    deliver(sandbox.events())
    before = row().trial_end
    assert before is not None
    assert "The free trial ends on" in question(desk, "subscription_extend_trial", row().pk)
    shown = {"shown_end": int(before.timestamp()), "days": 10}
    assert "Extended the free trial by 10 days." in press(
        desk, "subscription_extend_trial", row().pk, **shown
    )
    assert row().trial_end == before + timedelta(days=10)
    at_stripe = sandbox.stripe.v1.subscriptions.retrieve(row().stripe_id)
    assert at_stripe.trial_end == int((before + timedelta(days=10)).timestamp())
    # The same form again.
    assert by_staff.CHANGED in press(desk, "subscription_extend_trial", row().pk, **shown)
    assert row().trial_end == before + timedelta(days=10)
    assert decisions() == [(MembershipAction.EXTEND, DecisionState.CONFIRMED)]
    too_long = {"shown_end": int((before + timedelta(days=10)).timestamp()), "days": 91}
    press(desk, "subscription_extend_trial", row().pk, **too_long)
    assert row().trial_end == before + timedelta(days=10)


def test_a_discount_is_given_and_taken_back(sandbox: Sandbox, alice: User, desk: Client) -> None:
    coupon = sandbox.stripe.v1.coupons.create({"percent_off": 20, "duration": "forever"})
    refused = press(desk, "subscription_give_discount", row().pk, coupon="NOSUCH", shown="")
    assert "There is no coupon with this ID at Stripe." in refused
    assert not MembershipDecision.objects.exists()
    given = press(desk, "subscription_give_discount", row().pk, coupon=coupon.id, shown="")
    assert f"Gave the discount of the coupon {coupon.id}." in given
    assert "20% off" in unescape(desk.get(show.page_of(alice)).content.decode())
    assert row().next_charge == 2320
    # The same form again would replace what it has.
    again = press(desk, "subscription_give_discount", row().pk, coupon=coupon.id, shown="")
    assert by_staff.CHANGED in again
    shown = " ".join(by_staff.discount_ids(row()))
    assert "Discount: 20% off" in question(desk, "subscription_take_discount", row().pk)
    press(desk, "subscription_take_discount", row().pk, shown=shown)
    assert row().discounts == []
    assert row().next_charge == 2900
    assert decisions() == [
        (MembershipAction.DISCOUNT, DecisionState.CONFIRMED),
        (MembershipAction.UNDISCOUNT, DecisionState.CONFIRMED),
    ]


def test_a_discount_on_an_item_counts_and_is_taken_back(sandbox: Sandbox, alice: User) -> None:
    coupon = sandbox.stripe.v1.coupons.create({"percent_off": 20, "duration": "forever"})
    item = row().items[0]["id"]
    given: Any = {"items": [{"id": item, "discounts": [{"coupon": coupon.id}]}]}
    sandbox.stripe.v1.subscriptions.update(row().stripe_id, given)
    deliver(sandbox.events())
    [found] = row().discounts
    assert (found["item"], found["coupon"], found["percent_off"]) == (item, coupon.id, 20)
    assert row().next_charge == 2320
    [listed] = gateway.list_subscriptions()
    assert listed.discounts == [found]
    by_staff.take_discount(row(), by_staff.discount_ids(row()), support())
    assert (row().discounts, row().next_charge) == ([], 2900)
    sandbox.stripe.v1.subscriptions.update(row().stripe_id, given)
    deliver(sandbox.events())
    another = by_staff.coupon(
        sandbox.stripe.v1.coupons.create({"amount_off": 100, "currency": "usd"}).id
    )
    by_staff.give_discount(row(), by_staff.discount_ids(row()), another, support())
    assert [one["coupon"] for one in row().discounts] == [another.id]


def test_a_price_is_read_in_the_currency_of_the_subscription(sandbox: Sandbox, alice: User) -> None:
    asked: Any = {"expand": ["customer"]}
    answer = sandbox.stripe.v1.subscriptions.retrieve(row().stripe_id, asked)
    data = answer.to_dict(for_json=True) | {"currency": "eur"}
    [item] = data["items"]["data"]
    item["price"]["currency_options"] = {
        "eur": {"unit_amount": 2500, "unit_amount_decimal": "2500"}
    }
    assert snapshots.subscription(data).items[0].money == Money(2500, "eur")
    item["price"]["currency_options"] = {"usd": {"unit_amount": 2900}}
    assert snapshots.subscription(data | {"currency": "usd"}).items[0].money == Money(2900, "usd")


def test_without_stripe_nothing_is_changed_and_that_is_said(
    sandbox: Sandbox, alice: User, desk: Client
) -> None:
    sandbox.control("switches", api_fail=1)
    press(desk, "subscription_cancel_at_end", row().pk)
    sandbox.control("switches", api_fail=0)
    assert row().ends_at is None
    assert decisions() == [(MembershipAction.CANCEL, DecisionState.FAILED)]


def test_an_open_invoice_is_charged_again(sandbox: Sandbox, failed: Invoice, desk: Client) -> None:
    user = failed.customer.user
    page = unescape(desk.get(show.page_of(user)).content.decode())
    assert f"Invoice {failed.number}" in page
    assert "Charge now" in page
    asked = question(desk, "invoice_charge_again", failed.pk)
    assert "$29.00 of $29.00 still to pay" in asked
    assert "Your bank declined the card." in press(desk, "invoice_charge_again", failed.pk)
    failed.refresh_from_db()
    assert failed.status == "open"


@pytest.mark.parametrize(("button", "status"), [("void", "void"), ("give_up", "uncollectible")])
def test_an_open_invoice_is_closed_once(
    sandbox: Sandbox, failed: Invoice, desk: Client, button: str, status: str
) -> None:
    said = press(desk, f"invoice_{button}", failed.pk)
    assert f"The invoice is {status} now." in said
    failed.refresh_from_db()
    assert failed.status == status
    assert sandbox.stripe.v1.invoices.retrieve(failed.stripe_id).status == status
    # The button is gone; the use case itself does nothing twice.
    at = reverse(f"admin:billing_invoice_{button}", args=[failed.pk])
    assert desk.post(at, {"_form_submitted": "on"}).status_code == 403
    act = on_invoices.void if button == "void" else on_invoices.give_up
    assert act(failed, User.objects.get(groups__name="Support")).status == status


def test_what_was_paid_meanwhile_is_not_voided(sandbox: Sandbox, failed: Invoice) -> None:
    sandbox.stripe.v1.invoices.pay(failed.stripe_id, {"paid_out_of_band": True})
    with pytest.raises(on_invoices.SettleError, match="Nothing changed"):
        on_invoices.void(failed, support())
    failed.refresh_from_db()
    assert failed.status == "paid"


def test_an_auditor_may_do_none_of_it(sandbox: Sandbox, failed: Invoice) -> None:
    who = auditor()
    client = signed_in_now(who)
    for button in ("cancel_at_end", "keep_going", "extend_trial", "give_discount", "take_discount"):
        at = reverse(f"admin:billing_subscription_{button}", args=[row().pk])
        assert client.post(at, {"_form_submitted": "on"}).status_code == 403, button
        assert at not in client.get(show.page_of(failed.customer.user)).content.decode()
    for button in ("charge_again", "void", "give_up"):
        at = reverse(f"admin:billing_invoice_{button}", args=[failed.pk])
        assert client.post(at, {"_form_submitted": "on"}).status_code == 403, button
    with pytest.raises(PermissionDenied):
        by_staff.cancel(row(), who)
    with pytest.raises(PermissionDenied):
        on_invoices.void(failed, who)


def test_the_way_to_the_cards_is_sent_once(alice: User, desk: Client) -> None:
    shown = question(desk, "subscription_send_card_link", row().pk)
    assert "Next charge of $29.00" in shown
    key = uuid.uuid4()
    for _ in range(2):
        press(desk, "subscription_send_card_link", row().pk, key=key)
    sent = Message.objects.get(user=alice, kind="card_link")
    assert sent.context["url"].endswith("/account/cards/")
    assert sent.context["method"] == "Visa ending in 4242"
    assert sent.recipient == alice.email
