"""Early fraud warnings: reported by banks, and no longer actionable once it's too late."""

from __future__ import annotations

import pytest
import stripe

from sandbox.tests.conftest import Server, event_types, subscribe

REPORTED = "4000000000005423"
UPDATED = "radar.early_fraud_warning.updated"


def report(server: Server, api: stripe.StripeClient) -> stripe.Charge:
    subscribe(server, api)
    charge = api.v1.charges.list().data[0]
    server.post(f"charges/{charge.id}/warning", fraud_type="made_with_stolen_card")
    return charge


def warning(api: stripe.StripeClient) -> stripe.radar.EarlyFraudWarning:
    [one] = api.v1.radar.early_fraud_warnings.list().data
    return api.v1.radar.early_fraud_warnings.retrieve(one.id)


def test_a_card_whose_payments_are_reported(server: Server, api: stripe.StripeClient) -> None:
    subscribe(server, api, REPORTED)
    server.advance_days(0.01)
    made = warning(api)
    assert (made.actionable, made.fraud_type) == (True, "unauthorized_use_of_card")
    assert event_types(api)[-1] == "radar.early_fraud_warning.created"
    charge = api.v1.charges.retrieve(str(made.charge))
    assert (charge.disputed, charge.amount_refunded) == (False, 0)
    assert charge.payment_intent == made.payment_intent


def test_warnings_are_listed_by_charge_and_payment(
    server: Server, api: stripe.StripeClient
) -> None:
    charge = report(server, api)
    listed = api.v1.radar.early_fraud_warnings.list
    assert [one.charge for one in listed({"charge": charge.id}).data] == [charge.id]
    intent = str(charge.payment_intent)
    expanded = listed({"payment_intent": intent, "expand": ["data.charge"]}).data[0]
    assert isinstance(expanded.charge, stripe.Charge)
    assert listed({"charge": "ch_other"}).data == []
    with pytest.raises(stripe.InvalidRequestError):
        api.v1.radar.early_fraud_warnings.retrieve(charge.id)


def test_only_a_full_refund_settles_it(server: Server, api: stripe.StripeClient) -> None:
    charge = report(server, api)
    api.v1.refunds.create({"charge": charge.id, "amount": 900})
    assert warning(api).actionable
    assert UPDATED not in event_types(api)
    rest = api.v1.refunds.create({"charge": charge.id})
    assert not warning(api).actionable
    assert event_types(api)[-1] == UPDATED
    server.post(f"refunds/{rest.id}", step="fail")
    assert warning(api).actionable


@pytest.mark.parametrize("inquiry", [False, True])
def test_so_does_a_dispute(server: Server, api: stripe.StripeClient, inquiry: bool) -> None:
    charge = report(server, api)
    server.post(f"charges/{charge.id}/dispute", inquiry=inquiry)
    assert not warning(api).actionable
    assert event_types(api)[-1] == UPDATED


def test_a_warning_that_comes_too_late_asks_for_nothing(
    server: Server, api: stripe.StripeClient
) -> None:
    subscribe(server, api)
    charge = api.v1.charges.list().data[0].id
    api.v1.refunds.create({"charge": charge})
    server.post(f"charges/{charge}/warning")
    assert not warning(api).actionable


def test_the_panel_reports_a_payment(server: Server, api: stripe.StripeClient) -> None:
    subscribe(server, api)
    charge = api.v1.charges.list().data[0].id
    assert "Report a payment as fraud" in server.http.get("/").text
    form = {"charge": charge, "fraud_type": "misc"}
    assert server.http.post("/warnings", data=form).status_code == 303
    assert warning(api).fraud_type == "misc"
    assert "not actionable" not in server.http.get("/").text
    for refused in ({}, {"charge": charge, "fraud_type": "spite"}, {"charge": "ch_none"}):
        assert server.http.post("/warnings", data=refused).status_code == 400


def test_a_payment_that_failed_is_not_reported(server: Server, api: stripe.StripeClient) -> None:
    with pytest.raises(stripe.CardError):
        api.v1.payment_intents.create(
            {
                "amount": 500,
                "currency": "usd",
                "payment_method": "pm_card_chargeDeclined",
                "confirm": True,
                "allowed_payment_method_types": ["card"],
            }
        )
    charge = api.v1.charges.list().data[0].id
    refused = server.http.post(f"/_sandbox/charges/{charge}/warning", json={})
    assert refused.status_code == 400
