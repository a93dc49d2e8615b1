"""Delayed payments: a bank answers days later, and everything that waited follows."""

from __future__ import annotations

from sandbox.stripe import checkout, invoices, payment_intents
from sandbox.world import Json, World


def settle(world: World, intent: Json) -> None:
    """Let a bank pay or refuse: the intent, its invoice, and its Checkout session follow."""
    outcome = payment_intents.settle(world, intent)
    payment = _payment(world, intent)
    invoice = invoices.find(world, payment["invoice"]) if payment else None
    if payment and invoice and invoice["status"] == "open":
        invoices.hear_from_bank(world, invoice, payment, outcome)
    for session in world.objects.list("checkout.session", status="complete"):
        direct = session["payment_intent"] == intent["id"]
        if direct or (invoice and session["invoice"] == invoice["id"]):
            checkout.hear_from_bank(world, session, paid=outcome.status == "complete")


def _payment(world: World, intent: Json) -> Json | None:
    payments = world.objects.list("invoice_payment")
    mine = (one for one in payments if one["payment"].get("payment_intent") == intent["id"])
    return next(mine, None)
