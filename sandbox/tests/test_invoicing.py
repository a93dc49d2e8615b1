"""Invoices and items made by hand, and credit notes."""

from __future__ import annotations

from typing import Any

import pytest
import stripe

from sandbox.tests.conftest import FAILS_LATER, Server, event_types, subscribe


def bill(api: stripe.StripeClient, customer: str, **params: Any) -> stripe.Invoice:
    """An open invoice over 40.00, made by hand."""
    api.v1.invoice_items.create(
        {"customer": customer, "amount": 4000, "currency": "usd", "description": "Workshop"}
    )
    wanted: Any = {"customer": customer, "pending_invoice_items_behavior": "include", **params}
    draft = api.v1.invoices.create(wanted)
    assert (draft.status, draft.parent, draft.billing_reason) == ("draft", None, "manual")
    return api.v1.invoices.finalize_invoice(draft.id)


def customer_with_card(api: stripe.StripeClient) -> str:
    made = api.v1.customers.create({"payment_method": "pm_card_visa", "email": "bob@example.com"})
    method = api.v1.payment_methods.list({"customer": made.id}).data[0].id
    api.v1.customers.update(made.id, {"invoice_settings": {"default_payment_method": method}})
    return made.id


def test_an_invoice_made_by_hand_is_paid(server: Server, api: stripe.StripeClient) -> None:
    bob = customer_with_card(api)
    invoice = bill(api, bob)
    line = invoice.lines.data[0]
    assert line.parent
    assert line.parent.type == "invoice_item_details"
    paid = api.v1.invoices.pay(invoice.id)
    assert (paid.status, paid.amount_paid) == ("paid", 4000)
    assert api.v1.invoice_items.list({"customer": bob, "pending": True}).data == []


def test_an_invoice_that_is_sent_becomes_overdue(server: Server, api: stripe.StripeClient) -> None:
    """Stripe tells of it where an automation was set up, and says nothing otherwise."""
    server.post("switches", invoice_automations=True)
    bob = customer_with_card(api)
    invoice = bill(api, bob, collection_method="send_invoice", days_until_due=7)
    api.v1.invoices.send_invoice(invoice.id)
    server.advance_days(8)
    assert api.v1.invoices.retrieve(invoice.id).status == "open"
    assert {"invoice.sent", "invoice.will_be_due", "invoice.overdue"} <= set(event_types(api))
    server.advance_days(8)
    assert event_types(api).count("invoice.overdue") == 1


def test_an_item_waits_for_the_renewal(server: Server, api: stripe.StripeClient) -> None:
    alice = subscribe(server, api)
    api.v1.invoice_items.create({"customer": alice.id, "amount": 500, "currency": "usd"})
    server.advance("renewal")
    assert alice.invoices[0].amount_paid == 3400


def test_an_item_joins_a_draft_which_may_be_thrown_away(
    server: Server, api: stripe.StripeClient
) -> None:
    bob = customer_with_card(api)
    draft = api.v1.invoices.create({"customer": bob, "metadata": {"for": "a test"}})
    item = api.v1.invoice_items.create({"customer": bob, "amount": 900, "invoice": draft.id})
    assert api.v1.invoices.retrieve(draft.id).amount_due == 900
    with pytest.raises(stripe.InvalidRequestError):
        api.v1.invoice_items.delete(item.id)
    assert api.v1.invoices.delete(draft.id).deleted
    with pytest.raises(stripe.InvalidRequestError, match="No such invoice"):
        api.v1.invoices.retrieve(draft.id)


def test_a_waiting_item_is_changed_and_deleted(server: Server, api: stripe.StripeClient) -> None:
    bob = customer_with_card(api)
    item = api.v1.invoice_items.create({"customer": bob, "amount": 900, "currency": "usd"})
    assert api.v1.invoice_items.update(item.id, {"amount": 700}).amount == 700
    api.v1.invoice_items.delete(item.id)
    assert api.v1.invoice_items.list({"customer": bob}).data == []


def test_a_credit_note_lowers_an_open_invoice_until_it_is_void(
    server: Server, api: stripe.StripeClient
) -> None:
    alice = subscribe(server, api, FAILS_LATER)
    server.advance("renewal")
    open_id = alice.invoices[0].id
    note = api.v1.credit_notes.create({"invoice": open_id, "amount": 900, "memo": "Sorry"})
    assert (note.type, note.pre_payment_amount) == ("pre_payment", 900)
    assert alice.invoices[0].amount_remaining == 2000
    assert api.v1.credit_notes.void_credit_note(note.id).status == "void"
    assert alice.invoices[0].amount_remaining == 2900
    api.v1.credit_notes.create({"invoice": open_id, "amount": 2900})
    assert alice.invoices[0].status == "paid"
    types = event_types(api)
    assert [types.count(f"credit_note.{what}") for what in ("created", "voided")] == [2, 1]


def test_a_credit_note_gives_money_back_and_credit(
    server: Server, api: stripe.StripeClient
) -> None:
    alice = subscribe(server, api)
    invoice = alice.invoices[0]
    with pytest.raises(stripe.InvalidRequestError, match="must equal"):
        api.v1.credit_notes.create({"invoice": invoice.id, "amount": 1500})
    note = api.v1.credit_notes.create(
        {
            "invoice": invoice.id,
            "lines": [
                {
                    "type": "invoice_line_item",
                    "invoice_line_item": invoice.lines.data[0].id,
                    "amount": 1500,
                }
            ],
            "refund_amount": 1000,
            "credit_amount": 500,
            "reason": "order_change",
            "expand": ["refunds.refund"],
        }
    )
    refund = note.refunds[0].refund
    assert isinstance(refund, stripe.Refund)
    assert refund.amount == 1000
    assert alice.invoices[0].post_payment_credit_notes_amount == 1500
    assert api.v1.customers.retrieve(alice.id).balance == -500
    assert api.v1.credit_notes.list({"invoice": invoice.id}).data[0].id == note.id
    assert api.v1.credit_notes.line_items.list(note.id).data[0].amount == 1500
    assert api.v1.credit_notes.update(note.id, {"memo": "Done"}).memo == "Done"
    assert server.http.get(note.pdf).content.startswith(b"%PDF")
    with pytest.raises(stripe.InvalidRequestError, match="open invoice"):
        api.v1.credit_notes.void_credit_note(note.id)
    server.advance("renewal")
    assert alice.invoices[0].amount_paid == 2400
