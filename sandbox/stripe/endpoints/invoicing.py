"""Manual invoices, their items, and credit notes."""

from sandbox.stripe import credit_notes, invoice_items, invoices, manual_invoices
from sandbox.stripe.endpoint import DATED, LISTING, Call, Endpoint, entries, equal, listing
from sandbox.stripe.params import (
    BOOLEAN,
    CURRENCY,
    INTEGER,
    METADATA,
    NOT_NEGATIVE,
    TEXT,
    TEXTS,
    Emptyable,
    Hash,
    ListOf,
    Required,
    one_of,
    text,
)
from sandbox.world import Json


def _create_item(call: Call) -> Json:
    chosen = call.params.get("invoice")
    invoice = invoices.find(call.world, chosen, param="invoice") if chosen else None
    item = invoice_items.create(call.world, call.params)
    if invoice:
        manual_invoices.add(call.world, invoice, item)
    return item


def _list_items(call: Call) -> Json:
    items = call.world.objects.list("invoiceitem", **equal(call.params, "customer", "invoice"))
    if "pending" in call.params:
        items = [item for item in items if (item["invoice"] is None) == call.params["pending"]]
    return listing(call, items, "/v1/invoiceitems")


def _update_item(call: Call) -> Json:
    return invoice_items.update(call.world, invoice_items.find(call.world, call.id), call.params)


def _list_notes(call: Call) -> Json:
    notes = call.world.objects.list("credit_note", **equal(call.params, "customer", "invoice"))
    return listing(call, notes, "/v1/credit_notes")


def _note_lines(call: Call) -> Json:
    lines: Json = credit_notes.find(call.world, call.id)["lines"]
    return entries(call, lines["data"], f"/v1/credit_notes/{call.id}/lines")


def _update_note(call: Call) -> Json:
    return credit_notes.update(call.world, credit_notes.find(call.world, call.id), call.params)


ENDPOINTS = [
    Endpoint(
        "POST",
        "/v1/invoiceitems",
        "invoice_item_create",
        _create_item,
        {
            "amount": INTEGER,
            "currency": CURRENCY,
            "customer": TEXT,
            "description": text(500),
            "discountable": BOOLEAN,
            "invoice": TEXT,
            "metadata": METADATA,
            "pricing": Hash({"price": TEXT}),
            "quantity": NOT_NEGATIVE,
            "subscription": TEXT,
            "tax_behavior": one_of("exclusive", "inclusive", "unspecified"),
            "tax_rates": TEXTS,
        },
    ),
    Endpoint(
        "GET",
        "/v1/invoiceitems",
        "invoice_item_list",
        _list_items,
        {**DATED, "customer": TEXT, "invoice": TEXT, "pending": BOOLEAN},
    ),
    Endpoint(
        "GET",
        "/v1/invoiceitems/{id}",
        "invoice_item_retrieve",
        lambda call: invoice_items.find(call.world, call.id),
        {},
    ),
    Endpoint(
        "POST",
        "/v1/invoiceitems/{id}",
        "invoice_item_update",
        _update_item,
        {
            "amount": INTEGER,
            "description": text(500),
            "metadata": METADATA,
            "tax_rates": Emptyable(TEXTS),
        },
    ),
    Endpoint(
        "DELETE",
        "/v1/invoiceitems/{id}",
        "invoice_item_delete",
        lambda call: invoice_items.delete(call.world, invoice_items.find(call.world, call.id)),
        {},
    ),
    Endpoint(
        "POST",
        "/v1/invoices",
        "invoice_create",
        lambda call: manual_invoices.create(call.world, call.params),
        {
            "auto_advance": BOOLEAN,
            "automatic_tax": Hash({"enabled": Required(BOOLEAN)}),
            "collection_method": one_of("charge_automatically", "send_invoice"),
            "currency": CURRENCY,
            "customer": TEXT,
            "days_until_due": NOT_NEGATIVE,
            "default_tax_rates": TEXTS,
            "default_payment_method": TEXT,
            "description": text(1500),
            "discounts": Emptyable(ListOf(Hash({"coupon": TEXT, "promotion_code": TEXT}))),
            "due_date": INTEGER,
            "footer": TEXT,
            "metadata": METADATA,
            "pending_invoice_items_behavior": one_of("exclude", "include"),
        },
    ),
    Endpoint(
        "DELETE",
        "/v1/invoices/{id}",
        "invoice_delete",
        lambda call: manual_invoices.delete(call.world, invoices.find(call.world, call.id)),
        {},
    ),
    Endpoint(
        "POST",
        "/v1/invoices/{id}/send",
        "invoice_send_invoice",
        lambda call: manual_invoices.send(call.world, invoices.find(call.world, call.id)),
        {},
    ),
    Endpoint(
        "POST",
        "/v1/credit_notes",
        "credit_note_create",
        lambda call: credit_notes.create(call.world, call.params),
        {
            "amount": NOT_NEGATIVE,
            "credit_amount": NOT_NEGATIVE,
            "invoice": Required(TEXT),
            "lines": ListOf(
                Hash(
                    {
                        "amount": INTEGER,
                        "description": TEXT,
                        "invoice_line_item": TEXT,
                        "quantity": NOT_NEGATIVE,
                        "tax_rates": Emptyable(TEXTS),
                        "type": Required(one_of("custom_line_item", "invoice_line_item")),
                        "unit_amount": INTEGER,
                    }
                )
            ),
            "memo": TEXT,
            "metadata": METADATA,
            "out_of_band_amount": NOT_NEGATIVE,
            "reason": one_of("duplicate", "fraudulent", "order_change", "product_unsatisfactory"),
            "refund_amount": NOT_NEGATIVE,
            "refunds": ListOf(Hash({"refund": TEXT})),
        },
    ),
    Endpoint(
        "GET",
        "/v1/credit_notes",
        "credit_note_list",
        _list_notes,
        {**DATED, "customer": TEXT, "invoice": TEXT},
    ),
    Endpoint(
        "GET",
        "/v1/credit_notes/{id}",
        "credit_note_retrieve",
        lambda call: credit_notes.find(call.world, call.id),
        {},
    ),
    Endpoint(
        "POST",
        "/v1/credit_notes/{id}",
        "credit_note_update",
        _update_note,
        {"memo": TEXT, "metadata": METADATA},
    ),
    Endpoint(
        "POST",
        "/v1/credit_notes/{id}/void",
        "credit_note_void_credit_note",
        lambda call: credit_notes.void(call.world, credit_notes.find(call.world, call.id)),
        {},
    ),
    Endpoint(
        "GET",
        "/v1/credit_notes/{id}/lines",
        "credit_note_line_item_list",
        _note_lines,
        LISTING,
    ),
]
