"""Reads invoices and credit notes from Stripe, and makes credit notes."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import stripe

from billing.core import idempotency, limits
from billing.stripe import snapshots
from billing.stripe.gateway.checkout import SingleTax
from billing.stripe.gateway.client import client, translated_errors
from billing.stripe.gateway.lists import Unreadable, each_read, every, of_customer

# What's expanded in an invoice.
INVOICE_PARTS = (
    *("payments", "amount_paid_off_stripe"),
    *("discounts.promotion_code", "discounts.source.coupon"),
)


def read_invoice(invoice_id: str) -> snapshots.InvoiceSnapshot:
    """Read an invoice and the IDs of the payment intents that tried to pay it."""
    with translated_errors():
        answer = client().v1.invoices.retrieve(invoice_id, {"expand": [*INVOICE_PARTS]})
        return snapshots.invoice(in_full(answer.to_dict(for_json=True)))


def list_invoices(
    customer_id: str = "", bad: list[Unreadable] | None = None
) -> Iterator[snapshots.InvoiceSnapshot]:
    """Yield every invoice, with the IDs of the payment intents that tried to pay it."""
    params = {"expand": [f"data.{part}" for part in INVOICE_PARTS]} | of_customer(customer_id)
    listed = every(client().v1.invoices.list, params)
    yield from each_read(lambda one: snapshots.invoice(in_full(one)), listed, bad)


def in_full(invoice: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return an invoice with all of its lines and payments: Stripe embeds only ten of each."""
    whole = dict(invoice)
    if invoice["lines"].get("has_more"):
        whole["lines"] = {"data": _lines_of(invoice["id"])}
    if (invoice.get("payments") or {}).get("has_more"):
        payments = every(client().v1.invoice_payments.list, {"invoice": invoice["id"]})
        whole["payments"] = {"data": [*payments]}
    return whole


def _lines_of(invoice_id: str) -> list[Mapping[str, Any]]:
    """Read all lines of an invoice, or of an invoice preview."""
    lines = client().v1.invoices.line_items
    return [*every(lambda page: lines.list(invoice_id, page), {})]


@dataclass(frozen=True)
class PaidInvoice:
    """The parameters of an invoice for one thing that was paid outside of Stripe.

    `key` names the payment, in the invoice's metadata and in idempotency keys. The amount is in
    minor units.
    """

    key: str
    customer_id: str
    user_id: int
    amount: int
    currency: str
    description: str
    tax: SingleTax | None


def create_paid_invoice(wanted: PaidInvoice) -> str:
    """Make an invoice with one line and mark it as paid, once per key; return its ID.

    A run that was cut short is taken up where it ended.
    """
    invoice_id = invoice_of_zelle(wanted.customer_id, wanted.key) or _draft(wanted)
    with translated_errors():
        invoice = client().v1.invoices.retrieve(invoice_id).to_dict()
        if invoice["status"] == "draft" and not invoice["lines"]["data"]:
            _add_line(invoice_id, wanted)
    if invoice["status"] in ("draft", "open"):
        pay_outside(invoice_id, wanted.key)
    return invoice_id


def _draft(wanted: PaidInvoice) -> str:
    params: stripe.params.InvoiceCreateParams = {
        "customer": wanted.customer_id,
        "currency": wanted.currency,
        "auto_advance": False,
        "pending_invoice_items_behavior": "exclude",
        "metadata": {snapshots.ZELLE_KEY: wanted.key, snapshots.USER_KEY: str(wanted.user_id)},
    }
    if wanted.tax:
        params["automatic_tax"] = {"enabled": True}
    with translated_errors():
        key = idempotency.key("zelle-invoice", wanted.key, wanted.customer_id)
        made = client().v1.invoices.create(limits.sendable(params), {"idempotency_key": key})
        return made.id


def _add_line(invoice_id: str, wanted: PaidInvoice) -> None:
    item: stripe.params.InvoiceItemCreateParams = {
        "customer": wanted.customer_id,
        "invoice": invoice_id,
        "amount": wanted.amount,
        "currency": wanted.currency,
        "description": wanted.description,
    }
    if wanted.tax:
        item["tax_behavior"] = "inclusive"
        if wanted.tax.code:
            item["tax_code"] = wanted.tax.code
    key = idempotency.key("zelle-line", wanted.key, invoice_id)
    client().v1.invoice_items.create(limits.sendable(item), {"idempotency_key": key})


def invoice_of_zelle(customer_id: str, key: str) -> str:
    """Return the ID of the invoice made for a payment by Zelle, or an empty string."""
    for invoice in every(client().v1.invoices.list, {"customer": customer_id}):
        if (invoice.get("metadata") or {}).get(snapshots.ZELLE_KEY) == key:
            return str(invoice["id"])
    return ""


def pay_outside(invoice_id: str, key: str) -> None:
    """Mark a draft or open invoice as paid by Zelle. One that's paid already is left alone.

    Stripe opens a draft first.

    Raises:
        StripeRefused: it can't be paid any more.
    """
    with translated_errors():
        invoices = client().v1.invoices
        invoice = invoices.retrieve(invoice_id).to_dict()
        named = (invoice["metadata"] or {}).get(snapshots.ZELLE_KEY) == key
        if invoice["status"] == "paid" and named:
            return
        if not named and invoice["status"] in ("draft", "open"):
            invoices.update(invoice_id, {"metadata": {snapshots.ZELLE_KEY: key}})
        invoices.pay(
            invoice_id,
            {"paid_out_of_band": True},
            {"idempotency_key": idempotency.key("zelle-paid", invoice_id, key)},
        )


def finalize_invoice(invoice_id: str, *, collects: bool) -> None:
    """Open a draft, unless that's done; with `collects`, Stripe then charges or sends it.

    Raises:
        StripeRefused: it can't be finalized, as with an address that has no tax place.
    """
    with translated_errors():
        invoice = client().v1.invoices.retrieve(invoice_id)
        if invoice.status == "draft":
            client().v1.invoices.finalize_invoice(invoice_id, {"auto_advance": collects})


def void_invoice(invoice_id: str) -> None:
    """Take back an open invoice: it's owed no longer. One that's void already is left alone.

    Raises:
        StripeRefused: it's paid.
    """
    with translated_errors():
        invoice = client().v1.invoices.retrieve(invoice_id)
        if invoice.status != "void":
            client().v1.invoices.void_invoice(invoice_id)


def give_up_invoice(invoice_id: str) -> None:
    """Mark an open invoice as uncollectible: Stripe tries no more, and it stays owed.

    Raises:
        StripeRefused: it isn't open.
    """
    with translated_errors():
        invoice = client().v1.invoices.retrieve(invoice_id)
        if invoice.status != "uncollectible":
            client().v1.invoices.mark_uncollectible(invoice_id)


def create_outside_credit_note(invoice_id: str, amount: int, key: str) -> str:
    """Make the credit note for money given back outside of Stripe, once per key; return its ID.

    `amount` is in minor units.
    """
    if known := credit_note_of(invoice_id, key):
        return known
    params: stripe.params.CreditNoteCreateParams = {
        "invoice": invoice_id,
        "amount": amount,
        "out_of_band_amount": amount,
        "metadata": {snapshots.REFUND_KEY: key},
    }
    with translated_errors():
        made = client().v1.credit_notes.create(
            limits.sendable(params), {"idempotency_key": idempotency.key("credit-note", key)}
        )
        return made.id


def read_credit_note(credit_note_id: str) -> snapshots.CreditNoteSnapshot:
    """Read a credit note."""
    with translated_errors():
        answer = client().v1.credit_notes.retrieve(credit_note_id)
        return snapshots.credit_note(answer.to_dict())


def list_credit_notes(
    customer_id: str = "", invoice_id: str = "", bad: list[Unreadable] | None = None
) -> Iterator[snapshots.CreditNoteSnapshot]:
    """Yield the credit notes of an invoice, of a customer, or of all, including void ones."""
    params = of_customer(customer_id) | ({"invoice": invoice_id} if invoice_id else {})
    listed = every(client().v1.credit_notes.list, params)
    yield from each_read(snapshots.credit_note, listed, bad)


def create_credit_note(invoice_id: str, refund_id: str, amount: int, key: str) -> str:
    """Make the credit note for an existing refund, once per key; return its ID."""
    params: stripe.params.CreditNoteCreateParams = {
        "invoice": invoice_id,
        "amount": amount,
        "refunds": [{"refund": refund_id}],
        "metadata": {snapshots.REFUND_KEY: key},
    }
    with translated_errors():
        made = client().v1.credit_notes.create(
            limits.sendable(params), {"idempotency_key": idempotency.key("credit-note", key)}
        )
        return made.id


def credit_note_of(invoice_id: str, key: str) -> str:
    """Return the ID of the credit note made for a refund's key, or an empty string."""
    for note in every(client().v1.credit_notes.list, {"invoice": invoice_id}):
        if (note.get("metadata") or {}).get(snapshots.REFUND_KEY) == key:
            return str(note["id"])
    return ""
