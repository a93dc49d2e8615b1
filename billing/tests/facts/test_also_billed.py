"""What else Stripe charges a member for: shown, named, and never mistaken for the membership."""

from __future__ import annotations

import re
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import Client
from django.urls import reverse
from pytest_django import Settings

from billing.facts import daily, memberships, statements
from billing.membership import checkout
from billing.models import MembershipDecision, MemberSpan, Payment, Plan, Subscription
from billing.reconcile import comparison
from billing.sync import catalog, refresh
from billing.tests.life import (
    DECLINED_LATER_CARD,
    GOOD_CARD,
    deliver,
    member_with_card,
    sign_up,
    subscribe,
)
from billing.tests.staff_world import manager
from conftest import Sandbox
from emails import rendering
from emails.models import Message
from portal.backoffice.home import business

pytestmark = pytest.mark.django_db

MONTHLY, YEARLY = "price_membership_monthly", "price_membership_yearly"
DAY = 86_400


def price_of(sandbox: Sandbox, name: str, amount: int, interval: str = "month") -> str:
    """Make something else that is sold, and return its price."""
    made = sandbox.stripe.v1.prices.create(
        {
            "currency": "usd",
            "unit_amount": amount,
            "recurring": {"interval": interval},
            "product_data": {"name": name},
        }
    )
    return made.id


def rent(sandbox: Sandbox, customer: str, *prices: str, quantity: int = 1) -> str:
    """Sell something in Stripe's dashboard; return the subscription's id. Of the first so many."""
    items: list[Any] = [{"price": price} for price in prices]
    items[0]["quantity"] = quantity
    return sandbox.stripe.v1.subscriptions.create({"customer": customer, "items": items}).id


def member_with_locker(sandbox: Sandbox) -> User:
    """Return a member who also rents a locker for $9.00 a month."""
    alice = member_with_card(sandbox)
    rent(sandbox, alice.customers.get().stripe_id, _locker(sandbox))
    deliver(sandbox.events())
    return alice


def text_of(client: Client, path: str) -> str:
    """Return what a page says, without tags."""
    html = client.get(path, follow=True).content.decode()
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", html))


def kinds() -> list[str]:
    return list(
        Message.objects.filter(channel="email").order_by("pk").values_list("kind", flat=True)
    )


@pytest.mark.slow
def test_it_is_shown_beside_the_membership_and_named_in_its_receipt(
    sandbox: Sandbox, client: Client
) -> None:
    alice = member_with_locker(sandbox)
    assert kinds() == ["joined", "payment_received"]
    receipt = Message.objects.filter(kind="payment_received").latest("pk")
    assert receipt.context["description"].startswith("Locker rental, ")
    assert receipt.context["amount"] == "$9.00"
    client.force_login(alice)
    page = text_of(client, "/membership/")
    assert "$29.00 a month" in page
    assert "Also billed" in page
    assert "Locker rental" in page
    assert "$9.00 a month Next charge of $9.00 on" in page
    assert "Your next charge of $29.00" in page
    assert "Locker rental, " in text_of(client, "/payments/")
    home = text_of(client, "/")
    assert "Your next charge of $29.00" in home
    assert "Also billed Locker rental $9.00 a month" in home


def test_statement_and_file_name_it(sandbox: Sandbox) -> None:
    alice = member_with_locker(sandbox)
    rows = [row[1].split(",")[0] for row in statements.rows_of(alice)]
    assert sorted(rows) == ["Locker rental", "Membership"]


@pytest.mark.slow
def test_cancelling_ends_the_membership_and_says_what_goes_on(
    sandbox: Sandbox, client: Client
) -> None:
    alice = member_with_locker(sandbox)
    client.force_login(alice)
    page = text_of(client, "/membership/cancel/")
    assert "Locker rental ($9.00 a month) doesn’t end with this. Next charge of $9.00 on" in page
    client.post("/membership/cancel/", {"reason": "", "comment": ""})
    deliver(sandbox.events())
    ending = Subscription.objects.memberships().get()
    assert ending.cancel_at_period_end
    assert not Subscription.objects.others().get().cancel_at_period_end
    mail = Message.objects.get(kind="membership_ends", channel="email")
    assert mail.context["goes_on"] == ["Locker rental ($9.00 a month) continues."]


@pytest.mark.slow
def test_who_has_only_the_locker_is_no_member_and_can_join(
    sandbox: Sandbox, client: Client
) -> None:
    alice = sign_up()
    customer = checkout.customer_of(alice).stripe_id
    sandbox.control(f"customers/{customer}/card", card=GOOD_CARD)
    rent(sandbox, customer, price_of(sandbox, "Locker rental", 900))
    deliver(sandbox.events())
    assert kinds() == ["payment_received"]
    client.force_login(alice)
    page = text_of(client, "/membership/")
    assert "Subscribe for $29.00 a month" in page
    assert "Also billed" in page
    subscribe(sandbox, alice)
    deliver(sandbox.events())
    assert memberships.current(alice) is not None
    assert kinds().count("joined") == 1


@pytest.mark.slow
def test_its_failed_payment_and_its_end_are_not_the_memberships(
    sandbox: Sandbox, client: Client
) -> None:
    alice = member_with_locker(sandbox)
    locker = Subscription.objects.others().get()
    sandbox.control(f"customers/{alice.customers.get().stripe_id}/card", card=DECLINED_LATER_CARD)
    keep_paying(sandbox, alice)
    sandbox.control("clock", advance_seconds=32 * DAY)
    deliver(sandbox.events())
    failed = Message.objects.get(kind="payment_failed", channel="email")
    assert failed.context["description"].startswith("Locker rental, ")
    assert "still a member" not in rendering.render_email(failed).text
    client.force_login(alice)
    page = text_of(client, "/membership/")
    assert "Your payment of $9.00 for Locker rental didn’t go through" in page
    assert "Your next charge of $29.00" in page
    assert business.business().payment_failed == 0
    sandbox.stripe.v1.subscriptions.cancel(locker.stripe_id)
    deliver(sandbox.events())
    assert "membership_ended" not in kinds()
    assert memberships.current(alice) is not None


def keep_paying(sandbox: Sandbox, user: User) -> None:
    """Let a good card pay for the membership, whatever the customer's default is."""
    customer = user.customers.get().stripe_id
    stripe = sandbox.stripe.v1
    declined = stripe.payment_methods.list({"customer": customer}).data[0].id
    good = sandbox.control(f"customers/{customer}/card", card=GOOD_CARD)["id"]
    membership = Subscription.objects.memberships().get()
    stripe.subscriptions.update(membership.stripe_id, {"default_payment_method": good})
    stripe.customers.update(customer, {"invoice_settings": {"default_payment_method": declined}})


@pytest.mark.slow
def test_staff_count_memberships_only(sandbox: Sandbox, client: Client) -> None:
    alice = member_with_locker(sandbox)
    daily.refresh_all()
    # The locker is revenue every month, too, but makes nobody a member.
    spans = MemberSpan.objects.filter(until=None).values_list("user_id", "mrr", "is_member")
    assert list(spans) == [(alice.pk, 2900 + 900, True)]
    client.force_login(manager())
    everything = text_of(client, reverse("admin:billing_subscription_changelist"))
    assert "Locker rental (not a membership)" in everything
    address = reverse("admin:billing_subscription_changelist") + "?kind=membership"
    assert "Locker rental" not in text_of(client, address)
    bob = sign_up("Bob Baker")
    customer = checkout.customer_of(bob).stripe_id
    sandbox.control(f"customers/{customer}/card", card=GOOD_CARD)
    rent(sandbox, customer, price_of(sandbox, "Towel service", 500))
    deliver(sandbox.events())
    users = reverse("admin:auth_user_changelist")
    members = text_of(client, f"{users}?membership=yes")
    assert alice.email in members
    assert bob.email not in members
    assert bob.email in text_of(client, f"{users}?membership=no")


@pytest.mark.slow
def test_a_subscription_of_several_items_shows_and_sums_all(
    sandbox: Sandbox, client: Client, settings: Settings
) -> None:
    settings.STRIPE_YEARLY_PRICE_ID = YEARLY
    catalog.sync_current_plan()
    alice = sign_up()
    customer = checkout.customer_of(alice).stripe_id
    sandbox.control(f"customers/{customer}/card", card=GOOD_CARD)
    # The locker comes first: the membership is told by its product, not by its place.
    rent(sandbox, customer, _locker(sandbox), MONTHLY, quantity=2)
    deliver(sandbox.events())
    row = Subscription.objects.get()
    assert row.is_membership
    assert (row.price_id, row.amount, row.plan_amount) == (MONTHLY, 4700, 2900)
    client.force_login(alice)
    page = text_of(client, "/membership/")
    assert "2 × Locker rental and Membership" in page
    assert "$47.00 a month" in page
    assert "2 × Locker rental $18.00 a month" in page
    assert "You also pay for 2 × Locker rental with your membership." in page
    assert "Switch to yearly" not in page
    yearly = reverse("billing:switch", args=[Plan.objects.get(stripe_id=YEARLY).pk])
    assert "To switch plans, write to" in text_of(client, yearly)
    leaving = text_of(client, "/membership/cancel/")
    assert "2 × Locker rental ($18.00 a month) ends too" in leaving
    daily.refresh_all()
    assert MemberSpan.objects.get(until=None).mrr == 4700
    description = Message.objects.get(kind="joined", channel="email").context
    assert description["description"].startswith("Locker rental and Membership, ")


@pytest.mark.slow
def test_a_switch_names_the_memberships_item(
    sandbox: Sandbox, client: Client, settings: Settings
) -> None:
    settings.STRIPE_YEARLY_PRICE_ID = YEARLY
    catalog.sync_current_plan()
    alice = sign_up()
    customer = checkout.customer_of(alice).stripe_id
    sandbox.control(f"customers/{customer}/card", card=GOOD_CARD)
    locker = price_of(sandbox, "Locker rental", 9900, "year")
    earlier = sandbox.stripe.v1.prices.create(
        {
            "product": "prod_membership",
            "currency": "usd",
            "unit_amount": 30_000,
            "recurring": {"interval": "year"},
        }
    )
    # An old price of the plan's product counts, too.
    made = rent(sandbox, customer, locker, earlier.id)
    deliver(sandbox.events())
    assert Subscription.objects.get().is_membership
    client.force_login(alice)
    address = reverse("billing:switch", args=[Plan.objects.get(stripe_id=YEARLY).pk])
    html = client.get(address, follow=True).content.decode()
    match = re.search(r'name="shown" value="([^"]+)"', html)
    assert match
    client.post(address, {"shown": match[1]})
    deliver(sandbox.events())
    after = sandbox.stripe.v1.subscriptions.retrieve(made)
    assert [item.price.id for item in after["items"].data] == [locker, YEARLY]
    row = Subscription.objects.get()
    assert (row.price_id, row.amount) == (YEARLY, 38_900)
    assert MembershipDecision.objects.get().state == "confirmed"


def test_who_was_sold_two_memberships_in_one_is_told_the_quantity(
    sandbox: Sandbox, client: Client, settings: Settings
) -> None:
    settings.STRIPE_YEARLY_PRICE_ID = YEARLY
    catalog.sync_current_plan()
    alice = sign_up()
    customer = checkout.customer_of(alice).stripe_id
    sandbox.control(f"customers/{customer}/card", card=GOOD_CARD)
    rent(sandbox, customer, MONTHLY, quantity=2)
    deliver(sandbox.events())
    client.force_login(alice)
    page = text_of(client, "/membership/")
    assert "2 × Membership" in page
    assert "$58.00 a month" in page
    assert "You pay for 2 × Membership together." in page


def test_the_plan_is_read_before_it_decides(sandbox: Sandbox) -> None:
    alice = sign_up()
    customer = checkout.customer_of(alice).stripe_id
    sandbox.control(f"customers/{customer}/card", card=GOOD_CARD)
    rent(sandbox, customer, MONTHLY)
    assert not Plan.objects.exists()
    deliver(sandbox.events())
    assert Subscription.objects.get().is_membership


def test_another_product_on_sale_makes_its_subscriptions_memberships(
    sandbox: Sandbox, settings: Settings
) -> None:
    alice = member_with_locker(sandbox)
    row = Subscription.objects.others().get()
    settings.STRIPE_PRICE_ID = row.price_id
    catalog.sync_current_plan()
    # Of the earlier product members stay members.
    assert Subscription.objects.memberships().count() == 2
    assert "joined" in kinds()
    assert kinds().count("joined") == 1
    assert memberships.current(alice)


@pytest.mark.slow
def test_a_renamed_product_is_renamed_everywhere(sandbox: Sandbox, client: Client) -> None:
    alice = member_with_locker(sandbox)
    product = Subscription.objects.others().get().parts[0].product_id
    sandbox.stripe.v1.products.update(product, {"name": "Large locker"})
    deliver(sandbox.events())
    client.force_login(alice)
    assert "Large locker" in text_of(client, "/membership/")
    assert "Large locker, " in text_of(client, "/payments/")
    assert "Locker rental" not in text_of(client, "/membership/")


def test_rows_of_before_are_read_again(sandbox: Sandbox) -> None:
    member_with_locker(sandbox)
    Subscription.objects.update(items=[], is_membership=True, name="Membership")
    refresh.read_unknown_items()
    assert Subscription.objects.others().get().name == "Locker rental"
    assert Subscription.objects.memberships().get().name == "Membership"
    assert kinds() == ["joined", "payment_received"]


@pytest.mark.slow
def test_a_locker_payment_is_refunded_without_touching_the_membership(
    sandbox: Sandbox, client: Client
) -> None:
    alice = member_with_locker(sandbox)
    paid = Payment.objects.get(amount=900)
    client.force_login(alice)
    page = text_of(client, reverse("billing:request-refund", args=[paid.pk]))
    assert "What about your membership?" not in page
    membership = Payment.objects.get(amount=2900)
    page = text_of(client, reverse("billing:request-refund", args=[membership.pk]))
    assert "What about your membership?" in page


def test_no_offer_to_stay_is_for_the_locker(sandbox: Sandbox, client: Client) -> None:
    alice = sign_up()
    customer = checkout.customer_of(alice).stripe_id
    sandbox.control(f"customers/{customer}/card", card=GOOD_CARD)
    rent(sandbox, customer, _locker(sandbox))
    deliver(sandbox.events())
    client.force_login(alice)
    assert client.get("/membership/cancel/").status_code == 302
    client.post("/membership/cancel/", {"reason": "", "comment": ""})
    client.post("/membership/stay/", {"reason": "", "comment": ""})
    assert not MembershipDecision.objects.exists()


def test_nothing_differs_from_stripe(sandbox: Sandbox) -> None:
    member_with_locker(sandbox)
    assert comparison.compare().differences == []


def _locker(sandbox: Sandbox) -> str:
    return price_of(sandbox, "Locker rental", 900)
