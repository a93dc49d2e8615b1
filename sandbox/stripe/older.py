"""Objects in older API versions' shapes, for requests and webhook endpoints that want those.

Each step undoes one breaking change from Stripe's changelog. Everything is stored in the current
shape; an object is converted before the objects inside it.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from sandbox.stripe import versions
from sandbox.stripe.shown import public
from sandbox.stripe.versions import BASIL, CLOVER, DAHLIA, NO_LISTS_INSIDE, NO_OLD_CHARGES
from sandbox.world import PRIVATE, Json, World

Step = Callable[[World, Json], Json]


def knows(kind: str, version: str) -> bool:
    """Whether this version had events of a type: invoice payments came later."""
    return not (kind.startswith("invoice_payment.") and versions.is_before(version, BASIL))


def shape(world: World, value: Any, version: str) -> Any:
    """Convert an answer (already a copy), with every object in it, to an older version.

    An event keeps the version it was made under.
    """
    if version == versions.CURRENT:
        return value
    if isinstance(value, list):
        return [shape(world, entry, version) for entry in value]
    if not isinstance(value, dict) or value.get("object") == "event":
        return value
    return {
        name: shape(world, entry, version)
        for name, entry in _taken_back(world, value, version).items()
    }


def previous(world: World, before: Json, shown: Json, version: str) -> Json:
    """An event's previous attributes in a version's terms."""
    if version == versions.CURRENT:
        return before
    items = (before.get("items") or {}).get("data")
    earlier = {name: value for name, value in before.items() if name in shown}
    if shown["object"] == "subscription" and items and versions.is_before(version, BASIL):
        was = {name: items[0][name] for name in ("current_period_end", "current_period_start")}
        earlier |= {name: value for name, value in was.items() if value != shown[name]}
    return {name: shape(world, value, version) for name, value in earlier.items()}


def _taken_back(world: World, obj: Json, version: str) -> Json:
    kind = obj.get("object")
    if not isinstance(kind, str) or obj.get("deleted"):
        return obj
    for day, step in _STEPS.get(kind, []):
        if versions.is_before(version, day):
            obj = step(world, obj)
    return obj


def _public(obj: Json | None) -> Json | None:
    return obj and public(obj)


def _without(obj: Json, *names: str) -> Json:
    return {name: value for name, value in obj.items() if name not in names}


def _subscription_of(parent: Json | None) -> str | None:
    details = (parent or {}).get("subscription_details") or {}
    subscription_id: str | None = details.get("subscription")
    return subscription_id


def _invoice(world: World, invoice: Json) -> Json:
    intent = _intent_of(world, invoice)
    details = (invoice["parent"] or {}).get("subscription_details")
    kept = world.objects.get(invoice.get("id", "")) or {}
    off_stripe = kept.get(PRIVATE, {}).get("off_stripe", 0)
    gone = ("parent", "total_taxes", "amount_overpaid", "payments", "confirmation_secret")
    return _without(invoice, *gone) | {
        "application_fee_amount": None,
        "charge": intent["latest_charge"] if intent else None,
        "discount": _first_discount(world, invoice),
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
    intent_id = default["payment"].get("payment_intent") if default else None
    return world.objects.get(intent_id) if intent_id else None


def _line(world: World, line: Json) -> Json:
    parent = line["parent"] or {}
    details = parent.get("subscription_item_details") or parent.get("invoice_item_details") or {}
    item = details.get("invoice_item")
    price = _price_of(world, line)
    credited = (details.get("proration_details") or {}).get("credited_items")
    return _without(line, "parent", "pricing", "taxes") | {
        **({"invoice_item": item} if item else {}),
        **({"subscription_item": one} if (one := details.get("subscription_item")) else {}),
        "amount_excluding_tax": line["amount"] - _inclusive(line["taxes"]),
        "plan": _plan(price),
        "price": price,
        "proration": bool(details.get("proration")),
        "proration_details": {"credited_items": credited},
        "tax_amounts": _tax_amounts(line["taxes"]),
        "tax_rates": [],
        "type": "invoiceitem" if item else "subscription",
        "unit_amount_excluding_tax": price and str(price["unit_amount"]),
    }


def _price_of(world: World, priced: Json) -> Json | None:
    details = (priced["pricing"] or {}).get("price_details")
    return _public(world.objects.get(details["price"])) if details else None


def _tax_amounts(entries: list[Json] | None) -> list[Json]:
    return [
        {
            "amount": one["amount"],
            "inclusive": one["tax_behavior"] == "inclusive",
            "tax_rate": one["tax_rate_details"]["tax_rate"],
            "taxability_reason": None
            if one["taxability_reason"] == "not_available"
            else one["taxability_reason"],
            "taxable_amount": one["taxable_amount"],
        }
        for one in entries or []
    ]


def _inclusive(entries: list[Json] | None) -> int:
    return sum(int(one["amount"]) for one in entries or [] if one["tax_behavior"] == "inclusive")


def _plan(price: Json | None) -> Json | None:
    """A recurring price's plan, which older versions show beside it."""
    if not price or not price["recurring"]:
        return None
    recurring = price["recurring"]
    names = "active billing_scheme created currency livemode metadata nickname product tiers_mode"
    return {name: price[name] for name in names.split()} | {
        "id": price["id"],
        "object": "plan",
        "amount": price["unit_amount"],
        "amount_decimal": price["unit_amount_decimal"],
        "interval": recurring["interval"],
        "interval_count": recurring["interval_count"],
        "meter": recurring["meter"],
        "transform_usage": None,
        "trial_period_days": recurring["trial_period_days"],
        "usage_type": recurring["usage_type"],
    }


def _invoice_item(world: World, item: Json) -> Json:
    details = (item["parent"] or {}).get("subscription_details") or {}
    price = _price_of(world, item)
    of_item = details.get("subscription_item")
    amount = price["unit_amount"] if price else item["amount"]
    return _without(item, "parent", "pricing") | {
        **({"subscription_item": of_item} if of_item else {}),
        "plan": _plan(price),
        "price": price,
        "subscription": details.get("subscription"),
        "unit_amount": amount,
        "unit_amount_decimal": str(amount),
    }


def _first_discount(world: World, owner: Json) -> Json | None:
    shown = [_public(world.objects.get(_id(one))) for one in owner["discounts"]]
    return shown[0] if shown else None


def _id(value: Json | str) -> str:
    """The ID of an object that may be expanded."""
    return str(value["id"]) if isinstance(value, dict) else value


def _discount(world: World, discount: Json) -> Json:
    coupon = _public(world.objects.get(_id(discount["source"]["coupon"])))
    return _without(discount, "source") | {"coupon": coupon}


def _promotion_code(world: World, code: Json) -> Json:
    coupon = _public(world.objects.get(_id(code["promotion"]["coupon"])))
    return _without(code, "promotion") | {"coupon": coupon}


def _subscription(world: World, subscription: Json) -> Json:
    first = subscription["items"]["data"][0]
    is_alone = len(subscription["items"]["data"]) == 1
    return subscription | {
        "current_period_end": first["current_period_end"],
        "current_period_start": first["current_period_start"],
        "discount": _first_discount(world, subscription),
        "plan": first["plan"] if is_alone else None,
        "quantity": first["quantity"] if is_alone else None,
    }


def _schedule(_world: World, schedule: Json) -> Json:
    return schedule | {"phases": [phase | {"coupon": None} for phase in schedule["phases"]]}


def _item(_world: World, item: Json) -> Json:
    return _without(item, "current_period_start", "current_period_end")


def _payment_intent(world: World, intent: Json) -> Json:
    return intent | {"invoice": _invoice_of(world, intent["id"])}


def _with_charges(world: World, intent: Json) -> Json:
    charges = world.objects.list("charge", payment_intent=intent["id"])
    return intent | {"charges": _list(charges, f"/v1/charges?payment_intent={intent['id']}")}


def _charge(world: World, charge: Json) -> Json:
    return charge | {"invoice": _invoice_of(world, _intent_id(charge))}


def _intent_id(charge: Json) -> str | None:
    return _id(charge["payment_intent"]) if charge["payment_intent"] else None


def _with_refunds(world: World, charge: Json) -> Json:
    refunds = world.objects.list("refund", charge=charge["id"])
    return charge | {"refunds": _list(refunds, f"/v1/charges/{charge['id']}/refunds")}


def _old_charge(world: World, charge: Json) -> Json:
    dispute = next(iter(world.objects.list("dispute", charge=charge["id"])), None)
    return charge | {"destination": None, "dispute": dispute and dispute["id"], "order": None}


def _list(objects: list[Json], url: str) -> Json:
    return {
        "object": "list",
        "data": [public(one) for one in objects],
        "has_more": False,
        "total_count": len(objects),
        "url": url,
    }


def _invoice_of(world: World, intent_id: str | None) -> str | None:
    for payment in world.objects.list("invoice_payment"):
        if intent_id and payment["payment"].get("payment_intent") == intent_id:
            invoice_id: str = payment["invoice"]
            return invoice_id
    return None


def _credit_note(_world: World, note: Json) -> Json:
    refunds = note["refunds"]
    return _without(note, "refunds", "total_taxes") | {
        "refund": refunds[0]["refund"] if refunds else None,
        "tax_amounts": _tax_amounts(note["total_taxes"]),
    }


def _credit_note_line(_world: World, line: Json) -> Json:
    return _without(line, "taxes") | {
        "amount_excluding_tax": line["amount"] - _inclusive(line["taxes"]),
        "tax_amounts": _tax_amounts(line["taxes"]),
        "unit_amount_excluding_tax": line["unit_amount_decimal"],
    }


def _price(_world: World, price: Json) -> Json:
    recurring = price["recurring"]
    return price | {"recurring": recurring and {**recurring, "aggregate_usage": None}}


def _old_plan(_world: World, plan: Json) -> Json:
    return plan | {"aggregate_usage": None}


def _session(_world: World, session: Json) -> Json:
    return session | {"shipping_details": None}


def _old_session(_world: World, session: Json) -> Json:
    return session | {"shipping": None, "shipping_rate": None}


def _page_words(_world: World, session: Json) -> Json:
    return session | {"ui_mode": "hosted"}


_STEPS: dict[str, list[tuple[str, Step]]] = {
    "charge": [
        (BASIL, _charge),
        (NO_LISTS_INSIDE, _with_refunds),
        (NO_OLD_CHARGES, _old_charge),
    ],
    "checkout.session": [
        (DAHLIA, _page_words),
        (BASIL, _session),
        (NO_OLD_CHARGES, _old_session),
    ],
    "credit_note": [(BASIL, _credit_note)],
    "credit_note_line_item": [(BASIL, _credit_note_line)],
    "discount": [(CLOVER, _discount)],
    "invoice": [(BASIL, _invoice)],
    "invoiceitem": [(BASIL, _invoice_item)],
    "line_item": [(BASIL, _line)],
    "payment_intent": [(BASIL, _payment_intent), (NO_LISTS_INSIDE, _with_charges)],
    "plan": [(BASIL, _old_plan)],
    "price": [(BASIL, _price)],
    "promotion_code": [(CLOVER, _promotion_code)],
    "subscription": [(BASIL, _subscription)],
    "subscription_item": [(BASIL, _item)],
    "subscription_schedule": [(BASIL, _schedule)],
}
"""For each kind what is taken back before which day, the newest change first."""
