"""Manual invoices: a draft with items, sent or charged."""

from __future__ import annotations

from sandbox.stripe import (
    automatic_tax,
    customers,
    discounts,
    due_dates,
    invoice_items,
    invoices,
    renewals,
    tax_rates,
)
from sandbox.stripe import invoice_documents as documents
from sandbox.stripe.errors import invalid
from sandbox.stripe.events import changing, emit
from sandbox.stripe.params import missing_parameter, new_metadata
from sandbox.world import Json, World


def create(world: World, params: Json) -> Json:
    """A draft without a parent; it takes waiting items if `include` says so."""
    if not params.get("customer"):
        raise missing_parameter("customer")
    customer = customers.find(world, params["customer"], param="customer")
    due_dates.check(_collection_method(params), params)
    including = params.get("pending_invoice_items_behavior") == "include"
    waiting = invoice_items.pending(world, customer["id"], None) if including else []
    currency = params.get("currency") or customer["currency"] or "usd"
    customers.check_currency(world, customer, currency)
    wanted = _wanted(world, params)
    lines = [invoice_items.line(world, item) for item in waiting]
    chosen = discounts.choices(
        world,
        params.get("discounts") or [],
        customer=customer["id"],
        amount=sum(line["amount"] for line in lines),
        currency=currency,
    )
    invoice = documents.draft(
        world,
        customer,
        reason="manual",
        currency=currency,
        lines=lines,
        granted=[discounts.redeem(world, one, customer["id"]) for one in chosen],
        wanted=wanted,
    )
    invoice_items.settle(world, waiting, invoice)
    return invoice


def _collection_method(params: Json) -> str:
    method: str | None = params.get("collection_method")
    return method or "charge_automatically"


def _wanted(world: World, params: Json) -> Json:
    """Return the fields that the request sets. Raises ApiError if Stripe can't take them."""
    is_automatic = bool((params.get("automatic_tax") or {}).get("enabled"))
    if is_automatic:
        automatic_tax.check_active(world)
    rates = tax_rates.chosen(world, params.get("default_tax_rates"), param="default_tax_rates")
    return {
        "auto_advance": params.get("auto_advance", False),
        "automatic_tax": documents.automatic(enabled=is_automatic),
        "collection_method": _collection_method(params),
        "default_payment_method": params.get("default_payment_method"),
        "default_tax_rates": rates,
        "description": params.get("description"),
        "due_date": due_dates.of(world, params),
        "footer": params.get("footer"),
        "metadata": new_metadata(params),
    }


def add(world: World, invoice: Json, item: Json) -> None:
    """Put an item on a draft."""
    _check_draft(invoice)
    with changing(world, invoice, "invoice.updated"):
        line = invoice_items.line(world, item) | {"invoice": invoice["id"]}
        lines = [*invoice["lines"]["data"], line]
        for known in lines:
            known["discount_amounts"] = []
        invoice["lines"] = documents.line_list(invoice["id"], lines)
        documents.grant(world, invoice, discounts.of(world, invoice))
        documents.add_up(invoice)
    invoice_items.settle(world, [item], invoice)


def finalize(world: World, invoice: Json, *, auto_advance: bool | None = None) -> Json:
    """Open a draft; if nothing is due, it's paid right away."""
    renewals.finalize(world, invoice)
    if not invoice["amount_due"]:
        invoices.mark_paid(world, invoice)
    elif auto_advance is not None:
        invoices.advance_by_itself(world, invoice, wanted=auto_advance)
    return invoice


def send(world: World, invoice: Json) -> Json:
    """Email it, as Stripe would; a draft is opened first."""
    if invoice["status"] == "draft":
        finalize(world, invoice)
    emit(world, "invoice.sent", invoice)
    return invoice


def delete(world: World, invoice: Json) -> Json:
    _check_draft(invoice)
    world.objects.remove(invoice["id"])
    for item in world.objects.list("invoiceitem", invoice=invoice["id"]):
        world.objects.remove(item["id"])
    emit(world, "invoice.deleted", invoice)
    return {"id": invoice["id"], "object": "invoice", "deleted": True}


def _check_draft(invoice: Json) -> None:
    if invoice["status"] != "draft":
        raise invalid("This invoice is no longer a draft.", code="invoice_not_editable")
