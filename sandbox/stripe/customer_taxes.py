"""A customer's tax data: whether Stripe Tax knows their location, and their tax IDs."""

from __future__ import annotations

from sandbox.stripe import automatic_tax, customers, subscriptions, tax_ids
from sandbox.world import Json, World

_OF_PLACE = frozenset({"address", "invoice_settings", "shipping"})


def create(world: World, params: Json) -> Json:
    """Create a customer with tax IDs, or nothing if any part is refused."""
    if _validates(params, "deferred") == "immediately":
        _check(world, customers.changed(customers.blank(world), params))
    for wanted in params.get("tax_id_data") or []:
        tax_ids.check(wanted["type"], wanted["value"].strip())
    customer = customers.create(world, params)
    for wanted in params.get("tax_id_data") or []:
        tax_ids.create(world, wanted, customer)
    return customer


def update(world: World, customer: Json, params: Json) -> Json:
    """Change a customer, unless Stripe Tax would no longer know where to tax an invoice."""
    how = _validates(params, "auto")
    is_moving = bool(_OF_PLACE & set(params))
    if how == "immediately" or (how == "auto" and is_moving and _is_taxed(world, customer)):
        _check(world, customers.changed(customer, params))
    return customers.update(world, customer, params)


def _validates(params: Json, default: str) -> str:
    chosen: str = (params.get("tax") or {}).get("validate_location") or default
    return chosen


def _check(world: World, draft: Json) -> None:
    automatic_tax.check_place(world, draft)


def _is_taxed(world: World, customer: Json) -> bool:
    """Whether one of their subscriptions is taxed by location."""
    owned = world.objects.list("subscription", customer=customer["id"])
    return any(
        one["automatic_tax"]["enabled"] and one["status"] not in subscriptions.ENDED
        for one in owned
    )


def delete(world: World, customer: Json) -> None:
    """Delete a customer's tax IDs along with them."""
    for tax_id in tax_ids.of(world, customer):
        world.objects.remove(tax_id["id"])
