"""Monthly or yearly: what is offered, what it saves, and what Checkout sells."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone
from pytest_django import Settings

from billing.facts import plans
from billing.membership import checkout
from billing.models import Checkout, Invoice, Plan, Subscription
from billing.reconcile import missed_events
from billing.sync import catalog
from billing.tests.life import deliver, know_the_plan, paid_member, sign_up, subscribe
from conftest import Sandbox
from emails import rendering
from emails.models import Message

pytestmark = pytest.mark.django_db
MONTHLY, YEARLY = "price_membership_monthly", "price_membership_yearly"


@pytest.fixture(autouse=True)
def both_prices(sandbox: Sandbox, settings: Settings) -> None:
    """Sell the membership by the month and by the year."""
    settings.STRIPE_YEARLY_PRICE_ID = YEARLY
    know_the_plan(sandbox)


def price(amount: int, interval: str, count: int = 1, currency: str = "usd") -> Plan:
    return Plan(amount=amount, interval=interval, interval_count=count, currency=currency)


@pytest.mark.parametrize(
    ("shorter", "longer", "expected"),
    [
        ((2900, "month"), (29000, "year"), "two months free"),
        ((2900, "month"), (31900, "year"), "one month free"),
        ((2900, "month"), (30000, "year"), "$48.00 less"),
        ((2900, "month"), (34800, "year"), ""),
        ((2900, "month"), (40000, "year"), ""),
        ((8000, "month", 3), (29000, "year"), "$30.00 less"),
        ((1000, "week"), (29000, "year"), ""),
        ((2900, "month", 1, "eur"), (29000, "year"), ""),
        ((29000, "year"), (2900, "month"), ""),
        ((0, "month"), (0, "year"), ""),
    ],
)
def test_what_a_year_saves(shorter: Sequence[Any], longer: Sequence[Any], expected: str) -> None:
    assert plans.saving(price(*shorter), price(*longer)) == expected


def test_the_page_offers_both_with_the_saving(client: Client) -> None:
    client.force_login(sign_up())
    text = client.get("/membership/").content.decode()
    for words in ("Monthly", "$29.00", "Yearly", "$290.00", "two months free"):
        assert words in text
    assert text.index("Monthly") < text.index("Yearly")


def test_one_price_is_shown_without_a_choice(client: Client, settings: Settings) -> None:
    settings.STRIPE_YEARLY_PRICE_ID = ""
    client.force_login(sign_up())
    text = client.get("/membership/").content.decode()
    assert "Subscribe for $29.00 a month" in text
    assert "$290.00" not in text


@pytest.mark.slow
def test_the_chosen_price_is_the_one_that_is_paid(sandbox: Sandbox, client: Client) -> None:
    alice = sign_up()
    client.force_login(alice)
    client.post("/membership/subscribe/", {"price": YEARLY})
    session = Checkout.objects.get().session_id
    sandbox.control(f"checkout/{session}/complete")
    deliver(sandbox.events())
    row = Subscription.objects.for_user(alice).get()
    assert (row.price_id, row.amount, row.next_charge) == (YEARLY, 29000, 29000)
    text = client.get("/membership/").content.decode()
    assert "Your next charge of $290.00" in text


def test_the_other_price_takes_the_place_of_an_open_checkout(sandbox: Sandbox) -> None:
    alice = sign_up()
    first = checkout.start_membership(alice)
    before = Checkout.objects.get().session_id
    second = checkout.start_membership(alice, YEARLY)
    assert first != second
    assert sandbox.stripe.v1.checkout.sessions.retrieve(before).status == "expired"
    assert Checkout.objects.filter(state="open").get().price_id == YEARLY
    assert checkout.start_membership(alice, YEARLY) == second


@pytest.mark.parametrize("odd", ["price_of_another", "x" * 5000, "'; --"])
def test_a_price_that_is_not_on_sale_is_refused(client: Client, odd: str) -> None:
    client.force_login(sign_up())
    answer = client.post("/membership/subscribe/", {"price": odd}, follow=True)
    assert "available anymore" in answer.content.decode()
    assert not Checkout.objects.exists()


def test_both_rows_are_read_again_when_a_price_changes(sandbox: Sandbox) -> None:
    Plan.objects.update(amount=1)
    sandbox.stripe.v1.prices.update(YEARLY, {"nickname": "By the year"})
    deliver(event for event in sandbox.events() if event["type"] == "price.updated")
    amounts = Plan.objects.order_by("amount").values_list("amount", flat=True)
    assert list(amounts) == [2900, 29000]


def test_a_price_that_is_archived_is_offered_no_more(sandbox: Sandbox, client: Client) -> None:
    sandbox.stripe.v1.prices.update(YEARLY, {"active": False})
    catalog.sync_current_plan()
    client.force_login(sign_up())
    assert "Yearly" not in client.get("/membership/").content.decode()
    answer = client.post("/membership/subscribe/", {"price": YEARLY}, follow=True)
    assert "on sale right now" in answer.content.decode()


def test_a_price_that_is_gone_is_not_on_sale_and_the_other_one_is(
    sandbox: Sandbox, client: Client, settings: Settings
) -> None:
    Plan.objects.create(
        stripe_id="price_gone",
        product_id="prod_1",
        name="Membership",
        amount=1900,
        currency="usd",
        interval="month",
        read_at=timezone.now(),
    )
    settings.STRIPE_PRICE_ID = "price_gone"
    Plan.objects.filter(stripe_id=YEARLY).update(amount=1)
    catalog.sync_current_plan()
    client.force_login(sign_up())
    text = client.get("/membership/").content.decode()
    assert "$290.00" in text
    assert "$19.00" not in text


def make_code(sandbox: Sandbox, **coupon: Any) -> None:
    wanted: Any = {"percent_off": 20, **coupon}
    made = sandbox.stripe.v1.coupons.create(wanted)
    sandbox.stripe.v1.promotion_codes.create(
        {"code": "SPRING", "promotion": {"type": "coupon", "coupon": made.id}}
    )


@pytest.mark.slow
@pytest.mark.parametrize(
    ("coupon", "words", "next_charge"),
    [
        ({"duration": "repeating", "duration_in_months": 3}, "20% off until", "$23.20"),
        ({"duration": "forever"}, "20% off every payment (code SPRING)", "$23.20"),
        ({"duration": "once"}, "", "$29.00"),
        ({"duration": "repeating", "duration_in_months": 1}, "20% off until", "$29.00"),
    ],
)
def test_a_promotion_code_shows_in_the_next_charge_and_until_when(
    sandbox: Sandbox, client: Client, coupon: dict[str, Any], words: str, next_charge: str
) -> None:
    make_code(sandbox, **coupon)
    alice = paid_member(sandbox, promotion_code="SPRING")
    client.force_login(alice)
    text = client.get("/membership/").content.decode()
    assert words in text
    assert f"Your next charge of {next_charge}" in text
    assert "$23.20" in client.get("/payments/").content.decode()


@pytest.mark.slow
def test_a_code_on_trial_takes_its_part_of_the_first_payment(
    sandbox: Sandbox, client: Client, settings: Settings
) -> None:
    trial = sandbox.stripe.v1.prices.create(
        {
            "currency": "usd",
            "unit_amount": 2900,
            "recurring": {"interval": "month"},
            "product": "prod_membership",
            "metadata": {"trial_days": "14"},
        }
    )
    settings.STRIPE_PRICE_ID = trial.id
    make_code(sandbox, duration="once")
    alice = paid_member(sandbox, promotion_code="SPRING")
    client.force_login(alice)
    text = client.get("/membership/").content.decode()
    assert "Free trial" in text
    assert "20% off your next payment (code SPRING)" in text
    assert "After that, you’ll be charged $23.20" in text


@pytest.mark.slow
def test_the_invoice_and_the_receipt_name_the_code(sandbox: Sandbox, client: Client) -> None:
    make_code(sandbox, duration="once")
    alice = paid_member(sandbox, promotion_code="SPRING")
    first = Invoice.objects.get()
    client.force_login(alice)
    page = client.get(f"/payments/invoices/{first.pk}/").content.decode()
    assert "Discount (code SPRING)" in page
    receipt = Message.objects.get(kind="joined", channel="email")
    text = rendering.render_email(receipt).text
    assert "Discount (code SPRING): −$5.80" in text

    # The next one costs all of it, and names nothing.
    sandbox.control("clock", advance="renewal")
    deliver(sandbox.events())
    later = Invoice.objects.latest("created_at")
    assert (later.discount, later.promotion_codes) == (0, "")
    assert missed_events.reconcile(repair=False).differences_left == 0
    Invoice.objects.filter(pk=first.pk).update(promotion_codes="")
    assert missed_events.reconcile(repair=True).differences_left == 0
    assert Invoice.objects.get(pk=first.pk).promotion_codes == "SPRING"


@pytest.mark.slow
def test_a_discount_without_a_code_is_a_discount(sandbox: Sandbox, client: Client) -> None:
    coupon = sandbox.stripe.v1.coupons.create({"percent_off": 20, "duration": "forever"})
    alice = sign_up()
    subscribe(sandbox, alice)
    sandbox.stripe.v1.subscriptions.update(
        sandbox.stripe.v1.subscriptions.list().data[0].id,
        {"discounts": [{"coupon": coupon.id}]},
    )
    sandbox.control("clock", advance="renewal")
    deliver(sandbox.events())
    invoice = Invoice.objects.latest("created_at")
    client.force_login(alice)
    page = client.get(f"/payments/invoices/{invoice.pk}/").content.decode()
    assert "<dt>Discount</dt>" in page


def test_codes_can_be_switched_off(sandbox: Sandbox, settings: Settings) -> None:
    alice = sign_up()
    checkout.start_membership(alice)
    session = sandbox.stripe.v1.checkout.sessions.retrieve(Checkout.objects.get().session_id)
    assert session.allow_promotion_codes
    settings.STRIPE_PROMOTION_CODES = False
    bob = sign_up("Bob Baker")
    checkout.start_membership(bob)
    session_id = Checkout.objects.for_user(bob).get().session_id
    assert not sandbox.stripe.v1.checkout.sessions.retrieve(session_id).allow_promotion_codes


@pytest.mark.slow
def test_credit_that_pays_the_next_period_is_said(sandbox: Sandbox, client: Client) -> None:
    alice = paid_member(sandbox)
    row = Subscription.objects.get()
    sandbox.stripe.v1.customers.update(row.customer.stripe_id, {"balance": -5000})
    deliver(sandbox.events())
    client.force_login(alice)
    assert "your card won’t be charged" in client.get("/membership/").content.decode()


@pytest.mark.slow
def test_the_discount_is_compared_with_stripes(sandbox: Sandbox) -> None:
    make_code(sandbox, duration="forever")
    paid_member(sandbox, promotion_code="SPRING")
    assert missed_events.reconcile(repair=False).differences_left == 0
    Subscription.objects.update(discounts=[])
    assert missed_events.reconcile(repair=False).differences_left == 1
    assert missed_events.reconcile(repair=True).differences_left == 0
    assert Subscription.objects.get().discounts[0]["code"] == "SPRING"


@pytest.mark.parametrize(
    ("typed", "days"),
    [("14", 14), (" 14 ", 14), *((text, 0) for text in ("14 days", "-3", "9999"))],
)
def test_a_trial_that_is_mistyped_in_the_dashboard_is_none(
    sandbox: Sandbox, settings: Settings, typed: str, days: int
) -> None:
    """The plan goes on being read, and sold: Stripe would refuse the number, or we couldn't."""
    change: Any = {"metadata": {"trial_days": typed}}
    sandbox.stripe.v1.prices.update(settings.STRIPE_PRICE_ID, change)
    assert catalog.sync_plan(settings.STRIPE_PRICE_ID).trial_days == days
