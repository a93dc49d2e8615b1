"""Credit notes: less to pay on an open invoice; money back or credit for a paid one."""

from __future__ import annotations

from sandbox.stripe import customers, invoices, refunds, tax_rates, taxes
from sandbox.stripe import invoice_documents as documents
from sandbox.stripe.errors import invalid, missing
from sandbox.stripe.events import changing, emit
from sandbox.stripe.params import merge_metadata, new_metadata
from sandbox.stripe.shown import public
from sandbox.world import Json, World

_WAYS = ("refund_amount", "credit_amount", "out_of_band_amount")


def create(world: World, params: Json) -> Json:
    invoice = invoices.find(world, params["invoice"], param="invoice")
    lines = _lines(world, invoice, params)
    note = _blank(world, invoice, lines, params)
    total = note["total"]
    if invoice["status"] == "open":
        _check(total, invoice["amount_remaining"])
        note |= {"pre_payment_amount": total}
        _settle_open(world, invoice, total)
    elif invoice["status"] == "paid":
        _check(total, invoice["total"] - invoice["post_payment_credit_notes_amount"])
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
        return [_share(world, invoice, params["amount"])]
    return [
        _line(world, invoice, wanted, f"lines[{index}]")
        for index, wanted in enumerate(params["lines"])
    ]


def _share(world: World, invoice: Json, amount: int) -> Json:
    """A part of the whole invoice, including its share of each tax."""
    entries = _parts(invoice["total_taxes"], amount, invoice["total"])
    unit = amount - taxes.exclusive(entries)
    return _blank_line(world, unit, 1, "custom_line_item") | {
        "taxes": entries,
        "unit_amount": unit,
        "unit_amount_decimal": str(unit),
    }


def _parts(entries: list[Json], part: int, whole: int) -> list[Json]:
    """Each tax's share for a part of an amount."""
    return [
        {
            **entry,
            "amount": _part(entry["amount"], part, whole),
            "taxable_amount": _part(entry["taxable_amount"], part, whole),
        }
        for entry in entries
    ]


def _part(amount: int, part: int, whole: int) -> int:
    return round(amount * part / whole) if whole else 0


def _line(world: World, invoice: Json, wanted: Json, param: str) -> Json:
    if wanted["type"] == "invoice_line_item":
        return _of_invoice(world, invoice, wanted, param)
    if invoice["automatic_tax"]["enabled"]:
        raise invalid(
            "Custom line items are not supported on an invoice with automatic tax.", param=param
        )
    quantity, unit = wanted.get("quantity") or 1, wanted.get("unit_amount") or 0
    rates = tax_rates.chosen(world, wanted.get("tax_rates"), param=f"{param}[tax_rates]")
    return _blank_line(world, unit * quantity, quantity, wanted["type"]) | {
        "description": wanted.get("description"),
        "tax_rates": rates,
        "taxes": [tax.of_document for tax in taxes.on(unit * quantity, rates)],
        "unit_amount": unit,
        "unit_amount_decimal": str(unit),
    }


def _of_invoice(world: World, invoice: Json, wanted: Json, param: str) -> Json:
    """A part of an invoice line, with its share of discounts and taxes."""
    known = {line["id"]: line for line in invoice["lines"]["data"]}
    line = known.get(wanted.get("invoice_line_item") or "")
    if line is None:
        raise invalid("No such line of this invoice.", param=f"{param}[invoice_line_item]")
    quantity = wanted.get("quantity") or line["quantity"]
    amount = wanted.get("amount")
    if amount is None:
        amount = round(line["amount"] / line["quantity"]) * quantity
    discounts = [
        {**entry, "amount": _part(entry["amount"], amount, line["amount"])}
        for entry in line["discount_amounts"]
    ]
    return _blank_line(world, amount, quantity, wanted["type"]) | {
        "description": wanted.get("description") or line["description"],
        "discount_amount": sum(entry["amount"] for entry in discounts),
        "discount_amounts": discounts,
        "invoice_line_item": line["id"],
        "tax_rates": _rates(world, line["taxes"]),
        "taxes": _parts(line["taxes"], amount, line["amount"]),
    }


def _rates(world: World, entries: list[Json]) -> list[Json]:
    rates = [tax_rates.find(world, one["tax_rate_details"]["tax_rate"]) for one in entries]
    return [public(rate) for rate in rates]


def _blank_line(world: World, amount: int, quantity: int, kind: str) -> Json:
    return {
        "id": world.new_id("cnli_1"),
        "object": "credit_note_line_item",
        "amount": amount,
        "description": None,
        "discount_amount": 0,
        "discount_amounts": [],
        "invoice_line_item": None,
        "livemode": False,
        "metadata": {},
        "pretax_credit_amounts": [],
        "quantity": quantity,
        "tax_rates": [],
        "taxes": [],
        "type": kind,
        "unit_amount": None,
        "unit_amount_decimal": None,
    }


def _sums(lines: list[Json]) -> Json:
    """The lines' totals, with and without tax and discounts."""
    entries = taxes.summed(entry for line in lines for entry in line["taxes"])
    subtotal = sum(line["amount"] for line in lines)
    discount = sum(line["discount_amount"] for line in lines)
    total = subtotal - discount + taxes.exclusive(entries)
    return {
        "amount": total,
        "discount_amount": discount,
        "discount_amounts": _summed_discounts(lines),
        "subtotal": subtotal,
        "subtotal_excluding_tax": subtotal - taxes.inclusive(entries),
        "total": total,
        "total_excluding_tax": total - sum(entry["amount"] for entry in entries),
        "total_taxes": entries,
    }


def _summed_discounts(lines: list[Json]) -> list[Json]:
    sums: dict[str, int] = {}
    for entry in (one for line in lines for one in line["discount_amounts"]):
        sums[entry["discount"]] = sums.get(entry["discount"], 0) + entry["amount"]
    return [{"amount": amount, "discount": discount} for discount, amount in sums.items()]


def _blank(world: World, invoice: Json, lines: list[Json], params: Json) -> Json:
    note_id = world.new_id("cn_1")
    earlier = world.objects.list("credit_note", invoice=invoice["id"])
    return {
        "id": note_id,
        "object": "credit_note",
        "amount_shipping": 0,
        "created": world.now(),
        "currency": invoice["currency"],
        "customer": invoice["customer"],
        "customer_account": None,
        "customer_balance_transaction": None,
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
        "metadata": new_metadata(params),
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
        "type": "pre_payment",
        "voided_at": None,
        **_sums(lines),
    }


def _settle_open(world: World, invoice: Json, total: int) -> None:
    _reduce(world, invoice, total)
    if not invoice["amount_remaining"]:
        invoices.mark_paid(world, invoice)


def _reduce(world: World, invoice: Json, total: int) -> None:
    """Reduce the amount due, or raise it again if `total` is negative."""
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
    refunded = [refunds.find(world, one["refund"]) for one in linked if one.get("refund")]
    amounts = {way: params.get(way) or 0 for way in _WAYS}
    if sum(amounts.values()) + sum(one["amount"] for one in refunded) != note["total"]:
        raise invalid(
            "The sum of credit amount, refund amount and out of band amount must equal the credit "
            f"note amount ({note['total']}) for a paid invoice."
        )
    if amounts["refund_amount"]:
        intent = invoices.intent_of(world, invoice)["id"]
        wanted = {"payment_intent": intent, "amount": amounts["refund_amount"]}
        refunded.append(refunds.create(world, wanted))
    note["refunds"] = [
        {
            "amount_refunded": one["amount"],
            "payment_record_refund": None,
            "refund": one["id"],
            "type": "refund",
        }
        for one in refunded
    ]
    if amounts["credit_amount"]:
        customer = customers.find(world, invoice["customer"])
        with changing(world, customer, "customer.updated"):
            customer["balance"] -= amounts["credit_amount"]
    with changing(world, invoice, "invoice.updated"):
        invoice["post_payment_credit_notes_amount"] += note["total"]


def void(world: World, note: Json) -> Json:
    """Void a credit note of an open invoice."""
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
