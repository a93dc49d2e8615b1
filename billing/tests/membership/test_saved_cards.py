"""Saved payment methods: listed, added, the default, removed, and used for a failed payment."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import Client
from django.urls import reverse
from django.utils import timezone
from pytest_django import DjangoAssertNumQueries

from billing.models import Customer, Invoice, Payment, PaymentMethod, Subscription
from billing.reconcile import comparison, history, missed_events
from billing.sync import methods
from billing.tests import factories
from billing.tests.life import DECLINED_LATER_CARD, GOOD_CARD, deliver, paid_member, sign_up
from conftest import HTTP, Sandbox
from members.models import AccountActivity, ActivityBy, ActivityKind
from portal.backoffice import close_account

pytestmark = pytest.mark.django_db
MASTERCARD = "5555555555554444"
AMEX = "378282246310005"
ASKS = "4000002500003155"
ASKS_ALWAYS = "4000002760003184"
DECLINED = "4000000000000002"


@pytest.fixture
def alice(sandbox: Sandbox, client: Client) -> User:
    """A member with a Visa card, who's signed in."""
    user = paid_member(sandbox)
    client.force_login(user)
    return user


def customer() -> str:
    return Customer.objects.latest("pk").stripe_id


def page(client: Client) -> str:
    return client.get(reverse("billing:cards")).content.decode()


def rows_of(client: Client) -> list[str]:
    """Return the page's rows as plain text."""
    rows = page(client).split("saved-card")[1:]
    texts = [re.sub(r"<dialog.*", "", row, flags=re.DOTALL) for row in rows]
    return [" ".join(re.sub(r"<[^>]+>", " ", text).split()) for text in texts]


def press(client: Client, name: str, method: PaymentMethod) -> str:
    answer = client.post(reverse(f"billing:{name}", args=[method.pk]), follow=True)
    return answer.content.decode()


def session_of(location: str) -> str:
    return location.rsplit("/", 1)[1]


def add(sandbox: Sandbox, client: Client, card: str = MASTERCARD) -> str:
    """Add a card on Stripe's page, and come back; the events arrive later."""
    session = session_of(client.post(reverse("billing:add-card"))["Location"])
    sandbox.control(f"checkout/{session}/complete", card=card, authenticate=True)
    return back(client, session)


def back(client: Client, session: str) -> str:
    answer = client.get(reverse("billing:card-added"), {"session_id": session}, follow=True)
    return answer.content.decode()


def method(last4: str) -> PaymentMethod:
    return PaymentMethod.objects.filter(card_last4=last4).latest("pk")


def at_stripe(sandbox: Sandbox) -> tuple[Any, Any]:
    """Return the default of the customer, and of the membership."""
    api = sandbox.stripe.v1
    settings = api.customers.retrieve(customer()).to_dict()["invoice_settings"]
    [subscription] = api.subscriptions.list({"customer": customer()}).data
    return settings["default_payment_method"], subscription.default_payment_method


def test_the_card_that_pays_is_listed(client: Client, alice: User) -> None:
    [row] = rows_of(client)
    assert "Visa ending in 4242" in row
    assert "Pays for your membership" in row
    assert "Remove" not in row
    assert not comparison.compare().differences


def test_a_second_card_becomes_the_default_and_the_first_is_removed(
    sandbox: Sandbox, client: Client, alice: User
) -> None:
    answer = add(sandbox, client)
    assert "Mastercard ending in 4444 is saved. Make it your default to pay with it." in answer
    assert Subscription.objects.get().card_last4 == "4242"
    answer = press(client, "default-card", method("4444"))
    assert "Your next charges go to Mastercard ending in 4444." in answer
    assert at_stripe(sandbox) == (method("4444").stripe_id, method("4444").stripe_id)
    assert Subscription.objects.get().card_last4 == "4444"
    assert Customer.objects.get().default_method_id == method("4444").stripe_id
    first, second = rows_of(client)
    assert "Mastercard" in first
    assert "Default" in first
    assert "Remove Visa ending in 4242" in second
    assert "Visa ending in 4242 is removed." in press(client, "remove-card", method("4242"))
    assert len(rows_of(client)) == 1
    deliver(sandbox.events())
    assert len(rows_of(client)) == 1
    assert not comparison.compare().differences
    sandbox.control("clock", advance="renewal")
    deliver(sandbox.events())
    assert Payment.objects.latest("created_at").card_last4 == "4444"


def test_the_card_that_pays_is_not_removed(sandbox: Sandbox, client: Client, alice: User) -> None:
    answer = press(client, "remove-card", method("4242"))
    assert "It pays for your membership. Choose another default first." in answer
    assert method("4242").card_brand == "visa"
    # In another tab, the first card became the one that pays again.
    add(sandbox, client)
    press(client, "default-card", method("4444"))
    old = PaymentMethod.objects.get(card_last4="4242")
    api: Any = sandbox.stripe.v1
    [subscription] = api.subscriptions.list({"customer": customer()}).data
    api.subscriptions.update(subscription.id, {"default_payment_method": old.stripe_id})
    assert "It pays for your membership." in press(client, "remove-card", old)


def test_a_card_of_an_ending_membership_can_be_removed(
    sandbox: Sandbox, client: Client, alice: User
) -> None:
    api: Any = sandbox.stripe.v1
    [subscription] = api.subscriptions.list({"customer": customer()}).data
    api.subscriptions.update(subscription.id, {"cancel_at_period_end": True})
    deliver(sandbox.events())
    assert "is removed." in press(client, "remove-card", method("4242"))
    assert rows_of(client) == []


def test_a_payment_under_way_keeps_its_account(client: Client, alice: User) -> None:
    row = Customer.objects.get()
    bank = PaymentMethod.objects.create(
        customer=row,
        stripe_id="pm_bank",
        kind="us_bank_account",
        card_brand="us_bank_account",
        card_last4="6789",
        created_at=timezone.now(),
        read_at=timezone.now(),
    )
    factories.make_payment(row, status="processing", method_id="pm_bank")
    assert "A payment of $29.00 with it is under way." in press(client, "remove-card", bank)
    assert any("Bank account ending in 6789" in row for row in rows_of(client))


def test_the_bank_confirms_a_card_before_it_is_saved(
    sandbox: Sandbox, client: Client, alice: User
) -> None:
    location = client.post(reverse("billing:add-card"))["Location"]
    form = {"number": ASKS, "expiry": "12 / 34", "cvc": "123", "email": "alice@example.com"}
    assert "Nothing is charged now." in HTTP.get(location).text
    asked = HTTP.post(location, data=form)
    assert "3D Secure" in asked.text or "3-D Secure" in asked.text or "bank" in asked.text
    assert HTTP.post(location, data=form | {"authenticate": "false"}).status_code == 402
    assert HTTP.post(location, data=form | {"number": DECLINED}).status_code == 402
    assert "No card was saved." in back(client, session_of(location))
    assert HTTP.post(location, data=form | {"authenticate": "true"}).status_code == 303
    assert "Visa ending in 3155 is saved." in back(client, session_of(location))
    assert len(rows_of(client)) == 2


def test_a_first_card_is_the_default(sandbox: Sandbox, client: Client) -> None:
    client.force_login(sign_up("Bob Baker"))
    assert "No cards yet" in page(client)
    assert "Mastercard ending in 4444 is saved, and it’s your default now." in add(sandbox, client)
    assert Customer.objects.get().default_method_id == method("4444").stripe_id


def test_coming_back_twice_or_without_adding_changes_nothing(
    sandbox: Sandbox, client: Client, alice: User
) -> None:
    session = session_of(client.post(reverse("billing:add-card"))["Location"])
    assert "No card was saved. Nothing changed." in back(client, session)
    assert "No card was saved. Nothing changed." in back(client, "cs_test_none")
    sandbox.control(f"checkout/{session}/complete", card=MASTERCARD, authenticate=True)
    for _ in range(2):
        assert "Mastercard ending in 4444 is saved." in back(client, session)
    assert len(rows_of(client)) == 2


def test_the_same_card_saved_twice_is_one_row_and_removed_as_one(
    sandbox: Sandbox, client: Client, alice: User
) -> None:
    add(sandbox, client)
    add(sandbox, client)
    add(sandbox, client, GOOD_CARD)
    assert PaymentMethod.objects.count() == 4
    assert len(rows_of(client)) == 2
    # The copy of the card that pays isn't removed by itself.
    copy = PaymentMethod.objects.filter(card_last4="4242").latest("created_at", "pk")
    assert "It pays for your membership." in press(client, "remove-card", copy)
    press(client, "remove-card", method("4444"))
    assert len(rows_of(client)) == 1
    assert not PaymentMethod.objects.filter(card_last4="4444").exists()


def test_a_card_saved_with_two_customers_of_one_person_is_one_row(
    sandbox: Sandbox, client: Client, alice: User
) -> None:
    made = sandbox.stripe.v1.customers.create(
        {"payment_method": "pm_card_visa", "metadata": {"portal_user": str(alice.pk)}}
    )
    deliver(sandbox.events())
    methods.sync_methods(made.id)
    assert Customer.objects.filter(user=alice).count() == 2
    [row] = rows_of(client)
    assert "Pays for your membership" in row


def test_what_the_dashboard_changes_is_shown(sandbox: Sandbox, client: Client, alice: User) -> None:
    api: Any = sandbox.stripe.v1
    made = api.payment_methods.attach("pm_card_amex", {"customer": customer()})
    deliver(sandbox.events())
    assert any("American Express ending in 0005" in row for row in rows_of(client))
    api.customers.update(customer(), {"invoice_settings": {"default_payment_method": made.id}})
    api.payment_methods.update(made.id, {"card": {"exp_month": 1, "exp_year": 2020}})
    deliver(sandbox.events())
    [expired] = [row for row in rows_of(client) if "American Express" in row]
    assert "Expired 01/2020" in expired or "Expired 1/2020" in expired
    assert "Default" in expired
    api.payment_methods.detach(made.id)
    # The page was opened before the card was removed there.
    gone = method("0005")
    assert "This card isn’t saved anymore." in press(client, "default-card", gone)
    assert not PaymentMethod.objects.filter(pk=gone.pk).exists()
    deliver(sandbox.events())
    assert len(rows_of(client)) == 1


def test_a_card_removed_in_another_tab_is_gone_here(
    sandbox: Sandbox, client: Client, alice: User
) -> None:
    add(sandbox, client)
    gone = method("4444")
    sandbox.stripe.v1.payment_methods.detach(gone.stripe_id)
    assert "Mastercard ending in 4444 is removed." in press(client, "remove-card", gone)
    assert len(rows_of(client)) == 1


def test_htmx_gets_the_list_with_what_is_true_now(
    sandbox: Sandbox, client: Client, alice: User
) -> None:
    add(sandbox, client)
    url = reverse("billing:default-card", args=[method("4444").pk])
    text = client.post(url, headers={"HX-Request": "true"}).content.decode()
    assert "<html" not in text
    assert "Your next charges go to Mastercard ending in 4444." in text
    assert "Pays for your membership" in text


def test_htmx_removes_a_card_in_place(sandbox: Sandbox, client: Client, alice: User) -> None:
    add(sandbox, client)
    htmx = {"HX-Request": "true"}
    url = reverse("billing:remove-card", args=[method("4444").pk])
    assert f'hx-post="{url}" hx-target="#saved"' in page(client)
    text = client.post(url, headers=htmx).content.decode()
    assert "<html" not in text
    assert "Mastercard ending in 4444 is removed." in text
    assert "Remove Mastercard" not in text
    used = reverse("billing:remove-card", args=[method("4242").pk])
    text = client.post(used, headers=htmx).content.decode()
    assert "It pays for your membership. Choose another default first." in text
    # What's said in place isn't said again by the next page.
    assert "is removed." not in page(client)


def test_strangers_get_404(sandbox: Sandbox, client: Client, alice: User) -> None:
    mallory = Client()
    mallory.force_login(sign_up("Mallory Moss"))
    mine = method("4242")
    for name in ("default-card", "remove-card"):
        assert mallory.post(reverse(f"billing:{name}", args=[mine.pk])).status_code == 404
    invoice = Invoice.objects.get()
    for name in ("pay-again", "pay-with-another"):
        assert mallory.post(reverse(f"billing:{name}", args=[invoice.pk])).status_code == 404
    session = session_of(client.post(reverse("billing:add-card"))["Location"])
    sandbox.control(f"checkout/{session}/complete", card=MASTERCARD, authenticate=True)
    assert "No card was saved." in back(mallory, session)


def test_stripe_away_is_said(sandbox: Sandbox, client: Client, alice: User) -> None:
    sandbox.control("switches", api_fail=1)
    answer = client.post(reverse("billing:add-card"), follow=True).content.decode()
    assert "Please try again in a moment." in answer
    assert "Please try again in a moment." in press(client, "default-card", method("4242"))
    assert "Please try again in a moment." in press(client, "remove-card", method("4242"))


def activity(user: User) -> list[tuple[Any, ...]]:
    """Return what the list of activity has of cards, oldest first: what, which, by whom, where."""
    kinds = (ActivityKind.CARD, ActivityKind.CARD_ADDED, ActivityKind.CARD_REMOVED)
    rows = AccountActivity.objects.filter(user=user, kind__in=kinds).order_by("pk")
    return list(rows.values_list("kind", "detail", "by", "ip"))


def test_adding_choosing_and_removing_a_card_are_in_the_activity_once(
    sandbox: Sandbox, client: Client, alice: User
) -> None:
    new, old = "Mastercard ending in 4444", "Visa ending in 4242"
    session = session_of(client.post(reverse("billing:add-card"))["Location"])
    sandbox.control(f"checkout/{session}/complete", card=MASTERCARD, authenticate=True)
    here = (ActivityBy.MEMBER, "127.0.0.1")
    for _ in range(2):
        back(client, session)
    assert activity(alice) == [(ActivityKind.CARD_ADDED, new, *here)]
    for _ in range(2):
        press(client, "default-card", method("4444"))
    assert activity(alice)[1:] == [(ActivityKind.CARD, new, *here)]
    first = method("4242")
    for _ in range(2):
        press(client, "remove-card", first)
    assert activity(alice)[2:] == [(ActivityKind.CARD_REMOVED, old, *here)]
    # What Stripe tells us of it later is the same change.
    deliver(sandbox.events())
    assert len(activity(alice)) == 3
    text = client.get("/account/activity/").content.decode()
    for title in ("A card was added", "The card we charge changed", "A card was removed"):
        assert title in text


def test_what_is_refused_is_not_in_the_activity(
    sandbox: Sandbox, client: Client, alice: User
) -> None:
    press(client, "remove-card", method("4242"))
    session = session_of(client.post(reverse("billing:add-card"))["Location"])
    back(client, session)
    sandbox.control("switches", api_fail=1)
    press(client, "default-card", method("4242"))
    assert activity(alice) == []


def test_a_card_changed_in_the_dashboard_is_not_the_members(
    sandbox: Sandbox, client: Client, alice: User
) -> None:
    api: Any = sandbox.stripe.v1
    made = api.payment_methods.attach("pm_card_amex", {"customer": customer()})
    [subscription] = api.subscriptions.list({"customer": customer()}).data
    api.subscriptions.update(subscription.id, {"default_payment_method": made.id})
    deliver(sandbox.events())
    assert activity(alice) == [
        (ActivityKind.CARD, "American Express ending in 0005", ActivityBy.STRIPE, None)
    ]


def test_few_statements(
    client: Client, alice: User, django_assert_max_num_queries: DjangoAssertNumQueries
) -> None:
    with django_assert_max_num_queries(7):
        page(client)


# The copy


def test_lost_rows_are_found_and_repaired(sandbox: Sandbox, alice: User) -> None:
    PaymentMethod.objects.all().delete()
    [difference] = comparison.compare().differences
    assert (difference.object, difference.ours) == ("payment_method", "missing")
    missed_events.reconcile(repair=True)
    assert method("4242").card_brand == "visa"
    PaymentMethod.objects.update(card_expires="2020-01")
    missed_events.reconcile(repair=True)
    assert not comparison.compare().differences
    extra = sandbox.stripe.v1.payment_methods.attach("pm_card_amex", {"customer": customer()})
    methods.sync_methods(customer())
    sandbox.stripe.v1.payment_methods.detach(extra.id)
    assert comparison.compare().differences
    missed_events.reconcile(repair=True)
    assert not PaymentMethod.objects.filter(stripe_id=extra.id).exists()


def test_an_import_reads_them(sandbox: Sandbox, alice: User) -> None:
    PaymentMethod.objects.all().delete()
    history.read_history(customer())
    assert method("4242").card_brand == "visa"


def test_an_older_list_does_not_undo_a_newer(sandbox: Sandbox, alice: User) -> None:
    later = timezone.now() + timedelta(hours=1)
    Customer.objects.update(methods_read_at=later)
    PaymentMethod.objects.all().delete()
    methods.sync_methods(customer())
    assert not PaymentMethod.objects.exists()


def test_nothing_is_left_of_people_who_leave(sandbox: Sandbox, alice: User) -> None:
    close_account.close_account(alice)
    assert not PaymentMethod.objects.exists()
    deliver(sandbox.events())
    assert not PaymentMethod.objects.exists()


def test_a_customer_deleted_at_stripe_has_none(sandbox: Sandbox, alice: User) -> None:
    sandbox.stripe.v1.customers.delete(customer())
    deliver(sandbox.events())
    assert not PaymentMethod.objects.exists()


# A payment that failed


@pytest.fixture
def failed(sandbox: Sandbox, client: Client) -> Invoice:
    """A renewal that the card didn't pay."""
    user = paid_member(sandbox, card=DECLINED_LATER_CARD)
    client.force_login(user)
    sandbox.control("clock", advance="renewal")
    deliver(sandbox.events())
    return Invoice.objects.get(status="open")


@pytest.mark.slow
def test_another_card_pays_it_and_what_comes(
    sandbox: Sandbox, client: Client, failed: Invoice
) -> None:
    for url in ("/", "/membership/"):
        text = client.get(url).content.decode()
        assert "Pay with another card" in text
        assert "Try Visa ending in 0341 again" in text
    location = client.post(reverse("billing:pay-with-another", args=[failed.pk]))["Location"]
    session = session_of(location)
    sandbox.control(f"checkout/{session}/complete", card=MASTERCARD, authenticate=True)
    answer = back(client, session)
    assert "Payment received: $29.00. Mastercard ending in 4444 also pays from now on." in answer
    # Home says so before Stripe's events tell.
    assert "didn’t go through" not in answer
    assert Subscription.objects.get().status == "active"
    assert "Pay with another card" not in answer
    failed.refresh_from_db()
    assert failed.status == "paid"
    assert Subscription.objects.get().card_last4 == "4444"
    # Reloading pays nothing again.
    back(client, session)
    deliver(sandbox.events())
    assert Payment.objects.filter(invoice=failed, status="succeeded").count() == 1
    assert Subscription.objects.get().status == "active"


@pytest.mark.slow
def test_the_same_card_is_tried_again(sandbox: Sandbox, client: Client, failed: Invoice) -> None:
    url = reverse("billing:pay-again", args=[failed.pk])
    sandbox.control("switches", api_fail=1)
    assert "Please try again in a moment." in client.post(url, follow=True).content.decode()
    sandbox.control("switches", api_fail=0)
    answer = client.post(url, follow=True).content.decode()
    assert "Your bank declined the card." in answer
    assert "Try Visa ending in 0341 again" in answer
    sandbox.control(f"customers/{customer()}/card", card=GOOD_CARD)
    deliver(sandbox.events())
    answer = client.post(url, follow=True).content.decode()
    assert "Payment received: $29.00 with Visa ending in 4242." in answer
    assert "This is paid." in client.post(url, follow=True).content.decode()
    failed.refresh_from_db()
    assert failed.status == "paid"


@pytest.mark.slow
def test_a_declined_card_says_why_and_stays_open(
    sandbox: Sandbox, client: Client, failed: Invoice
) -> None:
    location = client.post(reverse("billing:pay-with-another", args=[failed.pk]))["Location"]
    form = {"number": DECLINED, "expiry": "12 / 34", "cvc": "123", "email": "alice@example.com"}
    assert HTTP.post(location, data=form).status_code == 402
    assert "No card was saved. Nothing changed." in back(client, session_of(location))
    failed.refresh_from_db()
    assert failed.status == "open"
    session = session_of(location)
    sandbox.control(f"checkout/{session}/complete", card=DECLINED_LATER_CARD, authenticate=True)
    for _ in range(2):
        assert "Your bank declined the card." in back(client, session)
    failed.refresh_from_db()
    assert failed.status == "open"


@pytest.mark.slow
def test_a_card_whose_bank_asks_each_time_is_confirmed_on_the_invoices_page(
    sandbox: Sandbox, client: Client, failed: Invoice
) -> None:
    location = client.post(reverse("billing:pay-with-another", args=[failed.pk]))["Location"]
    session = session_of(location)
    sandbox.control(f"checkout/{session}/complete", card=ASKS_ALWAYS, authenticate=True)
    answer = back(client, session)
    assert "Your bank wants you to confirm this payment." in answer
    assert "Confirm $29.00" in answer
