"""`expand`: replaces IDs with their objects, and adds parts shown only on request."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from sandbox.stripe import (
    automatic_tax,
    balance,
    checkout,
    checkout_taxes,
    customers,
    older,
    payment_intents,
    subscriptions,
    tax_ids,
)
from sandbox.stripe import invoice_documents as documents
from sandbox.stripe.events import private
from sandbox.stripe.shown import EMBEDDED, public
from sandbox.world import Json, World


def expand(world: World, answer: Json, paths: list[str], version: str) -> Json:
    """Expand each path, such as `data.latest_charge`, in an answer of a given version."""
    for path in paths:
        _walk(world, answer, path.split("."), version)
    return answer


def _walk(world: World, value: Any, keys: list[str], version: str) -> None:
    if isinstance(value, list):
        for entry in value:
            _walk(world, entry, keys, version)
        return
    # A deleted object has nothing to expand.
    if not keys or not isinstance(value, dict) or value.get("deleted"):
        return
    key = keys[0]
    if keys == ["total_details", "breakdown"] and value.get("object") == "checkout.session":
        # A session that sets up a card has no totals.
        if value["total_details"] is None:
            return
        breakdown = checkout_taxes.breakdown(checkout.find(world, value["id"]))
        value["total_details"] = value["total_details"] | {"breakdown": breakdown}
        return
    if key not in value:
        include = _INCLUDED.get((value.get("object", ""), key))
        if include is None:
            # A union's part that this object lacks, such as `payment.charge` if it's by intent.
            return
        value[key] = older.shape(world, include(world, value), version)
    value[key] = _expanded(world, value[key], version)
    _walk(world, value[key], keys[1:], version)


def _expanded(world: World, value: Any, version: str) -> Any:
    """The object for an ID, or the objects for several; anything else stays."""
    if isinstance(value, list):
        return [_expanded(world, entry, version) for entry in value]
    named = world.objects.get(value) if isinstance(value, str) else None
    if named and named["object"] == "balance_transaction":
        named = balance.shown(world, named)
    return older.shape(world, public(named), version) if named else value


def _list(objects: list[Json], url: str) -> Json:
    return {
        "object": "list",
        "data": [public(obj) for obj in objects[:EMBEDDED]],
        "has_more": len(objects) > EMBEDDED,
        "url": url,
    }


def _payments(world: World, invoice: Json) -> Json:
    return _list(
        documents.payments(world, invoice), f"/v1/invoice_payments?invoice={invoice['id']}"
    )


def _confirmation_secret(world: World, invoice: Json) -> Json | None:
    payment = documents.default_payment(world, invoice)
    if payment is None:
        return None
    intent = payment_intents.find(world, payment["payment"]["payment_intent"])
    return {"client_secret": intent["client_secret"], "type": "payment_intent"}


def _refunds(world: World, charge: Json) -> Json:
    return _list(
        world.objects.list("refund", charge=charge["id"]), f"/v1/charges/{charge['id']}/refunds"
    )


def _line_items(world: World, session: Json) -> Json:
    stored = checkout.find(world, session["id"])
    return _list(checkout.line_items(stored), f"/v1/checkout/sessions/{session['id']}/line_items")


def _subscriptions(world: World, customer: Json) -> Json:
    return _list(
        subscriptions.living(world, customer["id"]), f"/v1/customers/{customer['id']}/subscriptions"
    )


def _tax_ids(world: World, customer: Json) -> Json:
    return _list(tax_ids.of(world, customer), f"/v1/customers/{customer['id']}/tax_ids")


def _tax(world: World, customer: Json) -> Json:
    return automatic_tax.of_customer(world, customers.find(world, customer["id"]))


def _off_stripe(world: World, invoice: Json) -> int:
    """What was paid on an invoice outside of Stripe; events don't show it."""
    amount: int = private(world.objects.get(invoice.get("id", "")) or {}).get("off_stripe", 0)
    return amount


_INCLUDED: dict[tuple[str, str], Callable[[World, Json], Json | int | None]] = {
    ("charge", "refunds"): _refunds,
    ("checkout.session", "line_items"): _line_items,
    ("customer", "subscriptions"): _subscriptions,
    ("customer", "tax"): _tax,
    ("customer", "tax_ids"): _tax_ids,
    ("invoice", "amount_paid_off_stripe"): _off_stripe,
    ("invoice", "confirmation_secret"): _confirmation_secret,
    ("invoice", "payments"): _payments,
}
"""What an object carries only when it is expanded."""
