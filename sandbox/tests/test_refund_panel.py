"""Refunds on the control panel: as staff make them in Stripe's dashboard, and as banks answer."""

from __future__ import annotations

import pytest
import stripe

from sandbox.tests.conftest import Server, event_types, subscribe


@pytest.fixture
def charge(server: Server, api: stripe.StripeClient) -> stripe.Charge:
    subscribe(server, api)
    return api.v1.charges.list().data[0]


def press(server: Server, path: str, **form: str) -> int:
    return server.http.post(path, data=form).status_code


def states(api: stripe.StripeClient) -> list[tuple[int, str | None]]:
    return [(one.amount, one.status) for one in api.v1.refunds.list().data]


def test_a_part_then_all_that_is_left(
    server: Server, api: stripe.StripeClient, charge: stripe.Charge
) -> None:
    assert press(server, "/refunds", charge=charge.id, amount="9.00") == 303
    made = api.v1.refunds.list().data[0]
    assert (made.amount, made.status, made.reason) == (900, "succeeded", "requested_by_customer")
    assert made.metadata is not None
    assert made.metadata.to_dict() == {}
    page = server.http.get("/").text
    assert "$9.00" in page
    assert "from the dashboard" in page
    assert "$20.00 left" in page
    assert press(server, "/refunds", charge=charge.id) == 303
    assert states(api) == [(2000, "succeeded"), (900, "succeeded")]
    assert press(server, "/refunds", charge=charge.id) == 400
    assert "$20.00 left" not in server.http.get("/").text


def test_a_refund_that_succeeded_fails(
    server: Server, api: stripe.StripeClient, charge: stripe.Charge
) -> None:
    press(server, "/refunds", charge=charge.id)
    made = api.v1.refunds.list().data[0]
    assert press(server, f"/refunds/{made.id}", step="succeed") == 400
    assert press(server, f"/refunds/{made.id}", step="fail") == 303
    assert states(api) == [(2900, "failed")]
    assert "refund.failed" in event_types(api)
    assert press(server, f"/refunds/{made.id}", step="fail") == 400


def test_beyond_the_balance_it_is_pending_until_it_arrives(
    server: Server, api: stripe.StripeClient, charge: stripe.Charge
) -> None:
    assert press(server, "/balance", available="10.00") == 303
    assert "Balance $10.00" in server.http.get("/").text
    press(server, "/refunds", charge=charge.id)
    assert states(api) == [(2900, "pending")]
    made = api.v1.refunds.list().data[0]
    assert press(server, f"/refunds/{made.id}", step="succeed") == 303
    assert states(api) == [(2900, "succeeded")]
    assert press(server, "/balance", available="0") == 303


@pytest.mark.parametrize(
    ("path", "form"),
    [
        ("/refunds", {}),
        ("/refunds", {"charge": "ch_none"}),
        ("/refunds/re_none", {"step": "fail"}),
        ("/balance", {"available": "lots"}),
    ],
)
def test_a_form_that_says_too_little(server: Server, path: str, form: dict[str, str]) -> None:
    assert press(server, path, **form) == 400


def test_more_than_is_left(server: Server, api: stripe.StripeClient, charge: stripe.Charge) -> None:
    assert press(server, "/refunds", charge=charge.id, amount="29.01") == 400
    assert press(server, "/refunds", charge=charge.id, amount="some") == 400
    assert states(api) == []
