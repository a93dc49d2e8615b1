"""Events made under older API versions, and odd ones: only ids are taken from them.

The files in payloads/ have the shapes of their version, with ids to fill in, and everything else
in them is wrong on purpose.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from billing.core.statuses import EventState
from billing.inbound import events
from billing.models import Customer, Dispute, Invoice, Payment, StripeEvent, Subscription
from billing.stripe import snapshots
from billing.tests.inbound.test_events import forget_everything_but_the_customer, rows
from billing.tests.life import DISPUTED_CARD, deliver, sign_up, subscribe
from conftest import Sandbox
from testing.made_once import made_once

pytestmark = pytest.mark.django_db

PAYLOADS = sorted((Path(__file__).parent / "payloads").glob("*.json"))
FROM_THE_ISSUE = """
    checkout.session.completed checkout.session.async_payment_succeeded
    checkout.session.async_payment_failed checkout.session.expired
    invoice.created invoice.finalized invoice.finalization_failed invoice.updated invoice.paid
    invoice.payment_failed invoice.payment_action_required invoice.voided
    invoice.marked_uncollectible invoice.overdue invoice.upcoming invoice_payment.paid
    customer.subscription.created customer.subscription.updated customer.subscription.deleted
    customer.subscription.paused customer.subscription.resumed customer.subscription.trial_will_end
    payment_intent.succeeded payment_intent.payment_failed payment_intent.processing
    payment_intent.canceled charge.refunded charge.succeeded charge.updated
    refund.created refund.updated refund.failed
    charge.dispute.created charge.dispute.updated charge.dispute.closed
    charge.dispute.funds_withdrawn charge.dispute.funds_reinstated
    customer.updated customer.deleted
    payment_method.attached payment_method.detached payment_method.updated
    payment_method.automatically_updated
    price.created price.updated price.deleted product.updated
    credit_note.created credit_note.updated credit_note.voided
""".split()


def filled(path: Path, ids: dict[str, str]) -> dict[str, Any]:
    """Return a payload with the ids of this test's objects."""
    text = path.read_text()
    for name, identifier in ids.items():
        text = text.replace(f'"{name}"', f'"{identifier}"')
    payload: dict[str, Any] = json.loads(text)
    return payload


@pytest.fixture
def ids(sandbox: Sandbox) -> dict[str, str]:
    """A member's life, known to Stripe and wholly forgotten here but for the customer."""
    return forgotten_life(sandbox)


@made_once
def forgotten_life(sandbox: Sandbox) -> dict[str, str]:
    subscribe(sandbox, sign_up(), DISPUTED_CARD)
    sandbox.control("clock", advance_seconds=5)
    deliver(sandbox.events())
    stripe_ids = {
        "CUSTOMER": Customer.objects.get().stripe_id,
        "SUBSCRIPTION": Subscription.objects.get().stripe_id,
        "INVOICE": Invoice.objects.get().stripe_id,
        "PAYMENT": Payment.objects.get().stripe_id,
        "DISPUTE": Dispute.objects.get().stripe_id,
    }
    forget_everything_but_the_customer()
    return stripe_ids


@pytest.mark.slow
@pytest.mark.parametrize("version", ["2020-08-27", "2024-06-20"])
def test_an_older_versions_events_end_in_stripes_rows(
    sandbox: Sandbox, ids: dict[str, str], version: str
) -> None:
    old = [path for path in PAYLOADS if path.name.startswith(version)]
    assert len(old) == 6
    deliver(filled(path, ids) for path in old)
    told_by_old = rows()
    assert {event.state for event in StripeEvent.objects.all()} == {EventState.PROCESSED}
    assert set(StripeEvent.objects.values_list("api_version", flat=True)) == {version}
    assert Customer.objects.get().email == "alice@example.com"

    forget_everything_but_the_customer()
    deliver(sandbox.events())
    assert told_by_old == rows()


@pytest.mark.parametrize("path", PAYLOADS, ids=lambda path: path.stem)
def test_one_old_event_alone_writes_nothing_of_its_own_payload(
    sandbox: Sandbox, ids: dict[str, str], path: Path
) -> None:
    deliver([filled(path, ids)])
    for invoice in Invoice.objects.all():
        assert (invoice.status, invoice.currency, invoice.total) == ("paid", "usd", 2900)
    for payment in Payment.objects.all():
        assert (payment.status, payment.amount, payment.amount_refunded) == ("succeeded", 2900, 0)
    for dispute in Dispute.objects.all():
        assert (dispute.status, dispute.amount, dispute.currency) == ("needs_response", 2900, "usd")
    for subscription in Subscription.objects.all():
        assert (subscription.status, subscription.amount) == ("active", 2900)


def test_every_type_is_acted_on_or_ignored_on_purpose() -> None:
    assert set(FROM_THE_ISSUE) - set(events.TARGETS) - set(events.IGNORED) == set()
    assert not set(events.TARGETS) & set(events.IGNORED)


def test_a_detached_card_still_names_its_customer() -> None:
    lost = {"id": "pm_1", "object": "payment_method", "customer": None}
    payload = {"data": {"object": lost, "previous_attributes": {"customer": "cus_1"}}}
    assert events.lock_of(payload) == "cus_1"


def test_a_deleted_object_is_ignored(sandbox: Sandbox, ids: dict[str, str]) -> None:
    gone = {"INVOICE": "in_gone", "CUSTOMER": ids["CUSTOMER"]}
    path = next(path for path in PAYLOADS if "invoice.paid" in path.name)
    deliver([filled(path, gone)])
    assert StripeEvent.objects.get().state == EventState.IGNORED
    assert "no longer at Stripe" in StripeEvent.objects.get().error


def test_an_invoice_made_by_hand_has_no_parent(sandbox: Sandbox, ids: dict[str, str]) -> None:
    data = sandbox.stripe.v1.invoices.retrieve(ids["INVOICE"]).to_dict()
    by_hand = snapshots.invoice(data | {"parent": None, "billing_reason": "manual"})
    assert by_hand.subscription_id == ""
    assert by_hand.customer_id == ids["CUSTOMER"]
