"""Refunds: whole and in part, late, failing, and refused."""

from __future__ import annotations

import pytest
import stripe

from sandbox.tests.conftest import Server, event_types, subscribe


@pytest.fixture
def intent(server: Server, api: stripe.StripeClient) -> stripe.PaymentIntent:
    alice = subscribe(server, api)
    return api.v1.payment_intents.list({"customer": alice.id}).data[0]


def test_a_part_and_then_the_rest(api: stripe.StripeClient, intent: stripe.PaymentIntent) -> None:
    part = api.v1.refunds.create(
        {
            "payment_intent": intent.id,
            "amount": 900,
            "reason": "requested_by_customer",
            "metadata": {"refund": "1"},
        }
    )
    assert (part.status, part.amount) == ("succeeded", 900)
    after = api.v1.payment_intents.retrieve(intent.id, {"expand": ["latest_charge.refunds"]})
    assert isinstance(after.latest_charge, stripe.Charge)
    assert (after.latest_charge.amount_refunded, after.latest_charge.refunded) == (900, False)
    assert after.latest_charge.refunds
    assert [one.id for one in after.latest_charge.refunds.data] == [part.id]
    rest = api.v1.refunds.create({"charge": after.latest_charge.id})
    assert rest.amount == 2000
    assert api.v1.charges.retrieve(after.latest_charge.id).refunded is True
    assert event_types(api)[-2:] == ["refund.created", "charge.refunded"]
    assert len(api.v1.refunds.list({"payment_intent": intent.id}).data) == 2


def test_more_than_is_left_is_refused(
    api: stripe.StripeClient, intent: stripe.PaymentIntent
) -> None:
    with pytest.raises(stripe.InvalidRequestError, match="greater than unrefunded amount"):
        api.v1.refunds.create({"payment_intent": intent.id, "amount": 2901})
    api.v1.refunds.create({"payment_intent": intent.id})
    with pytest.raises(stripe.InvalidRequestError) as caught:
        api.v1.refunds.create({"payment_intent": intent.id})
    assert caught.value.code == "charge_already_refunded"


def test_a_refund_that_fails_later(server: Server, api: stripe.StripeClient) -> None:
    alice = subscribe(server, api, "4000000000005126")
    intent = api.v1.payment_intents.list({"customer": alice.id}).data[0]
    refund = api.v1.refunds.create({"payment_intent": intent.id})
    assert refund.status == "succeeded"
    server.advance_days(1.1)
    failed = api.v1.refunds.retrieve(refund.id)
    assert (failed.status, failed.failure_reason) == ("failed", "lost_or_stolen_card")
    assert failed.failure_balance_transaction
    assert api.v1.charges.retrieve(str(refund.charge)).amount_refunded == 0
    assert event_types(api)[-2:] == ["refund.updated", "refund.failed"]


def test_a_refund_that_takes_its_time(server: Server, api: stripe.StripeClient) -> None:
    alice = subscribe(server, api, "4000000000007726")
    intent = api.v1.payment_intents.list({"customer": alice.id}).data[0]
    refund = api.v1.refunds.create({"payment_intent": intent.id})
    assert (refund.status, refund.balance_transaction) == ("pending", None)
    with pytest.raises(stripe.InvalidRequestError):
        api.v1.refunds.cancel(refund.id)
    server.advance_days(3.1)
    assert api.v1.refunds.retrieve(refund.id).status == "succeeded"


def test_metadata_of_a_refund_changes(
    api: stripe.StripeClient, intent: stripe.PaymentIntent
) -> None:
    refund = api.v1.refunds.create({"payment_intent": intent.id, "amount": 100})
    changed = api.v1.refunds.update(refund.id, {"metadata": {"note": "goodwill"}})
    assert changed.metadata
    assert changed.metadata["note"] == "goodwill"
    booked = api.v1.balance_transactions.list({"source": refund.id}).data
    assert [entry.amount for entry in booked] == [-100]
    assert api.v1.balance_transactions.retrieve(booked[0].id).type == "refund"
