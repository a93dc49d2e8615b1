"""What a member changes here reaches their customer at Stripe."""

from __future__ import annotations

from io import StringIO
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.core.management import CommandError, call_command

from billing import tasks
from billing.membership import checkout
from billing.models import Customer, Invoice, Payment, Subscription
from billing.reconcile import push
from billing.stripe import gateway
from billing.tests import factories
from billing.tests.life import deliver, paid_member, sign_up
from conftest import Sandbox, run_jobs

pytestmark = pytest.mark.django_db


@pytest.fixture
def alice(sandbox: Sandbox) -> User:
    """A member with a customer at Stripe."""
    user = sign_up()
    checkout.customer_of(user)
    return user


def at_stripe(sandbox: Sandbox) -> tuple[str | None, str | None, Any]:
    customer = sandbox.stripe.v1.customers.retrieve(Customer.objects.get().stripe_id)
    return customer.email, customer.name, customer.preferred_locales


def test_a_new_customer_is_told_everything(sandbox: Sandbox, alice: User) -> None:
    assert at_stripe(sandbox) == ("alice@example.com", "Alice Archer", ["en"])
    assert not push.behind().exists()


@pytest.mark.parametrize("how", ["save", "update"])
def test_a_change_arrives_however_it_was_made(sandbox: Sandbox, alice: User, how: str) -> None:
    if how == "save":
        alice.email, alice.last_name = "new@example.com", ""
        alice.save()
    else:
        User.objects.filter(pk=alice.pk).update(email="new@example.com", last_name="")
    factories.set_member(alice, language="es")
    tasks.tell_stripe_of_changes(0)
    tasks.tell_stripe_of_changes(0)
    assert run_jobs() == 1
    assert at_stripe(sandbox) == ("new@example.com", "Alice", ["es"])
    assert not push.behind().exists()
    deliver(sandbox.events())
    assert Customer.objects.get().email == "new@example.com"


@pytest.mark.slow
def test_stripe_away_is_tried_again(sandbox: Sandbox, alice: User) -> None:
    User.objects.update(email="new@example.com")
    sandbox.control("switches", api_fail=1)
    tasks.tell_stripe_of_changes(0)
    with pytest.raises(gateway.StripeUnavailable):
        run_jobs()
    sandbox.control("switches", api_fail=0)
    assert push.behind().exists()
    push.tell(Customer.objects.get().pk)
    assert at_stripe(sandbox)[0] == "new@example.com"


def test_what_staff_change_at_stripe_stays(sandbox: Sandbox, alice: User) -> None:
    customer = Customer.objects.get().stripe_id
    sandbox.stripe.v1.customers.update(customer, {"email": "bookkeeping@example.com"})
    deliver(sandbox.events())
    assert Customer.objects.get().email == "bookkeeping@example.com"
    assert not push.behind().exists()


def test_a_customer_deleted_at_stripe_is_told_nothing(sandbox: Sandbox, alice: User) -> None:
    sandbox.stripe.v1.customers.delete(Customer.objects.get().stripe_id)
    User.objects.update(email="new@example.com")
    push.tell(Customer.objects.get().pk)
    assert Customer.objects.get().deleted_at_stripe
    assert not push.behind().exists()


def test_who_leaves_is_deleted_at_stripe_and_the_books_stay(sandbox: Sandbox) -> None:
    alice = paid_member(sandbox)
    customer = Customer.objects.get().stripe_id
    call_command("close_account", "ALICE@example.com", "--yes", stdout=StringIO())
    assert not sandbox.stripe.v1.customers.retrieve(customer).to_dict().get("deleted")

    tasks.tell_stripe_of_changes(0)
    run_jobs()
    assert sandbox.stripe.v1.customers.retrieve(customer).to_dict()["deleted"]
    assert not push.behind().exists()
    deliver(sandbox.events())
    assert Subscription.objects.for_user(alice).get().status == "canceled"
    assert Invoice.objects.for_user(alice).get().status == "paid"
    assert Payment.objects.for_user(alice).count() == 1
    alice.refresh_from_db()
    assert (alice.email, alice.get_full_name(), alice.is_active) == ("", "", False)
    assert Customer.objects.get().deleted_at_stripe
    push.tell(Customer.objects.get().pk)


def test_who_never_paid_is_deleted_here() -> None:
    sign_up()
    call_command("close_account", "alice@example.com", "--yes", stdout=StringIO())
    assert not User.objects.exists()


def test_an_account_that_nobody_has_is_not_closed() -> None:
    with pytest.raises(CommandError):
        call_command("close_account", "nobody@example.com", "--yes")
