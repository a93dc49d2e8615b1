"""One bad object stops no other, and is not silent."""

from __future__ import annotations

from datetime import timedelta
from io import StringIO
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.db import OperationalError
from django.utils import timezone
from pytest_django import Settings

from billing import tasks
from billing.models import (
    Customer,
    Invoice,
    Payment,
    Reconciliation,
    Subscription,
    UnassignedCustomer,
)
from billing.reconcile import history
from billing.stripe import gateway
from billing.tests import factories
from billing.tests.altered_stripe import Json, altered
from billing.tests.life import deliver, paid_member, sign_up
from billing.tests.sync.test_assignment import made_in_the_dashboard, verify
from common.one_by_one import OneByOne, SomeFailed
from conftest import Sandbox
from emails.models import Message

pytestmark = pytest.mark.django_db


def spoil(identifier: str, **changes: Any) -> Any:
    """Alter one object of Stripe's into one that can't be read."""

    def alter(answer: Json) -> Json:
        return answer | changes if answer.get("id") == identifier else answer

    return alter


def run(command: str, *arguments: str) -> tuple[str, str]:
    """Run a command; return what it printed and what it failed with."""
    printed = StringIO()
    try:
        call_command(command, *arguments, stdout=printed)
    except CommandError as error:
        return printed.getvalue(), str(error)
    return printed.getvalue(), ""


@pytest.mark.slow
def test_an_import_goes_on_after_a_bad_row_and_reports_it(
    sandbox: Sandbox, settings: Settings, caplog: pytest.LogCaptureFixture
) -> None:
    names = ("Alice Archer", "Bob Baker", "Cleo Carter")
    customers = [made_in_the_dashboard(sandbox, verify(sign_up(name)).email) for name in names]
    stripe = sandbox.stripe.v1
    bad = stripe.subscriptions.list({"customer": customers[1]}).data[0].id
    with altered(sandbox, settings, spoil(bad, items={"object": "list", "data": []})):
        printed, failed = run("import_from_stripe")
    assert "3 customers at Stripe; 3 belong to members, 2 of them were read now" in printed
    assert f"Not done: {customers[1]}: {bad} can't be read" in printed
    assert failed.endswith("could not be done, all else was: run it again.")
    assert Subscription.objects.count() == 2
    assert "ERROR" in {one.levelname for one in caplog.records}
    # Once Stripe is well again, a second run reads what was left out.
    printed, failed = run("import_from_stripe")
    assert (failed, Subscription.objects.count()) == ("", 3)
    assert "1 of them were read now" in printed


@pytest.mark.slow
def test_a_customer_that_cannot_be_read_keeps_out_no_other(
    sandbox: Sandbox, settings: Settings
) -> None:
    for name in ("Alice Archer", "Bob Baker"):
        made_in_the_dashboard(sandbox, verify(sign_up(name)).email)
    bad = made_in_the_dashboard(sandbox, "stranger@example.com")
    with altered(sandbox, settings, spoil(bad, metadata="none")):
        printed, failed = run("import_from_stripe")
    assert f"Not done: {bad} can't be read" in printed
    assert failed.startswith("1 could not be done")
    assert Customer.objects.count() == 2
    assert not UnassignedCustomer.objects.exists()


@pytest.mark.slow
def test_a_comparison_reports_what_cannot_be_read_and_compares_the_rest(
    sandbox: Sandbox, settings: Settings
) -> None:
    for name in ("Alice Archer", "Bob Baker"):
        paid_member(sandbox, name)
    bad, other = Invoice.objects.order_by("pk")
    Invoice.objects.filter(pk=other.pk).update(status="open")
    with altered(sandbox, settings, spoil(bad.stripe_id, lines=None)):
        printed, failed = run("reconcile")
        assert (
            f"({bad.stripe_id}): In our records. Found at Stripe, but it can’t be read." in printed
        )
        assert f"({other.stripe_id}), status: Open here, Paid at Stripe" in printed
        assert failed.startswith("2 differences.")
        printed, failed = run("reconcile", "--repair")
    other.refresh_from_db()
    assert other.status == "paid"
    assert failed == "1 differences."
    assert f"Not done: invoice {bad.stripe_id}: StripeFault: " in printed
    assert bad.stripe_id in Reconciliation.objects.latest("pk").error
    assert run("reconcile")[1] == ""


@pytest.mark.slow
def test_a_row_that_we_never_had_and_cannot_read_is_reported(
    sandbox: Sandbox, settings: Settings
) -> None:
    paid_member(sandbox)
    Payment.objects.all().delete()
    bad = Invoice.objects.get().stripe_id
    Invoice.objects.all().delete()
    with altered(sandbox, settings, spoil(bad, lines=None)):
        printed, _failed = run("reconcile")
    assert f"Invoice ({bad}): Not in our records. Found at Stripe, but it can’t be read." in printed


@pytest.mark.slow
def test_a_history_is_read_but_for_what_is_bad_and_counts_as_unread(
    sandbox: Sandbox, settings: Settings
) -> None:
    alice = verify(sign_up())
    customer = made_in_the_dashboard(sandbox, alice.email)
    deliver(sandbox.events())
    Payment.objects.all().delete()
    Invoice.objects.all().delete()
    Customer.objects.update(history_read_at=None)
    bad = Subscription.objects.get().stripe_id
    Subscription.objects.all().delete()
    with (
        altered(sandbox, settings, spoil(bad, start_date=None)),
        pytest.raises(SomeFailed, match=bad),
    ):
        history.read_history(customer)
    assert Customer.objects.get().history_read_at is None
    history.read_history(customer)
    assert Customer.objects.get().history_read_at
    assert Invoice.objects.count() == 1


def test_one_bad_reminder_stops_no_other() -> None:
    soon = timezone.now() + timedelta(days=2)
    trial = {
        "status": "trialing",
        "started_at": timezone.now() - timedelta(days=12),
        "trial_end": soon,
        "current_period_end": soon,
    }
    bad = factories.make_subscription(factories.make_customer(factories.make_member()), **trial)
    factories.make_subscription(
        factories.make_customer(factories.make_member("Bob Baker")), **trial
    )
    Subscription.objects.filter(pk=bad.pk).update(discounts=["nonsense"])
    with pytest.raises(SomeFailed, match=bad.stripe_id):
        tasks.remind_members(0)
    assert Message.objects.filter(kind="trial_ending", user__first_name="Bob").count() == 1


def fail(error: Exception) -> None:
    raise error


def test_without_stripe_or_database_nothing_goes_on() -> None:
    run_of_many = OneByOne(ended_by=gateway.ENDS_ALL)
    with pytest.raises(gateway.StripeUnavailable), run_of_many.each("one"):
        fail(gateway.StripeUnavailable("away"))
    with pytest.raises(OperationalError), run_of_many.each("one"):
        fail(OperationalError("away"))
    with run_of_many.each("two"):
        fail(ValueError("bad"))
    assert run_of_many.failures == ["two: ValueError: bad"]
