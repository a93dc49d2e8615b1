"""Objects in the shapes of older API versions, as events made under those carry them.

Stripe's changelog: in 2025-03-31 invoices lost `subscription`, `payment_intent`, `charge` and
`paid`, and periods moved from subscriptions to their items; in 2022-11-15 payment intents lost
`charges`, and charges `refunds`.
"""

from __future__ import annotations

from collections.abc import Callable

from sandbox.world import PRIVATE, Json, World

CURRENT = "current"
WITH_LISTS = "2020-08-27"
"""The version whose payment intents list their charges, and whose charges list their refunds."""


def knows(kind: str, version: str) -> bool:
    """Did this version have events of a type? Payments of invoices came later."""
    return version == CURRENT or not kind.startswith("invoice_payment.")


def shape(world: World, obj: Json, version: str) -> Json:
    """An object, already a copy, as an older version showed it."""
    change = _SHAPES.get(obj["object"])
    return change(world, obj, version) if change and version != CURRENT else obj


def _without(obj: Json, *names: str) -> Json:
    return {name: value for name, value in obj.items() if name not in names}


def _subscription_of(parent: Json | None) -> str | None:
    details = (parent or {}).get("subscription_details") or {}
    found: str | None = details.get("subscription")
    return found


def _invoice(world: World, invoice: Json, version: str) -> Json:
    intent = _intent_of(world, invoice)
    details = (invoice["parent"] or {}).get("subscription_details")
    lines = invoice["lines"]
    kept = world.objects.get(invoice.get("id", "")) or {}
    off_stripe = kept.get(PRIVATE, {}).get("off_stripe", 0)
    return _without(invoice, "parent", "total_taxes", "amount_overpaid") | {
        "application_fee_amount": None,
        "charge": intent["latest_charge"] if intent else None,
        "discount": _first_discount(world, invoice),
        "lines": lines | {"data": [_line(world, line) for line in lines["data"]]},
        "paid": invoice["status"] == "paid",
        "paid_out_of_band": invoice["status"] == "paid" and off_stripe > 0,
        "payment_intent": intent["id"] if intent else None,
        "quote": None,
        "subscription": _subscription_of(invoice["parent"]),
        "subscription_details": {"metadata": details["metadata"] if details else None},
        "tax": sum(one["amount"] for one in invoice["total_taxes"]) or None,
        "total_tax_amounts": _tax_amounts(invoice["total_taxes"]),
        "transfer_data": None,
    }


def _intent_of(world: World, invoice: Json) -> Json | None:
    payments = world.objects.list("invoice_payment", invoice=invoice.get("id"))
    default = next((one for one in payments if one["is_default"]), None)
    return world.objects.get(default["payment"]["payment_intent"]) if default else None


def _line(world: World, line: Json) -> Json:
    parent = line["parent"] or {}
    details = parent.get("subscription_item_details") or parent.get("invoice_item_details") or {}
    priced = (line["pricing"] or {}).get("price_details")
    price = world.objects.get(priced["price"]) if priced else None
    of_item = not details.get("invoice_item")
    kept = _without(line, "parent", "pricing", "taxes", "subtotal", "quantity_decimal")
    return kept | {
        "amount_excluding_tax": line["amount"] - _inclusive(line["taxes"]),
        "plan": _plan(price) if price and price["recurring"] else None,
        "price": price and _without(price, PRIVATE),
        "proration": bool(details.get("proration")),
        "proration_details": {"credited_items": None},
        "subscription_item": details.get("subscription_item"),
        "tax_amounts": _tax_amounts(line["taxes"]),
        "tax_rates": [],
        "type": "subscription" if of_item else "invoiceitem",
    }


def _tax_amounts(entries: list[Json]) -> list[Json]:
    return [
        {
            "amount": one["amount"],
            "inclusive": one["tax_behavior"] == "inclusive",
            "tax_rate": one["tax_rate_details"]["tax_rate"],
            "taxability_reason": one["taxability_reason"],
            "taxable_amount": one["taxable_amount"],
        }
        for one in entries
    ]


def _inclusive(entries: list[Json]) -> int:
    return sum(int(one["amount"]) for one in entries if one["tax_behavior"] == "inclusive")


def _plan(price: Json) -> Json:
    recurring = price["recurring"]
    return {
        "id": price["id"],
        "object": "plan",
        "amount": price["unit_amount"],
        "currency": price["currency"],
        "interval": recurring["interval"],
        "interval_count": recurring["interval_count"],
        "product": price["product"],
    }


def _first_discount(world: World, owner: Json) -> Json | None:
    found = [world.objects.get(discount_id) for discount_id in owner["discounts"]]
    return _discount(world, {**found[0]}, "") if found and found[0] else None


def _discount(world: World, discount: Json, _version: str) -> Json:
    coupon = world.objects.get(discount["source"]["coupon"])
    kept = _without(discount, "source", "subscription_item", PRIVATE)
    return kept | {"coupon": coupon and _without(coupon, PRIVATE)}


def _subscription(world: World, subscription: Json, _version: str) -> Json:
    items = subscription["items"]["data"]
    first = items[0]
    old_items = [_without(item, "current_period_start", "current_period_end") for item in items]
    kept = _without(subscription, "billing_mode", "billing_schedules", "managed_payments")
    return kept | {
        "current_period_end": first["current_period_end"],
        "current_period_start": first["current_period_start"],
        "discount": _first_discount(world, subscription),
        "items": subscription["items"] | {"data": old_items},
        "plan": first["plan"],
        "quantity": first["quantity"],
    }


def _payment_intent(world: World, intent: Json, version: str) -> Json:
    shaped = intent | {"invoice": _invoice_of(world, intent["id"])}
    if version == WITH_LISTS:
        charges = world.objects.list("charge", payment_intent=intent["id"])
        shown = [_charge(world, _without(one, PRIVATE), version) for one in charges]
        shaped["charges"] = _list(shown, f"/v1/charges?payment_intent={intent['id']}")
    return shaped


def _charge(world: World, charge: Json, version: str) -> Json:
    shaped = charge | {"invoice": _invoice_of(world, charge["payment_intent"])}
    if version == WITH_LISTS:
        refunds = world.objects.list("refund", charge=charge["id"])
        shown = [_without(one, PRIVATE) for one in refunds]
        shaped["refunds"] = _list(shown, f"/v1/charges/{charge['id']}/refunds")
    return shaped


def _list(objects: list[Json], url: str) -> Json:
    return {
        "object": "list",
        "data": objects,
        "has_more": False,
        "total_count": len(objects),
        "url": url,
    }


def _invoice_of(world: World, intent_id: str | None) -> str | None:
    for payment in world.objects.list("invoice_payment"):
        if intent_id and payment["payment"].get("payment_intent") == intent_id:
            found: str = payment["invoice"]
            return found
    return None


def _promotion_code(world: World, code: Json, _version: str) -> Json:
    coupon = world.objects.get(code["promotion"]["coupon"])
    return _without(code, "promotion") | {"coupon": coupon and _without(coupon, PRIVATE)}


_SHAPES: dict[str, Callable[[World, Json, str], Json]] = {
    "charge": _charge,
    "discount": _discount,
    "invoice": _invoice,
    "payment_intent": _payment_intent,
    "promotion_code": _promotion_code,
    "subscription": _subscription,
}
