"""Invoices that are sent to be paid, drafts that are paid, and long ones."""

from __future__ import annotations

from typing import Any

import pytest
import stripe

from sandbox.tests.conftest import FAILS_LATER, MONTHLY, Server, event_types, subscribe
from sandbox.tests.test_invoicing import customer_with_card

DAY = 86400


def sent_subscription(api: stripe.StripeClient, days: int = 14) -> stripe.Subscription:
    """A membership that is paid by invoice."""
    bob = customer_with_card(api)
    wanted: Any = {
        "customer": bob,
        "items": [{"price": MONTHLY}],
        "collection_method": "send_invoice",
        "days_until_due": days,
    }
    return api.v1.subscriptions.create(wanted)


def newest(api: stripe.StripeClient, subscription: stripe.Subscription) -> stripe.Invoice:
    return api.v1.invoices.list({"subscription": subscription.id}).data[0]


def test_a_subscription_whose_invoices_are_sent(server: Server, api: stripe.StripeClient) -> None:
    made = sent_subscription(api)
    assert (made.status, made.days_until_due) == ("active", 14)
    first = newest(api, made)
    assert (first.status, first.collection_method) == ("draft", "send_invoice")
    server.advance_days(0.1)
    sent = newest(api, made)
    assert (sent.status, sent.attempt_count, sent.next_payment_attempt) == ("open", 0, None)
    assert sent.due_date == sent.created + 14 * DAY
    assert "invoice.sent" in event_types(api)


def test_it_is_past_due_after_the_due_date_and_active_once_paid(
    server: Server, api: stripe.StripeClient
) -> None:
    made = sent_subscription(api)
    server.advance_days(15)
    assert api.v1.subscriptions.retrieve(made.id).status == "past_due"
    assert "invoice.overdue" not in event_types(api), "Only an automation tells so."
    api.v1.invoices.pay(newest(api, made).id)
    assert api.v1.subscriptions.retrieve(made.id).status == "active"


def test_a_due_date_belongs_to_sent_invoices(api: stripe.StripeClient) -> None:
    bob = customer_with_card(api)
    with pytest.raises(stripe.InvalidRequestError, match="send_invoice"):
        api.v1.invoices.create({"customer": bob, "days_until_due": 3})
    with pytest.raises(stripe.InvalidRequestError, match="days_until_due"):
        api.v1.invoices.create({"customer": bob, "collection_method": "send_invoice"})


def test_a_membership_changes_to_invoices_and_back(
    server: Server, api: stripe.StripeClient
) -> None:
    alice = subscribe(server, api)
    wanted: Any = {"collection_method": "send_invoice", "days_until_due": 7}
    api.v1.subscriptions.update(alice.subscription.id, wanted)
    server.advance("renewal")
    assert (alice.invoices[0].status, alice.invoices[0].attempt_count) == ("open", 0)
    charged = api.v1.subscriptions.update(
        alice.subscription.id, {"collection_method": "charge_automatically"}
    )
    assert charged.days_until_due is None


def test_a_draft_is_changed_and_paid(api: stripe.StripeClient) -> None:
    bob = customer_with_card(api)
    draft = api.v1.invoices.create({"customer": bob})
    api.v1.invoice_items.create({"customer": bob, "invoice": draft.id, "amount": 4000})
    wanted: Any = {"collection_method": "send_invoice", "days_until_due": 7}
    assert api.v1.invoices.update(draft.id, wanted).due_date
    paid = api.v1.invoices.pay(draft.id)
    assert (paid.status, paid.amount_paid) == ("paid", 4000)
    assert paid.number
    with pytest.raises(stripe.InvalidRequestError, match="Finalized"):
        api.v1.invoices.update(draft.id, {"days_until_due": 30})


def test_of_many_lines_ten_are_embedded_and_the_rest_is_paged(api: stripe.StripeClient) -> None:
    bob = customer_with_card(api)
    draft = api.v1.invoices.create({"customer": bob})
    for number in range(23):
        wanted: Any = {"customer": bob, "invoice": draft.id, "amount": 100 + number}
        api.v1.invoice_items.create(wanted)
    invoice = api.v1.invoices.retrieve(draft.id)
    assert (len(invoice.lines.data), invoice.lines.has_more) == (10, True)
    assert invoice.total == sum(100 + number for number in range(23))
    first = api.v1.invoices.line_items.list(draft.id, {"limit": 20})
    assert (len(first.data), first.has_more) == (20, True)
    everything = list(api.v1.invoices.line_items.list(draft.id).auto_paging_iter())
    assert len({line.id for line in everything}) == 23


def test_the_lines_of_a_long_preview_are_paged(server: Server, api: stripe.StripeClient) -> None:
    alice = subscribe(server, api)
    for _ in range(11):
        wanted: Any = {"customer": alice.id, "amount": 100, "currency": "usd"}
        api.v1.invoice_items.create(wanted)
    shown = api.v1.invoices.create_preview({"subscription": alice.subscription.id})
    assert shown.lines.has_more
    lines = list(api.v1.invoices.line_items.list(str(shown.id)).auto_paging_iter())
    assert len(lines) == 12


def test_a_retry_may_be_set_later(server: Server, api: stripe.StripeClient) -> None:
    alice = subscribe(server, api, FAILS_LATER)
    server.post("switches", retry_set_later=True)
    end = alice.subscription["items"].data[0].current_period_end
    server.post("clock", set=end + 3600)
    failed = alice.invoices[0]
    assert (failed.attempt_count, failed.next_payment_attempt) == (1, None)
    assert failed.auto_advance, "Stripe has not given up."
    server.post("clock", advance_seconds=120)
    assert alice.invoices[0].next_payment_attempt
    server.advance_days(30)
    last = alice.invoices[0]
    assert (last.next_payment_attempt, last.auto_advance) == (None, False)


def test_a_portal_that_nobody_set_up(server: Server, api: stripe.StripeClient) -> None:
    bob = api.v1.customers.create()
    server.post("switches", portal_not_set_up=True)
    with pytest.raises(stripe.InvalidRequestError, match="has not been created"):
        api.v1.billing_portal.sessions.create({"customer": bob.id})
    wanted: Any = {"is_default": True}
    assert not api.v1.billing_portal.configurations.list(wanted).data
    own: Any = {"features": {"payment_method_update": {"enabled": True}}}
    made = api.v1.billing_portal.configurations.create(own)
    session = api.v1.billing_portal.sessions.create({"customer": bob.id, "configuration": made.id})
    assert session.url
    server.post("switches", portal_not_set_up=False)
    assert api.v1.billing_portal.sessions.create({"customer": bob.id}).url


def test_the_panel_marks_an_invoice_as_paid(server: Server, api: stripe.StripeClient) -> None:
    server.http.post(
        "/dashboard",
        data={"kind": "sent", "email": "bob@example.com", "price": MONTHLY},
    )
    server.advance("day")
    invoice = api.v1.invoices.list().data[0]
    assert "Paid outside Stripe" in server.http.get("/").text
    server.http.post(f"/invoices/{invoice.id}/outside")
    assert api.v1.invoices.retrieve(invoice.id).status == "paid"
