"""Changes of a customer's balance by hand; less than 0 is credit."""

from __future__ import annotations

from sandbox.stripe import customers
from sandbox.stripe.errors import invalid
from sandbox.stripe.events import changing
from sandbox.stripe.params import new_metadata
from sandbox.world import Json, World

KIND = "customer_balance_transaction"


def create(world: World, customer: Json, params: Json) -> Json:
    """Add an amount to a customer's balance."""
    if not params["amount"]:
        raise invalid("This value must be a non-zero integer.", param="amount")
    customers.check_currency(world, customer, params["currency"])
    with changing(world, customer, "customer.updated"):
        customer["balance"] += params["amount"]
        customer["currency"] = params["currency"]
    return world.objects.put(
        {
            "id": world.new_id("cbtxn_1"),
            "object": KIND,
            "amount": params["amount"],
            "checkout_session": None,
            "created": world.now(),
            "credit_note": None,
            "currency": params["currency"],
            "customer": customer["id"],
            "customer_account": None,
            "description": params.get("description"),
            "ending_balance": customer["balance"],
            "invoice": None,
            "livemode": False,
            "metadata": new_metadata(params),
            "type": "adjustment",
        }
    )
