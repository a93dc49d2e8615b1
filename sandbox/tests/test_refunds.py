"""Refunds: full and partial, late, failing, and refused."""

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


def test_a_refund_asks_where_to_and_leaves_once_that_is_said(
    server: Server, api: stripe.StripeClient
) -> None:
    server.post("switches", refunds_ask=True)
    alice = subscribe(server, api)
    intent = api.v1.payment_intents.list({"customer": alice.id}).data[0]
    refund = api.v1.refunds.create({"payment_intent": intent.id, "amount": 900})
    assert (refund.status, refund.balance_transaction) == ("requires_action", None)
    assert refund.next_action
    details = refund.next_action.display_details
    assert details
    assert details.email_sent.email_sent_to == refund.instructions_email == "alice@example.com"
    assert details.expires_at - refund.created == 45 * 86_400
    assert api.v1.charges.retrieve(str(refund.charge)).amount_refunded == 900
    assert (
        server.http.post(f"/_sandbox/refunds/{refund.id}", json={"step": "fail"}).status_code == 400
    )
    server.post(f"refunds/{refund.id}", step="answer")
    waiting = api.v1.refunds.retrieve(refund.id)
    assert (waiting.status, waiting.pending_reason) == ("pending", "processing")
    assert not hasattr(waiting, "next_action")
    server.advance_days(3.1)
    assert api.v1.refunds.retrieve(refund.id).status == "succeeded"
    assert event_types(api)[-2:] == ["refund.updated", "refund.updated"]


@pytest.mark.parametrize("how", ["api", "panel", "clock"])
def test_a_refund_that_nobody_answers_is_canceled(
    server: Server, api: stripe.StripeClient, how: str
) -> None:
    server.post("switches", refunds_ask=True)
    alice = subscribe(server, api)
    intent = api.v1.payment_intents.list({"customer": alice.id}).data[0]
    refund = api.v1.refunds.create({"payment_intent": intent.id})
    if how == "api":
        api.v1.refunds.cancel(refund.id)
    elif how == "panel":
        page = server.http.get("/").text
        assert "The member answers" in page
        assert server.http.post(f"/refunds/{refund.id}", data={"step": "cancel"}).status_code == 303
    else:
        server.advance_days(44)
        assert api.v1.refunds.retrieve(refund.id).status == "requires_action"
        server.advance_days(1.1)
    assert api.v1.refunds.retrieve(refund.id).status == "canceled"
    assert api.v1.charges.retrieve(str(refund.charge)).amount_refunded == 0
    with pytest.raises(stripe.InvalidRequestError):
        api.v1.refunds.cancel(refund.id)


def test_nobody_to_ask(server: Server, api: stripe.StripeClient) -> None:
    server.post("switches", refunds_ask=True)
    alice = subscribe(server, api)
    api.v1.customers.update(alice.id, {"email": ""})
    intent = api.v1.payment_intents.list({"customer": alice.id}).data[0]
    with pytest.raises(stripe.InvalidRequestError) as caught:
        api.v1.refunds.create({"payment_intent": intent.id})
    assert caught.value.param == "instructions_email"
    given: stripe.params.RefundCreateParams = {
        "payment_intent": intent.id,
        "instructions_email": "else@example.com",
    }
    assert api.v1.refunds.create(given).instructions_email == "else@example.com"


def test_the_bank_gives_a_number_by_which_it_finds_a_refund(
    server: Server, api: stripe.StripeClient, intent: stripe.PaymentIntent
) -> None:
    refund = api.v1.refunds.create({"payment_intent": intent.id, "amount": 900})
    server.post(f"refunds/{refund.id}", step="refer")
    destination = api.v1.refunds.retrieve(refund.id).destination_details
    assert destination
    assert destination.card
    assert destination.card.reference_status == "available"
    assert destination.card.reference
    assert len(destination.card.reference) == 23
    assert event_types(api)[-1] == "refund.updated"


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
