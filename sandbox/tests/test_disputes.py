"""Disputes: opened by the owner of the card, answered with evidence, decided by the bank."""

from __future__ import annotations

import pytest
import stripe

from sandbox.tests.conftest import Server, event_types, subscribe

DISPUTED = "4000000000000259"


@pytest.fixture
def dispute(server: Server, api: stripe.StripeClient) -> stripe.Dispute:
    subscribe(server, api, DISPUTED)
    server.advance_days(0.01)
    return api.v1.disputes.list().data[0]


def test_a_dispute_takes_the_money(api: stripe.StripeClient, dispute: stripe.Dispute) -> None:
    assert (dispute.status, dispute.reason, dispute.amount) == (
        "needs_response",
        "fraudulent",
        2900,
    )
    assert event_types(api)[-2:] == ["charge.dispute.created", "charge.dispute.funds_withdrawn"]
    assert [entry.net for entry in dispute.balance_transactions] == [-4400]
    charge = api.v1.charges.retrieve(str(dispute.charge))
    assert charge.disputed is True
    with pytest.raises(stripe.InvalidRequestError) as caught:
        api.v1.refunds.create({"charge": charge.id})
    assert caught.value.code == "charge_disputed"
    found = api.v1.disputes.list({"payment_intent": str(dispute.payment_intent)}).data
    assert [one.id for one in found] == [dispute.id]


def test_evidence_wins(server: Server, api: stripe.StripeClient, dispute: stripe.Dispute) -> None:
    staged = api.v1.disputes.update(
        dispute.id, {"evidence": {"customer_name": "Alice"}, "submit": False}
    )
    assert (staged.status, staged.evidence_details.has_evidence) == ("needs_response", True)
    sent = api.v1.disputes.update(
        dispute.id, {"evidence": {"uncategorized_text": "winning_evidence"}}
    )
    assert (sent.status, sent.evidence_details.submission_count) == ("under_review", 1)
    with pytest.raises(stripe.InvalidRequestError):
        api.v1.disputes.update(dispute.id, {"evidence": {"customer_name": "Bob"}})
    server.advance_days(0.01)
    won = api.v1.disputes.retrieve(dispute.id)
    assert (won.status, won.evidence.customer_name) == ("won", "Alice")
    assert event_types(api)[-2:] == ["charge.dispute.funds_reinstated", "charge.dispute.closed"]
    assert api.v1.charges.retrieve(str(dispute.charge)).disputed is False


def test_silence_loses(server: Server, api: stripe.StripeClient, dispute: stripe.Dispute) -> None:
    server.advance_days(9.1)
    lost = api.v1.disputes.retrieve(dispute.id)
    assert (lost.status, lost.evidence_details.past_due) == ("lost", True)
    with pytest.raises(stripe.InvalidRequestError):
        api.v1.disputes.close(dispute.id)


def test_giving_in(api: stripe.StripeClient, dispute: stripe.Dispute) -> None:
    assert api.v1.disputes.close(dispute.id).status == "lost"
    assert event_types(api)[-1] == "charge.dispute.closed"
