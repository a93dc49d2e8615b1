"""The balance is the sum of its transactions; payouts group what became available."""

from __future__ import annotations

import pytest
import stripe

from sandbox.tests.conftest import Server, event_types, subscribe


def entries(api: stripe.StripeClient, **params: object) -> list[stripe.BalanceTransaction]:
    """All balance transactions, oldest first."""
    wanted = {"limit": 100, **params}
    return [*api.v1.balance_transactions.list(wanted).auto_paging_iter()][::-1]  # type: ignore[arg-type]


def balance(api: stripe.StripeClient) -> tuple[int, int]:
    """What's available, and what's pending, in dollars."""
    now = api.v1.balance.retrieve()
    return now.available[0].amount, now.pending[0].amount


def check(api: stripe.StripeClient) -> None:
    """The balance is the sum of the transactions that say they're available, and of the others."""
    kept = entries(api)
    by_status = [
        sum(one.net for one in kept if one.status == status) for status in ("available", "pending")
    ]
    assert by_status == [*balance(api)]
    for one in kept:
        assert one.net == one.amount - one.fee
        assert one.fee == sum(detail.amount for detail in one.fee_details)


def test_everything_that_moves_money_is_in_the_balance(
    server: Server, api: stripe.StripeClient
) -> None:
    alice = subscribe(server, api)
    intent = api.v1.payment_intents.list({"customer": alice.id}).data[0]
    refund = api.v1.refunds.create({"payment_intent": intent.id, "amount": 900})
    server.post(f"refunds/{refund.id}", step="fail")
    server.post(f"charges/{intent.latest_charge}/dispute")
    [dispute] = api.v1.disputes.list().data
    api.v1.disputes.update(dispute.id, {"evidence": {"uncategorized_text": "winning_evidence"}})
    server.advance_days(1)
    server.post("balance/entries", type="reserve_transaction", amount=-5000)
    server.post("balance/entries", type="stripe_fee", amount=-200, fees={"tax": 40})
    kept = [(one.type, one.reporting_category, one.amount, one.fee) for one in entries(api)]
    assert kept == [
        ("adjustment", "other_adjustment", 1_000_000, 0),
        ("charge", "charge", 2900, 114),
        ("refund", "refund", -900, 0),
        ("refund_failure", "refund_failure", 900, 0),
        ("adjustment", "dispute", -2900, 1500),
        ("adjustment", "dispute_reversal", 2900, 0),
        ("reserve_transaction", "risk_reserve", -5000, 0),
        ("stripe_fee", "fee", -200, 40),
    ]
    check(api)
    assert balance(api)[0] == 1_000_000
    server.advance_days(3)
    check(api)
    assert balance(api) == (1_000_000 + 2900 - 114 - 1500 - 5000 - 240, 0)
    assert {one.status for one in api.v1.disputes.retrieve(dispute.id).balance_transactions} == {
        "available"
    }


def test_an_automatic_payout_groups_what_became_available(
    server: Server, api: stripe.StripeClient
) -> None:
    server.post("switches", automatic_payouts=True)
    alice = subscribe(server, api)
    subscribe(server, api)
    intent = api.v1.payment_intents.list({"customer": alice.id}).data[0]
    refund = api.v1.refunds.create({"payment_intent": intent.id, "amount": 900})
    server.advance_days(3.1)
    [payout] = api.v1.payouts.list().data
    assert (payout.amount, payout.automatic) == (2 * (2900 - 114) - 900, True)
    assert (payout.status, payout.reconciliation_status) == ("in_transit", "completed")
    paid = entries(api, payout=payout.id)
    assert [one.type for one in paid] == ["charge", "charge", "refund", "payout"]
    assert sum(one.net for one in paid) == 0
    assert paid[2].source == refund.id
    assert balance(api) == (1_000_000, 0)
    server.advance_days(2.1)
    assert api.v1.payouts.retrieve(payout.id).status == "paid"
    told = [one for one in event_types(api) if one.startswith("payout.")]
    assert told == ["payout.created", "payout.reconciliation_completed", "payout.paid"]
    check(api)


def test_a_payout_that_fails_comes_back_and_leaves_again(
    server: Server, api: stripe.StripeClient
) -> None:
    server.post("switches", automatic_payouts=True)
    subscribe(server, api)
    server.advance_days(5.1)
    [payout] = api.v1.payouts.list({"status": "paid"}).data
    page = server.http.get("/").text
    assert f"/payouts/{payout.id}" in page
    assert server.http.post(f"/payouts/{payout.id}", data={"step": "fail"}).status_code == 303
    failed = api.v1.payouts.retrieve(payout.id, {"expand": ["failure_balance_transaction"]})
    assert (failed.status, failed.failure_code) == ("failed", "account_closed")
    returned = failed.failure_balance_transaction
    assert isinstance(returned, stripe.BalanceTransaction)
    assert (returned.type, returned.net) == ("payout_failure", payout.amount)
    assert returned.reporting_category == "payout_reversal"
    assert balance(api) == (1_000_000 + payout.amount, 0)
    server.advance_days(1)
    again = api.v1.payouts.list().data[0]
    assert entries(api, payout=again.id)[0].id == returned.id
    assert again.amount == payout.amount
    check(api)
    wrong = server.http.post(f"/_sandbox/payouts/{payout.id}", json={"step": "fail"})
    assert wrong.status_code == 400


def test_a_payout_by_hand_names_no_transactions(server: Server, api: stripe.StripeClient) -> None:
    subscribe(server, api)
    payout = api.v1.payouts.create({"amount": 5000, "currency": "usd"})
    with pytest.raises(stripe.InvalidRequestError, match="only be filtered on automatic"):
        api.v1.balance_transactions.list({"payout": payout.id})
    api.v1.payouts.cancel(payout.id)
    assert [one.type for one in entries(api)][-2:] == ["payout", "payout_cancel"]
    assert balance(api)[0] == 1_000_000
    check(api)


def test_no_payout_while_more_left_than_came(server: Server, api: stripe.StripeClient) -> None:
    server.post("switches", automatic_payouts=True)
    subscribe(server, api)
    server.post("balance/entries", type="adjustment", amount=-100_000)
    server.advance_days(10)
    assert api.v1.payouts.list().data == []
    server.post("balance/entries", type="adjustment", amount=200_000)
    server.advance_days(4)
    [payout] = api.v1.payouts.list().data
    assert payout.amount == 100_000 + 2900 - 114
    assert sum(one.net for one in entries(api, payout=payout.id)) == 0
