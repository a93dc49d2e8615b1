"""Customers and subscriptions made in Stripe's dashboard find their member."""

from __future__ import annotations

from typing import Any

import pytest
from allauth.account.models import EmailAddress
from django.contrib.auth.models import User
from django.test import Client
from django.urls import reverse

from billing import tasks
from billing.core.statuses import EventState
from billing.models import (
    Customer,
    Invoice,
    Payment,
    StripeEvent,
    Subscription,
    UnassignedCustomer,
)
from billing.sync import assignment
from billing.tests.life import deliver, sign_up
from billing.tests.staff_world import auditor, support
from conftest import Sandbox, run_jobs
from members.accounts import open_account

pytestmark = pytest.mark.django_db


def verify(user: User, email: str = "") -> User:
    """Let the user prove an address."""
    EmailAddress.objects.create(user=user, email=email or user.email, verified=True, primary=True)
    return user


def made_in_the_dashboard(sandbox: Sandbox, email: str) -> str:
    """Make a customer with a running subscription that knows nothing of us; return its id."""
    stripe = sandbox.stripe.v1
    customer = stripe.customers.create({"email": email, "name": "Somebody"}).id
    sandbox.control(f"customers/{customer}/card", card="4242424242424242")
    stripe.subscriptions.create(
        {"customer": customer, "items": [{"price": "price_membership_monthly"}]}
    )
    return customer


def test_a_verified_address_matches_whatever_its_case(sandbox: Sandbox) -> None:
    alice = verify(sign_up())
    made_in_the_dashboard(sandbox, "ALICE@example.com")
    deliver(sandbox.events())
    assert Subscription.objects.for_user(alice).get().status == "active"
    assert Invoice.objects.for_user(alice).get().status == "paid"
    assert Payment.objects.for_user(alice).count() == 1
    assert not UnassignedCustomer.objects.exists()


def test_a_domain_beyond_ascii_matches_whatever_its_spelling(sandbox: Sandbox) -> None:
    jan = open_account("jan@żółw.example", "Jan Nowak")
    made_in_the_dashboard(sandbox, "Jan@XN--W-uga1v8h.example")
    deliver(sandbox.events())
    assert Subscription.objects.for_user(jan).get().status == "active"
    ewa = open_account("ewa@xn--w-uga1v8h.example", "Ewa Nowak")
    assert assignment.owner_of_address("EWA@ŻÓŁW.example") == ewa


@pytest.mark.slow
def test_staff_assign_by_any_spelling(sandbox: Sandbox) -> None:
    made_in_the_dashboard(sandbox, "other@example.com")
    deliver(sandbox.events())
    jan = open_account("jan@żółw.example", "Jan Nowak")
    answer = press_assign(support(), UnassignedCustomer.objects.get(), "Jan@ŻÓŁW.example")
    assert "belongs to Jan Nowak now" in answer.content.decode()
    assert Customer.objects.get().user == jan


def test_metadata_goes_before_the_address(sandbox: Sandbox) -> None:
    verify(sign_up())
    bob = sign_up("Bob Baker")
    sandbox.stripe.v1.customers.create(
        {"email": "alice@example.com", "metadata": {"portal_user": str(bob.pk)}}
    )
    sandbox.stripe.v1.customers.update(
        sandbox.stripe.v1.customers.list().data[0].id, {"name": "Bob"}
    )
    deliver(sandbox.events())
    assert Customer.objects.get().user == bob


@pytest.mark.slow
@pytest.mark.parametrize("why", ["unverified", "inactive", "has a customer", "nobody"])
def test_without_proof_it_is_listed_for_staff(sandbox: Sandbox, why: str) -> None:
    alice = sign_up()
    if why == "inactive":
        verify(alice)
        User.objects.update(is_active=False)
    if why == "has a customer":
        verify(alice)
        sandbox.stripe.v1.customers.create({"metadata": {"portal_user": str(alice.pk)}})
        customer = sandbox.stripe.v1.customers.list().data[0].id
        sandbox.stripe.v1.customers.update(customer, {"name": "Alice"})
    email = "nobody@example.com" if why == "nobody" else alice.email
    stranger = made_in_the_dashboard(sandbox, email)
    deliver(sandbox.events())
    assert UnassignedCustomer.objects.get().stripe_id == stranger
    assert not Subscription.objects.exists()
    notes = StripeEvent.objects.filter(customer_id=stranger, type="customer.subscription.created")
    assert notes.get().state == EventState.IGNORED
    assert "no member of ours" in notes.get().error


@pytest.mark.slow
def test_verifying_the_address_later_is_enough(sandbox: Sandbox) -> None:
    made_in_the_dashboard(sandbox, "alice@example.com")
    deliver(sandbox.events())
    alice = verify(sign_up())
    tasks.match_customers(0)
    run_jobs()
    assert Subscription.objects.for_user(alice).get().status == "active"
    assert Payment.objects.for_user(alice).count() == 1
    assert not UnassignedCustomer.objects.exists()
    left = StripeEvent.objects.filter(type__startswith="customer.subscription")
    assert {event.state for event in left} == {EventState.PROCESSED}


@pytest.mark.slow
def test_of_two_customers_with_one_address_staff_choose(sandbox: Sandbox) -> None:
    for _ in range(2):
        made_in_the_dashboard(sandbox, "alice@example.com")
    deliver(sandbox.events())
    verify(sign_up())
    assert assignment.match_verified() == 0
    assert UnassignedCustomer.objects.count() == 2


def press_assign(who: User, row: UnassignedCustomer, email: str) -> Any:
    client = Client()
    client.force_login(who)
    url = reverse("admin:billing_unassignedcustomer_assign", args=[row.pk])
    return client.post(url, {"_form_submitted": "on", "email": email}, follow=True)


@pytest.mark.slow
def test_staff_assign_and_everything_follows(sandbox: Sandbox) -> None:
    made_in_the_dashboard(sandbox, "other@example.com")
    deliver(sandbox.events())
    alice = sign_up()
    answer = press_assign(support(), UnassignedCustomer.objects.get(), alice.email)
    assert "belongs to Alice Archer now" in answer.content.decode()
    run_jobs()
    assert Subscription.objects.for_user(alice).get().status == "active"
    assert Invoice.objects.for_user(alice).get().status == "paid"
    assert not UnassignedCustomer.objects.exists()


@pytest.mark.slow
def test_staff_are_told_why_somebody_cant_be_the_one(sandbox: Sandbox) -> None:
    made_in_the_dashboard(sandbox, "other@example.com")
    deliver(sandbox.events())
    row = UnassignedCustomer.objects.get()
    answer = press_assign(support(), row, "nobody@example.com")
    assert "No member signs in with this address." in answer.content.decode()
    assert press_assign(auditor(), row, "nobody@example.com").status_code == 403
    assert not Customer.objects.exists()


@pytest.mark.slow
def test_staff_assign_a_second_customer_to_a_member_who_has_one(sandbox: Sandbox) -> None:
    for email in ("one@example.com", "two@example.com"):
        made_in_the_dashboard(sandbox, email)
    deliver(sandbox.events())
    alice = sign_up()
    first, second = UnassignedCustomer.objects.all()
    press_assign(support(), first, alice.email)
    answer = press_assign(support(), second, alice.email)
    assert "Alice Archer now has 2 customers at Stripe." in answer.content.decode()
    run_jobs()
    assert alice.customers.count() == 2
    assert Invoice.objects.for_user(alice).count() == 2
    client = Client()
    client.force_login(alice)
    page = client.get(reverse("billing:payments")).content.decode()
    for number in Invoice.objects.values_list("pk", flat=True):
        assert reverse("billing:invoice", args=[number]) in page
    client.force_login(support())
    page = client.get(reverse("admin:auth_user_change", args=[alice.pk])).content.decode()
    assert first.stripe_id in page
    assert second.stripe_id in page


@pytest.mark.slow
def test_nobody_gets_the_customer_of_somebody_who_is_switched_off(sandbox: Sandbox) -> None:
    made_in_the_dashboard(sandbox, "one@example.com")
    deliver(sandbox.events())
    alice = sign_up()
    User.objects.filter(pk=alice.pk).update(is_active=False)
    answer = press_assign(support(), UnassignedCustomer.objects.get(), alice.email)
    assert "is switched off" in answer.content.decode()
    assert not Customer.objects.exists()


def test_a_further_customer_that_names_its_member_is_theirs(sandbox: Sandbox) -> None:
    alice = verify(sign_up())
    for _ in range(2):
        customer = sandbox.stripe.v1.customers.create({"metadata": {"portal_user": str(alice.pk)}})
        sandbox.stripe.v1.customers.update(customer.id, {"name": "Alice"})
    deliver(sandbox.events())
    assert alice.customers.count() == 2
    assert not UnassignedCustomer.objects.exists()


@pytest.mark.slow
def test_an_unassigned_customer_that_is_deleted_leaves_the_list(sandbox: Sandbox) -> None:
    stranger = made_in_the_dashboard(sandbox, "other@example.com")
    deliver(sandbox.events())
    sandbox.stripe.v1.customers.delete(stranger)
    deliver(sandbox.events())
    assert not UnassignedCustomer.objects.exists()
