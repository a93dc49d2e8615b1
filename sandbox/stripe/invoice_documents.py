"""The invoice as a document: lines, totals, number, finalization. Nothing here moves money."""

from __future__ import annotations

from collections.abc import Sequence

from sandbox.stripe import (
    amounts,
    discounts,
    invoice_taxes,
    payment_intents,
    prices,
    products,
    tax_ids,
    taxes,
)
from sandbox.stripe.events import changing, emit
from sandbox.stripe.shown import copy, whole
from sandbox.world import Json, World

HOUR = 3600
_ZERO_AT_FIRST = (
    "amount_due amount_overpaid amount_paid amount_remaining amount_shipping attempt_count "
    "post_payment_credit_notes_amount pre_payment_credit_notes_amount subtotal "
    "subtotal_excluding_tax total total_excluding_tax"
).split()
_TRANSITIONS = ("finalized_at", "marked_uncollectible_at", "paid_at", "voided_at")
_PAYMENT_SETTINGS = ("default_mandate", "payment_method_options", "payment_method_types")


def draft(
    world: World,
    customer: Json,
    *,
    reason: str,
    currency: str,
    lines: list[Json],
    subscription: Json | None = None,
    period: tuple[int, int] | None = None,
    invoice_id: str | None = None,
    granted: Sequence[Json] = (),
    wanted: Json | None = None,
) -> Json:
    """Store a draft that's finalized automatically after an hour; `granted` are its discounts.

    `wanted` sets more fields; without `auto_advance` it stays a draft.
    """
    invoice = blank(
        world, customer, reason=reason, currency=currency, subscription=subscription, period=period
    )
    invoice["id"] = invoice_id or world.new_id("in_1")
    for line in lines:
        line["invoice"] = invoice["id"]
    invoice["lines"] = line_list(invoice["id"], lines)
    invoice |= wanted or {}
    grant(world, invoice, granted)
    invoice["automatically_finalizes_at"] = world.now() + HOUR if invoice["auto_advance"] else None
    add_up(invoice)
    world.objects.put(invoice)
    emit(world, "invoice.created", invoice)
    return invoice


def grant(world: World, invoice: Json, granted: Sequence[Json]) -> None:
    """Apply discounts to the lines, and tax to the rest."""
    invoice["discounts"] = [discount["id"] for discount in granted]
    totals = discounts.apply(world, invoice["lines"]["data"], [*granted])
    invoice["total_discount_amounts"] = totals
    invoice["total_pretax_credit_amounts"] = [{**entry, "type": "discount"} for entry in totals]
    invoice_taxes.assess(world, invoice)


def line_list(invoice_id: str, lines: list[Json]) -> Json:
    return {
        "object": "list",
        "data": lines,
        "has_more": False,
        "url": f"/v1/invoices/{invoice_id}/lines",
    }


def add_up(invoice: Json) -> None:
    """Set every total from the lines."""
    lines = invoice["lines"]["data"]
    subtotal = sum(line["amount"] for line in lines)
    total = subtotal - sum(entry["amount"] for entry in invoice["total_discount_amounts"])
    total += taxes.exclusive(invoice["total_taxes"])
    owed = total + invoice["starting_balance"]
    # An amount too small to charge stays on the balance for the next invoice.
    due = amounts.chargeable(max(0, owed), invoice["currency"])
    ending = owed - due
    invoice |= {
        "subtotal": subtotal,
        "total": total,
        "total_excluding_tax": total - sum(int(one["amount"]) for one in invoice["total_taxes"]),
        "amount_due": due,
        "amount_remaining": due,
        "ending_balance": ending if invoice["ending_balance"] is not None else None,
    }


def finalize(world: World, invoice: Json, customer: Json, intent: Json | None = None) -> Json:
    """Number and open the invoice. If something is due, attach `intent`, or a new one."""
    now = world.now()
    show_customer(world, invoice, customer)
    invoice_taxes.before_finalizing(world, invoice)
    before = {"status": "draft", "number": None}
    invoice |= {
        "status": "open",
        "number": _number(world, customer),
        "effective_at": now,
        "automatically_finalizes_at": None,
        "hosted_invoice_url": f"{world.base_url}/invoice/{invoice['id']}",
        "invoice_pdf": f"{world.base_url}/invoice/{invoice['id']}/pdf",
        "starting_balance": customer["balance"],
        "ending_balance": 0,
    }
    add_up(invoice)
    if customer["balance"] != invoice["ending_balance"]:
        with changing(world, customer, "customer.updated"):
            customer["balance"] = invoice["ending_balance"]
    invoice["status_transitions"]["finalized_at"] = now
    world.objects.put(invoice)
    if invoice["amount_due"]:
        add_payment(world, invoice, intent or _intent(world, invoice))
    emit(world, "invoice.finalized", invoice, before)
    return invoice


def show_customer(world: World, invoice: Json, customer: Json) -> None:
    """Set who is billed from the customer; this is fixed after finalization."""
    invoice |= {
        "customer_address": customer["address"],
        "customer_email": customer["email"],
        "customer_name": customer["name"],
        "customer_phone": customer["phone"],
        "customer_shipping": customer["shipping"],
        "customer_tax_exempt": customer["tax_exempt"],
        "customer_tax_ids": tax_ids.of_invoice(world, customer),
    }


def _number(world: World, customer: Json) -> str:
    number = f"{customer['invoice_prefix']}-{customer['next_invoice_sequence']:04d}"
    customer["next_invoice_sequence"] += 1
    world.objects.put(customer)
    return number


def _intent(world: World, invoice: Json) -> Json:
    first = invoice["billing_reason"] == "subscription_create"
    descriptions = {
        "subscription_create": "Subscription creation",
        "subscription_cycle": "Subscription update",
        "subscription_update": "Subscription update",
    }
    return payment_intents.create(
        world,
        amount=invoice["amount_due"],
        currency=invoice["currency"],
        customer=invoice["customer"],
        description=descriptions.get(
            invoice["billing_reason"], f"Payment for Invoice {invoice['number']}"
        ),
        setup_future_usage="off_session" if first else None,
    )


def add_payment(world: World, invoice: Json, intent: Json) -> Json:
    """Attach a payment intent to an invoice."""
    return world.objects.put(
        {
            "id": world.new_id("inpay_1"),
            "object": "invoice_payment",
            "amount_paid": None,
            "amount_requested": invoice["amount_due"],
            "created": world.now(),
            "currency": invoice["currency"],
            "invoice": invoice["id"],
            "is_default": True,
            "livemode": False,
            "payment": {"payment_intent": intent["id"], "type": "payment_intent"},
            "status": "open",
            "status_transitions": {"canceled_at": None, "paid_at": None},
        }
    )


def add_record(world: World, invoice: Json) -> Json:
    """Attach the record of a payment that Stripe didn't process to an invoice."""
    made = add_payment(world, invoice, {"id": ""})
    record = {"payment_record": world.new_id("prec_1"), "type": "payment_record"}
    return world.objects.put(made | {"is_default": False, "payment": record})


def payments(world: World, invoice: Json) -> list[Json]:
    return world.objects.list("invoice_payment", invoice=invoice["id"])


def default_payment(world: World, invoice: Json) -> Json | None:
    """The payment that an attempt to pay uses."""
    return next((entry for entry in payments(world, invoice) if entry["is_default"]), None)


def subscription_line(
    world: World, subscription: Json, item: Json, period: tuple[int, int], *, trial: bool = False
) -> Json:
    """A line for a subscription item's period; free during a trial."""
    price = item["price"]
    name = products.find(world, price["product"])["name"]
    amount = 0 if trial else price["unit_amount"] * item["quantity"]
    text = (
        f"Trial period for {name}"
        if trial
        else f"{item['quantity']} × {name} (at {prices.text(price)})"
    )
    parent = {
        "invoice_item_details": None,
        "subscription_item_details": {
            "invoice_item": None,
            "proration": False,
            "proration_details": {"credited_items": None},
            "subscription": subscription["id"],
            "subscription_item": item["id"],
        },
        "type": "subscription_item_details",
    }
    line = _line(
        world, price, amount=amount, quantity=item["quantity"], description=text, period=period
    )
    line |= {
        "metadata": dict(subscription["metadata"]),
        "parent": parent,
        "subscription": subscription["id"],
    }
    return invoice_taxes.mark(line, rates=item["tax_rates"], behavior=price["tax_behavior"])


def _line(
    world: World,
    price: Json,
    *,
    amount: int,
    quantity: int,
    description: str,
    period: tuple[int, int],
) -> Json:
    return {
        "id": world.new_id("il_1"),
        "object": "line_item",
        "amount": amount,
        "currency": price["currency"],
        "description": description,
        "discount_amounts": [],
        "discountable": True,
        "discounts": [],
        "invoice": None,
        "livemode": False,
        "metadata": {},
        "parent": None,
        "period": {"end": period[1], "start": period[0]},
        "pretax_credit_amounts": [],
        "pricing": {
            "price_details": {"price": price["id"], "product": price["product"]},
            "type": "price_details",
            "unit_amount_decimal": price["unit_amount_decimal"],
        },
        "quantity": quantity,
        "quantity_decimal": str(quantity),
        "subscription": None,
        "subtotal": amount,
        "taxes": [],
    }


def void(world: World, invoice: Json) -> None:
    now = world.now()
    with changing(world, invoice, "invoice.updated"):
        invoice |= {"status": "void", "auto_advance": False, "next_payment_attempt": None}
        invoice["status_transitions"]["voided_at"] = now
    emit(world, "invoice.voided", invoice)


def blank(
    world: World,
    customer: Json,
    *,
    reason: str,
    currency: str,
    subscription: Json | None,
    period: tuple[int, int] | None,
) -> Json:
    """An invoice without ID, lines, or totals."""
    now = world.now()
    start, end = period or (now, now)
    return whole(
        {
            "id": "",
            "object": "invoice",
            **dict.fromkeys(_ZERO_AT_FIRST, 0),
            **_of_customer(world, customer),
            **_of_subscription(subscription),
            "account_country": "US",
            "account_name": "Sandbox",
            "attempted": False,
            "auto_advance": True,
            "billing_reason": reason,
            "collection_method": "charge_automatically",
            "created": now,
            "currency": currency,
            "discounts": [],
            "issuer": {"type": "self"},
            "lines": line_list("", []),
            "livemode": False,
            "metadata": {},
            "payment_settings": dict.fromkeys(_PAYMENT_SETTINGS),
            "period_end": end,
            "period_start": start,
            "status": "draft",
            "status_transitions": dict.fromkeys(_TRANSITIONS),
            "total_discount_amounts": [],
            "total_pretax_credit_amounts": [],
            "total_taxes": [],
            "webhooks_delivered_at": now,
        }
    )


def _of_customer(world: World, customer: Json) -> Json:
    """What an invoice says about its customer."""
    return {
        "customer": customer["id"],
        "customer_address": customer["address"],
        "customer_email": customer["email"],
        "customer_name": customer["name"],
        "customer_phone": customer["phone"],
        "customer_shipping": customer["shipping"],
        "customer_tax_exempt": customer["tax_exempt"],
        "customer_tax_ids": tax_ids.of_invoice(world, customer),
        "starting_balance": customer["balance"],
    }


def _of_subscription(subscription: Json | None) -> Json:
    """What an invoice takes from its subscription, if it has one."""
    return {
        "automatic_tax": automatic(
            enabled=bool(subscription and subscription["automatic_tax"]["enabled"])
        ),
        "default_tax_rates": copy(subscription["default_tax_rates"]) if subscription else [],
        "parent": _parent(subscription) if subscription else None,
    }


def automatic(*, enabled: bool) -> Json:
    """An invoice's `automatic_tax` before anything is calculated."""
    return {
        "disabled_reason": None,
        "enabled": enabled,
        "liability": {"type": "self"} if enabled else None,
        "provider": "stripe" if enabled else None,
        "status": None,
    }


def _parent(subscription: Json) -> Json:
    return {
        "quote_details": None,
        "subscription_details": {
            "metadata": dict(subscription["metadata"]),
            "subscription": subscription["id"],
        },
        "type": "subscription_details",
    }
