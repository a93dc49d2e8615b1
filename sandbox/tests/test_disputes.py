"""Disputes: opened by cardholders, answered with evidence, decided by banks."""

from __future__ import annotations

import pytest
import stripe

from sandbox.tests.conftest import Server, event_types, subscribe

DISPUTED = "4000000000000259"
NOT_RECEIVED, ASKED_ABOUT = "4000000000002685", "4000000000001976"


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
    disputes = api.v1.disputes.list({"payment_intent": str(dispute.payment_intent)}).data
    assert [one.id for one in disputes] == [dispute.id]


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


def open_one(server: Server, api: stripe.StripeClient, card: str) -> stripe.Dispute:
    subscribe(server, api, card)
    server.advance_days(0.01)
    return api.v1.disputes.list().data[0]


def answer(server: Server, api: stripe.StripeClient, text: str) -> stripe.Dispute:
    opened = api.v1.disputes.list().data[0]
    api.v1.disputes.update(opened.id, {"evidence": {"uncategorized_text": text}})
    server.advance_days(0.01)
    return api.v1.disputes.retrieve(opened.id)


def test_a_card_says_why_it_is_disputed(server: Server, api: stripe.StripeClient) -> None:
    opened = open_one(server, api, NOT_RECEIVED)
    assert (opened.reason, opened.network_reason_code) == ("product_not_received", "13.1")


def test_an_inquiry_moves_no_money_and_ends(server: Server, api: stripe.StripeClient) -> None:
    inquiry = open_one(server, api, ASKED_ABOUT)
    assert (inquiry.status, inquiry.is_charge_refundable) == ("warning_needs_response", True)
    assert inquiry.balance_transactions == []
    assert answer(server, api, "winning_evidence").status == "warning_closed"
    types = [kind for kind in event_types(api) if "dispute" in kind]
    assert types == [f"charge.dispute.{step}" for step in ("created", "updated", "closed")]


def test_an_inquiry_becomes_a_dispute(server: Server, api: stripe.StripeClient) -> None:
    first = open_one(server, api, ASKED_ABOUT)
    escalated = answer(server, api, "escalate_inquiry_evidence")
    assert (escalated.id, escalated.status) == (first.id, "needs_response")
    assert escalated.evidence_details.submission_count == 0
    assert [entry.net for entry in escalated.balance_transactions] == [-4400]
    assert answer(server, api, "winning_evidence").status == "won"


def test_silence_makes_a_dispute_of_an_inquiry(server: Server, api: stripe.StripeClient) -> None:
    open_one(server, api, ASKED_ABOUT)
    server.advance_days(9.1)
    assert api.v1.disputes.list().data[0].status == "needs_response"
    server.advance_days(9.1)
    assert api.v1.disputes.list().data[0].status == "lost"


def step(server: Server, dispute_id: str, name: str) -> int:
    return server.http.post(f"/disputes/{dispute_id}", data={"step": name}).status_code


def test_the_panel_disputes_a_payment_and_lets_the_bank_decide(
    server: Server, api: stripe.StripeClient
) -> None:
    subscribe(server, api)
    charge = api.v1.charges.list().data[0].id
    form = {"charge": charge, "kind": "dispute", "reason": "duplicate"}
    assert "Dispute a payment" in server.http.get("/").text
    assert server.http.post("/disputes", data=form).status_code == 303
    assert server.http.post("/disputes", data=form).status_code == 400
    opened = api.v1.disputes.list().data[0]
    assert (opened.status, opened.reason) == ("needs_response", "duplicate")
    assert "Send winning evidence" in server.http.get("/").text
    assert step(server, opened.id, "decide") == 400
    assert step(server, opened.id, "win") == 303
    assert "Decide now" in server.http.get("/").text
    assert step(server, opened.id, "decide") == 303
    assert api.v1.disputes.retrieve(opened.id).status == "won"


def test_the_panel_refuses_what_says_too_little(server: Server, api: stripe.StripeClient) -> None:
    subscribe(server, api)
    charge = api.v1.charges.list().data[0].id
    for form in (
        {},
        {"charge": charge, "kind": "dispute", "reason": "spite"},
        {"charge": "ch_none", "kind": "inquiry", "reason": "general"},
    ):
        assert server.http.post("/disputes", data=form).status_code == 400
    assert step(server, "du_none", "win") == 400


def test_any_payment_is_disputed_by_machine(server: Server, api: stripe.StripeClient) -> None:
    subscribe(server, api)
    charge = api.v1.charges.list().data[0].id
    made = server.post(f"charges/{charge}/dispute", reason="general", inquiry=True)
    assert (made["status"], made["reason"]) == ("warning_needs_response", "general")
    again = server.http.post(f"/_sandbox/charges/{charge}/dispute", json={})
    assert again.status_code == 400
