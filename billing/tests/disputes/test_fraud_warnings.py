"""Early fraud warnings: copied, told to staff alone and once, and settled by what happens next."""

from __future__ import annotations

import random
from datetime import timedelta
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.core.exceptions import PermissionDenied
from django.test import Client
from django.utils import timezone
from pytest_django import Settings

from billing.disputes import fraud_warnings
from billing.models import Customer, Dispute, FraudWarning, Payment, StripeEvent
from billing.payments import payment_requests
from billing.reconcile import comparison, history
from billing.stripe import snapshots
from billing.tests import factories
from billing.tests.life import deliver, paid_member, sign_up, subscribe
from billing.tests.payments.test_pay_links import FEE, pay, press_pay
from billing.tests.reconcile.test_reconcile import run
from billing.tests.staff_world import auditor, support
from conftest import Sandbox
from emails import causes
from emails.models import Message

pytestmark = pytest.mark.django_db

REPORTED_CARD = "4000000000005423"
KIND = "fraud_reported"
CREATED, UPDATED = (f"radar.early_fraud_warning.{name}" for name in ("created", "updated"))


@pytest.fixture(autouse=True)
def staff_address(settings: Settings) -> None:
    settings.STAFF_EMAIL = ["owner@example.com"]


@pytest.fixture
def alice(sandbox: Sandbox) -> User:
    """A member who has paid, and whose card's bank hasn't said anything."""
    return paid_member(sandbox)


def report(sandbox: Sandbox, payment: Payment | None = None, **body: Any) -> None:
    """Let the card's bank report a payment; the webhook hasn't arrived yet."""
    charge = (payment or Payment.objects.get()).charge_id
    sandbox.control(f"charges/{charge}/warning", **body)


def told() -> list[str]:
    """Return whom we wrote to about fraud."""
    return list(Message.objects.filter(kind=KIND).values_list("recipient", flat=True))


def waiting() -> int:
    return FraudWarning.objects.to_settle().count()


@pytest.mark.slow
def test_a_warning_is_copied_and_told_to_the_staff_but_not_to_the_member(
    sandbox: Sandbox, alice: User
) -> None:
    before = Message.objects.filter(user=alice).count()
    report(sandbox, fraud_type="made_with_lost_card")
    deliver(sandbox.events())
    row = FraudWarning.objects.for_user(alice).get()
    assert row.payment == Payment.objects.for_user(alice).get()
    assert (row.fraud_type, row.is_actionable, row.is_open) == ("made_with_lost_card", True, True)
    assert told() == ["owner@example.com"]
    assert Message.objects.filter(user=alice).count() == before
    mail = Message.objects.get(kind=KIND)
    assert mail.subject == "Fraud warning: $29.00 from Alice Archer"
    assert mail.context["report"] == "It was paid with a lost card."
    assert f"/staff/billing/fraudwarning/{row.pk}/" in mail.context["url"]
    assert causes.why_not_needed(mail) == ""
    row.payment.refresh_from_db()
    assert row.payment.amount_refunded == 0


def test_the_test_card_of_a_new_member_brings_one(sandbox: Sandbox) -> None:
    nina = sign_up("Nina Novak")
    subscribe(sandbox, nina, REPORTED_CARD)
    sandbox.control("clock", advance_seconds=5)
    arriving = sandbox.events() * 2
    random.Random(5).shuffle(arriving)
    deliver(arriving)
    assert FraudWarning.objects.for_user(nina).count() == 1
    assert told() == ["owner@example.com"]


def test_a_warning_alone_brings_its_payment_and_customer(sandbox: Sandbox) -> None:
    nina = sign_up("Nina Novak")
    subscribe(sandbox, nina, REPORTED_CARD)
    sandbox.control("clock", advance_seconds=5)
    deliver([one for one in sandbox.events() if one["type"] == CREATED])
    assert FraudWarning.objects.for_user(nina).get().payment.status == "succeeded"


def one_off(sandbox: Sandbox, currency: str = "usd", **params: Any) -> str:
    """Charge something in Stripe's dashboard; return the charge."""
    wanted: Any = {
        "amount": 4000,
        "currency": currency,
        "payment_method": "pm_card_visa",
        "confirm": True,
        "allowed_payment_method_types": ["card"],
        **params,
    }
    return str(sandbox.stripe.v1.payment_intents.create(wanted).latest_charge)


def test_one_about_a_payment_of_nobody_here_is_ignored(sandbox: Sandbox) -> None:
    stranger = sandbox.stripe.v1.customers.create({"email": "stranger@example.org"}).id
    for charge in (one_off(sandbox), one_off(sandbox, customer=stranger)):
        sandbox.control(f"charges/{charge}/warning")
    deliver(sandbox.events())
    stored = StripeEvent.objects.filter(type=CREATED).order_by("pk")
    assert [one.state for one in stored] == ["ignored", "ignored"]
    assert stored[0].error == "The payment has no customer."
    assert not FraudWarning.objects.exists()
    assert told() == []
    assert not comparison.compare().differences


@pytest.mark.slow
def test_one_about_a_guest_who_paid_a_members_request_is_the_members(sandbox: Sandbox) -> None:
    alice = sign_up("Alice Archer")
    asked = payment_requests.send(alice, FEE, "Workshop fee", 14, sign_up("Sam Staff"))
    pay(sandbox, press_pay(Client(enforce_csrf_checks=True), asked)["Location"])
    deliver(sandbox.events())
    report(sandbox)
    deliver(sandbox.events())
    assert FraudWarning.objects.for_user(alice).get().payment.amount == 4000
    assert not comparison.compare().differences


@pytest.mark.slow
def test_another_currency_is_told_as_it_is(sandbox: Sandbox, alice: User) -> None:
    customer = alice.customers.get().stripe_id
    charge = one_off(sandbox, "eur", customer=customer)
    sandbox.control(f"charges/{charge}/warning")
    deliver(sandbox.events())
    assert Message.objects.get(kind=KIND).subject == "Fraud warning: €40.00 from Alice Archer"


@pytest.mark.slow
def test_a_payment_that_went_through_at_the_second_try(sandbox: Sandbox, alice: User) -> None:
    wanted: Any = {"amount": 4000, "currency": "usd", "customer": alice.customers.get().stripe_id}
    intents = sandbox.stripe.v1.payment_intents
    intent = intents.create(wanted | {"allowed_payment_method_types": ["card"]}).id
    with pytest.raises(Exception, match="declined"):
        intents.confirm(intent, {"payment_method": "pm_card_chargeDeclined"})
    charge = str(intents.confirm(intent, {"payment_method": "pm_card_visa"}).latest_charge)
    assert sandbox.stripe.v1.charges.list({"payment_intent": intent}).data[1].status == "failed"
    sandbox.control(f"charges/{charge}/warning")
    deliver(sandbox.events())
    row = FraudWarning.objects.get()
    assert (row.payment.stripe_id, row.charge_id, row.is_open) == (intent, charge, True)


def test_one_about_a_try_that_did_not_pay_asks_for_nothing() -> None:
    row = factories.make_fraud_warning(charge_id="ch_of_the_first_try")
    assert not row.is_open
    assert waiting() == 0


@pytest.mark.slow
def test_a_warning_after_the_refund_is_no_news(sandbox: Sandbox, alice: User) -> None:
    payment = Payment.objects.get()
    sandbox.stripe.v1.refunds.create({"payment_intent": payment.stripe_id})
    report(sandbox)
    deliver(sandbox.events())
    row = FraudWarning.objects.get()
    assert (row.is_actionable, row.is_open) == (False, False)
    assert (told(), waiting()) == ([], 0)


@pytest.mark.slow
@pytest.mark.parametrize("lost", [(), (UPDATED,)])
def test_a_full_refund_settles_it(sandbox: Sandbox, alice: User, lost: tuple[str, ...]) -> None:
    report(sandbox)
    deliver(sandbox.events())
    intent = Payment.objects.get().stripe_id
    sandbox.stripe.v1.refunds.create({"payment_intent": intent, "amount": 900})
    deliver(sandbox.events())
    assert waiting() == 1
    rest = sandbox.stripe.v1.refunds.create({"payment_intent": intent})
    deliver(one for one in sandbox.events() if one["type"] not in lost)
    row = FraudWarning.objects.get()
    assert row.is_actionable == bool(lost)
    assert (row.is_open, waiting()) == (False, 0)
    mail = Message.objects.get(kind=KIND)
    assert causes.why_not_needed(mail).startswith("The payment was refunded or disputed")
    # Whatever failed is told as a refund; the warning waits again.
    sandbox.control(f"refunds/{rest.id}", step="fail")
    deliver(sandbox.events())
    assert (waiting(), len(told())) == (1, 1)


@pytest.mark.slow
@pytest.mark.parametrize("inquiry", [False, True])
def test_a_dispute_settles_it(sandbox: Sandbox, alice: User, inquiry: bool) -> None:
    report(sandbox)
    deliver(sandbox.events())
    sandbox.control(f"charges/{Payment.objects.get().charge_id}/dispute", inquiry=inquiry)
    deliver(one for one in sandbox.events() if one["type"] != UPDATED)
    assert Dispute.objects.exists()
    assert waiting() == 0
    deliver(sandbox.events())
    assert not FraudWarning.objects.get().is_actionable


@pytest.mark.slow
def test_the_comparison_finds_what_differs_and_repairs_it(sandbox: Sandbox, alice: User) -> None:
    report(sandbox)
    deliver(sandbox.events())
    before = told()
    assert run()[1]
    FraudWarning.objects.update(is_actionable=False)
    printed, is_well = run()
    assert not is_well
    assert "Fraud warning" in printed
    FraudWarning.objects.all().delete()
    assert "Not in our records. Found at Stripe." in run()[0]
    assert run("--repair")[1]
    assert FraudWarning.objects.get().is_actionable
    assert told() == before


def test_the_history_of_a_customer_has_its_warnings_and_writes_to_nobody(
    sandbox: Sandbox,
) -> None:
    sandbox.control("clock", set=int((timezone.now() - timedelta(hours=1)).timestamp()))
    for name in ("Alice Archer", "Bob Baker"):
        subscribe(sandbox, sign_up(name), REPORTED_CARD)
    sandbox.control("clock", advance_seconds=60)
    history.read_history(Customer.objects.get(user__first_name="Alice").stripe_id)
    assert FraudWarning.objects.get().customer.user.first_name == "Alice"
    assert told() == []


def test_a_key_that_may_not_read_them_stops_nothing_else(
    sandbox: Sandbox, alice: User, settings: Settings
) -> None:
    """A restricted key from before we read them: the doctor says what it lacks."""
    report(sandbox)
    settings.STRIPE_SECRET_KEY = "rk_test_sandbox_not_radar"
    Payment.objects.update(receipt_url="", description="Another")
    customer = Customer.objects.get()
    history.read_history(customer.stripe_id)
    assert Payment.objects.get().description != "Another"
    assert comparison.compare().differences == []
    assert not FraudWarning.objects.exists()


def test_a_charge_says_whose_it_is_where_the_warning_names_no_payment_intent() -> None:
    warning = {"id": "issfr_1", "created": 1, "actionable": True, "fraud_type": "misc"}
    charge = {"id": "ch_1", "customer": "cus_1", "payment_intent": "pi_1"}
    seen = snapshots.fraud_warning(warning | {"charge": charge})
    assert (seen.customer_id, seen.payment_intent_id, seen.charge_id) == ("cus_1", "pi_1", "ch_1")


def test_staff_leave_it_with_a_reason_and_look_at_it_again() -> None:
    row, sam = factories.make_fraud_warning(), support()
    with pytest.raises(PermissionDenied):
        fraud_warnings.leave(row.pk, auditor(), "No.")
    with pytest.raises(fraud_warnings.WarningError):
        fraud_warnings.leave(row.pk, sam, "  ")
    left = fraud_warnings.leave(row.pk, sam, "We know her; she called us.")
    assert (left.left_by, left.left_because) == (sam, "We know her; she called us.")
    assert waiting() == 0
    with pytest.raises(fraud_warnings.WarningError):
        fraud_warnings.leave(row.pk, sam, "Twice.")
    with pytest.raises(PermissionDenied):
        fraud_warnings.take_up(row.pk, auditor())
    assert fraud_warnings.take_up(row.pk, sam).left_because == ""
    assert waiting() == 1


@pytest.mark.slow
def test_what_staff_decided_survives_the_next_reading(sandbox: Sandbox, alice: User) -> None:
    report(sandbox)
    deliver(sandbox.events())
    fraud_warnings.leave(FraudWarning.objects.get().pk, support(), "She called us.")
    sandbox.stripe.v1.refunds.create({"payment_intent": Payment.objects.get().stripe_id})
    deliver(sandbox.events())
    row = FraudWarning.objects.get()
    assert (row.is_actionable, row.left_because) == (False, "She called us.")


def test_all_orders_of_events_end_in_the_same_row(sandbox: Sandbox, alice: User) -> None:
    report(sandbox)
    sandbox.stripe.v1.refunds.create({"payment_intent": Payment.objects.get().stripe_id})
    arriving = [one for one in sandbox.events() if one["type"] in (CREATED, UPDATED)]
    assert [one["type"] for one in arriving] == [CREATED, UPDATED]
    deliver(reversed(arriving))
    assert not FraudWarning.objects.get().is_actionable
    assert told() == []
