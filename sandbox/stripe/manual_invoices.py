"""Invoices made by hand: a draft of items, sent or charged, and its due date."""

from __future__ import annotations

from sandbox.stripe import customers, discounts, invoice_items, invoices, renewals
from sandbox.stripe import invoice_documents as documents
from sandbox.stripe.errors import invalid
from sandbox.stripe.events import changing, emit, private
from sandbox.stripe.params import missing_parameter
from sandbox.stripe.periods import DAY
from sandbox.world import Json, World


def create(world: World, params: Json) -> Json:
    """A draft without parent; it takes the waiting items if `include` says so."""
    if not params.get("customer"):
        raise missing_parameter("customer")
    customer = customers.find(world, params["customer"], param="customer")
    method = params.get("collection_method") or "charge_automatically"
    due = _due(world, params, method)
    including = params.get("pending_invoice_items_behavior") == "include"
    waiting = invoice_items.pending(world, customer["id"], None) if including else []
    currency = (params.get("currency") or customer["currency"] or "usd").lower()
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
        wanted={
            "auto_advance": params.get("auto_advance", False),
            "collection_method": method,
            "default_payment_method": params.get("default_payment_method"),
            "description": params.get("description"),
            "due_date": due,
            "footer": params.get("footer"),
            "metadata": params.get("metadata") or {},
        },
    )
    invoice_items.settle(world, waiting, invoice)
    return invoice


def _due(world: World, params: Json, method: str) -> int | None:
    days, date = params.get("days_until_due"), params.get("due_date")
    if method == "charge_automatically" and (days or date):
        raise invalid("You can only specify a due date if collection_method is `send_invoice`.")
    if method == "send_invoice" and not days and not date:
        raise missing_parameter("days_until_due")
    due: int | None = date or (world.now() + days * DAY if days else None)
    return due


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


def finalize(world: World, invoice: Json) -> Json:
    """Open a draft; one that asks for nothing is paid at once."""
    renewals.finalize(world, invoice)
    if not invoice["amount_due"]:
        invoices.mark_paid(world, invoice)
    return invoice


def send(world: World, invoice: Json) -> Json:
    """Mail it, as Stripe would; a draft is opened first."""
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


def is_overdue_at(invoice: Json) -> int | None:
    """When an open invoice is overdue, unless that was said already."""
    told = private(invoice).get("overdue") if invoice.get("due_date") else True
    due: int | None = None if told else invoice["due_date"]
    return due


def tell_overdue(world: World, invoice: Json) -> None:
    private(invoice)["overdue"] = True
    world.objects.put(invoice)
    emit(world, "invoice.overdue", invoice)
