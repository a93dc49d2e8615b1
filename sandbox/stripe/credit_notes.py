"""Credit notes: less to pay on an open invoice, money back or credit for a paid one."""

from __future__ import annotations

from sandbox.stripe import customers, invoices, refunds
from sandbox.stripe import invoice_documents as documents
from sandbox.stripe.errors import invalid, missing
from sandbox.stripe.events import changing, emit
from sandbox.stripe.params import merge_metadata
from sandbox.world import Json, World

_WAYS = ("refund_amount", "credit_amount", "out_of_band_amount")


def create(world: World, params: Json) -> Json:
    invoice = invoices.find(world, params["invoice"], param="invoice")
    lines = _lines(world, invoice, params)
    total = sum(line["amount"] for line in lines)
    if invoice["status"] == "open":
        _check(total, invoice["amount_remaining"])
        note = _blank(world, invoice, lines, total, params) | {"pre_payment_amount": total}
        _settle_open(world, invoice, total)
    elif invoice["status"] == "paid":
        _check(total, invoice["total"] - invoice["post_payment_credit_notes_amount"])
        note = _blank(world, invoice, lines, total, params)
        note |= {"type": "post_payment", "post_payment_amount": total}
        _settle_paid(world, invoice, note, params)
    else:
        raise invalid("You can only create a credit note for an open or a paid invoice.")
    world.objects.put(note)
    emit(world, "credit_note.created", note)
    return note


def _check(total: int, most: int) -> None:
    if total <= 0:
        raise invalid("The amount of a credit note must be positive.", param="amount")
    if total > most:
        raise invalid(f"The credit note's amount {total} exceeds what is left ({most}).")


def _lines(world: World, invoice: Json, params: Json) -> list[Json]:
    if not params.get("lines"):
        if params.get("amount") is None:
            raise invalid("You must pass amount or lines.", param="amount")
        wanted = {"type": "custom_line_item", "quantity": 1, "unit_amount": params["amount"]}
        return [_line(world, invoice, wanted)]
    return [_line(world, invoice, wanted) for wanted in params["lines"]]


def _line(world: World, invoice: Json, wanted: Json) -> Json:
    known = {line["id"]: line for line in invoice["lines"]["data"]}
    of_invoice = known.get(wanted.get("invoice_line_item") or "")
    if wanted["type"] == "invoice_line_item" and of_invoice is None:
        raise invalid("No such line of this invoice.", param="lines[0][invoice_line_item]")
    quantity = wanted.get("quantity") or (of_invoice["quantity"] if of_invoice else 1)
    unit = wanted.get("unit_amount")
    if unit is None and of_invoice:
        unit = round(of_invoice["amount"] / of_invoice["quantity"])
    amount = wanted.get("amount")
    if amount is None:
        amount = (unit or 0) * quantity
    return {
        "id": world.new_id("cnli_1"),
        "object": "credit_note_line_item",
        "amount": amount,
        "description": wanted.get("description") or (of_invoice and of_invoice["description"]),
        "discount_amount": 0,
        "discount_amounts": [],
        "invoice_line_item": of_invoice["id"] if of_invoice else None,
        "livemode": False,
        "metadata": {},
        "pretax_credit_amounts": [],
        "quantity": quantity,
        "tax_rates": [],
        "taxes": [],
        "type": wanted["type"],
        "unit_amount": unit,
        "unit_amount_decimal": None if unit is None else str(unit),
    }


def _blank(world: World, invoice: Json, lines: list[Json], total: int, params: Json) -> Json:
    note_id = world.new_id("cn_1")
    earlier = world.objects.list("credit_note", invoice=invoice["id"])
    return {
        "id": note_id,
        "object": "credit_note",
        "amount": total,
        "amount_shipping": 0,
        "created": world.now(),
        "currency": invoice["currency"],
        "customer": invoice["customer"],
        "customer_account": None,
        "customer_balance_transaction": None,
        "discount_amount": 0,
        "discount_amounts": [],
        "effective_at": world.now(),
        "invoice": invoice["id"],
        "lines": {
            "object": "list",
            "data": lines,
            "has_more": False,
            "url": f"/v1/credit_notes/{note_id}/lines",
        },
        "livemode": False,
        "memo": params.get("memo"),
        "metadata": params.get("metadata") or {},
        "number": f"{invoice['number']}-CN-{len(earlier) + 1:02d}",
        "out_of_band_amount": params.get("out_of_band_amount"),
        "pdf": f"{world.base_url}/credit_note/{note_id}/pdf",
        "post_payment_amount": 0,
        "pre_payment_amount": 0,
        "pretax_credit_amounts": [],
        "reason": params.get("reason"),
        "refunds": [],
        "shipping_cost": None,
        "status": "issued",
        "subtotal": total,
        "subtotal_excluding_tax": total,
        "total": total,
        "total_excluding_tax": total,
        "total_taxes": [],
        "type": "pre_payment",
        "voided_at": None,
    }


def _settle_open(world: World, invoice: Json, total: int) -> None:
    _reduce(world, invoice, total)
    if not invoice["amount_remaining"]:
        invoices.mark_paid(world, invoice)


def _reduce(world: World, invoice: Json, total: int) -> None:
    """Ask for less, or for more again where `total` is negative."""
    with changing(world, invoice, "invoice.updated"):
        invoice["pre_payment_credit_notes_amount"] += total
        invoice["amount_due"] -= total
        invoice["amount_remaining"] -= total
    payment = documents.default_payment(world, invoice)
    if payment and invoice["amount_due"]:
        payment["amount_requested"] = invoice["amount_due"]
        world.objects.put(payment)
        intent = invoices.intent_of(world, invoice)
        intent["amount"] = invoice["amount_due"]
        world.objects.put(intent)


def _settle_paid(world: World, invoice: Json, note: Json, params: Json) -> None:
    linked = params.get("refunds") or []
    found = [refunds.find(world, one["refund"]) for one in linked if one.get("refund")]
    amounts = {way: params.get(way) or 0 for way in _WAYS}
    if sum(amounts.values()) + sum(one["amount"] for one in found) != note["total"]:
        raise invalid(
            "The sum of credit amount, refund amount and out of band amount must equal the credit "
            f"note amount ({note['total']}) for a paid invoice."
        )
    if amounts["refund_amount"]:
        intent = invoices.intent_of(world, invoice)["id"]
        wanted = {"payment_intent": intent, "amount": amounts["refund_amount"]}
        found.append(refunds.create(world, wanted))
    note["refunds"] = [
        {
            "amount_refunded": one["amount"],
            "payment_record_refund": None,
            "refund": one["id"],
            "type": "refund",
        }
        for one in found
    ]
    if amounts["credit_amount"]:
        customer = customers.find(world, invoice["customer"])
        with changing(world, customer, "customer.updated"):
            customer["balance"] -= amounts["credit_amount"]
    with changing(world, invoice, "invoice.updated"):
        invoice["post_payment_credit_notes_amount"] += note["total"]


def void(world: World, note: Json) -> Json:
    """Take back a credit note of an open invoice."""
    invoice = invoices.find(world, note["invoice"])
    if note["status"] == "void" or note["type"] != "pre_payment" or invoice["status"] != "open":
        raise invalid("You can only void an issued credit note of an open invoice.")
    note |= {"status": "void", "voided_at": world.now()}
    world.objects.put(note)
    _reduce(world, invoice, -note["total"])
    emit(world, "credit_note.voided", note)
    return note


def update(world: World, note: Json, params: Json) -> Json:
    with changing(world, note, "credit_note.updated"):
        if "memo" in params:
            note["memo"] = params["memo"]
        if "metadata" in params:
            note["metadata"] = merge_metadata(note["metadata"], params["metadata"])
    return note


def find(world: World, note_id: str) -> Json:
    note = world.objects.get(note_id)
    if note is None or note["object"] != "credit_note":
        raise missing("credit_note", note_id)
    return note
