"""Customers, and the cards that pay for them."""

from __future__ import annotations

from collections.abc import Iterator

from sandbox.stripe import payment_methods
from sandbox.stripe.cards import TypedCard
from sandbox.stripe.errors import invalid, missing
from sandbox.stripe.events import changing, emit, private
from sandbox.stripe.params import merge_metadata
from sandbox.stripe.shown import copy, public
from sandbox.world import Json, World

_PLAIN = (
    "balance",
    "business_name",
    "description",
    "email",
    "individual_name",
    "name",
    "phone",
    "tax_exempt",
)


def create(world: World, params: Json) -> Json:
    customer = _blank(world)
    wanted = params.get("payment_method")
    # Look it up before storing anything, so a wrong name leaves no customer behind.
    method = payment_methods.find(world, wanted, param="payment_method") if wanted else None
    world.objects.put(customer)
    _apply(customer, params)
    emit(world, "customer.created", customer)
    if method:
        payment_methods.attach(world, method, customer["id"])
    default = (params.get("invoice_settings") or {}).get("default_payment_method")
    if default:
        set_default(world, customer, owned_method(world, customer, default))
    return customer


def _blank(world: World) -> Json:
    return {
        "id": world.new_id("cus", 14),
        "object": "customer",
        "address": None,
        "balance": 0,
        "business_name": None,
        "created": world.now(),
        "currency": None,
        "customer_account": None,
        "default_source": None,
        "delinquent": False,
        "description": None,
        "discount": None,
        "email": None,
        "individual_name": None,
        "invoice_prefix": world.new_id("_", 8)[1:].upper(),
        "invoice_settings": {
            "custom_fields": None,
            "default_payment_method": None,
            "footer": None,
            "rendering_options": None,
        },
        "livemode": False,
        "metadata": {},
        "name": None,
        "next_invoice_sequence": 1,
        "phone": None,
        "preferred_locales": [],
        "shipping": None,
        "tax_exempt": "none",
        "test_clock": None,
    }


def update(world: World, customer: Json, params: Json) -> Json:
    wanted = (params.get("invoice_settings") or {}).get("default_payment_method")
    method = owned_method(world, customer, wanted) if wanted else None
    with changing(world, customer, "customer.updated"):
        _apply(customer, params)
        if method:
            customer["invoice_settings"]["default_payment_method"] = method["id"]
    return customer


def changed(customer: Json, params: Json) -> Json:
    """A copy as the request would leave it, to check it first."""
    draft: Json = copy(customer)
    _apply(draft, params)
    chosen = (params.get("invoice_settings") or {}).get("default_payment_method")
    if chosen:
        draft["invoice_settings"]["default_payment_method"] = chosen
    return draft


def blank(world: World) -> Json:
    """A customer that isn't stored yet."""
    return _blank(world)


def _apply(customer: Json, params: Json) -> None:
    customer.update({name: params[name] for name in _PLAIN if name in params})
    customer["tax_exempt"] = customer["tax_exempt"] or "none"
    customer["balance"] = customer["balance"] or 0
    if "address" in params:
        customer["address"] = params["address"] and {
            **payment_methods.NO_ADDRESS,
            **params["address"],
        }
    if (params.get("tax") or {}).get("ip_address"):
        private(customer)["ip_address"] = params["tax"]["ip_address"]
    if "shipping" in params:
        customer["shipping"] = params["shipping"]
    if "preferred_locales" in params:
        customer["preferred_locales"] = params["preferred_locales"] or []
    if "metadata" in params:
        customer["metadata"] = merge_metadata(customer["metadata"], params["metadata"])


def find(world: World, customer_id: str, *, param: str | None = None) -> Json:
    """Return a customer that isn't deleted, or raise the error for a missing one."""
    customer = world.objects.get(customer_id)
    if customer is None or customer["object"] != "customer" or customer.get("deleted"):
        raise missing("customer", customer_id, param=param or "id", status=400 if param else 404)
    return customer


def find_any(world: World, customer_id: str) -> Json:
    """Return a customer, deleted or not."""
    customer = world.objects.get(customer_id)
    if customer is None or customer["object"] != "customer":
        raise missing("customer", customer_id)
    return customer


def delete(world: World, customer: Json) -> Json:
    """Delete a customer whose subscriptions have ended. Only a stub remains.

    What they could pay with is nobody's from then on.
    """
    snapshot = public(customer)
    for method in world.objects.list("payment_method", customer=customer["id"]):
        method["customer"] = None
        world.objects.put(method)
    stub = {"id": customer["id"], "object": "customer", "deleted": True}
    customer.clear()
    customer.update(stub)
    world.objects.put(customer)
    emit(world, "customer.deleted", snapshot)
    return customer


def owned_method(world: World, customer: Json, method_id: str) -> Json:
    """Return a payment method that's attached to this customer."""
    method = payment_methods.find(world, method_id, param="payment_method")
    if method["customer"] != customer["id"]:
        raise missing("PaymentMethod", method_id, param="payment_method", status=400)
    return method


def check_currency(world: World, customer: Json, currency: str) -> None:
    """Refuse to bill a customer in a second currency while they're billed in another."""
    for used in _currencies(world, customer):
        if used != currency:
            raise invalid(
                "You cannot combine currencies on a single customer. This customer has an active "
                "subscription, subscription schedule, discount, quote, or invoice item with "
                f"currency {used}."
            )


def _currencies(world: World, customer: Json) -> Iterator[str]:
    for subscription in world.objects.list("subscription", customer=customer["id"]):
        if subscription["status"] not in ("canceled", "incomplete_expired"):
            yield subscription["currency"]
    for item in world.objects.list("invoiceitem", customer=customer["id"], invoice=None):
        yield item["currency"]


def set_default(world: World, customer: Json, method: Json) -> None:
    with changing(world, customer, "customer.updated"):
        customer["invoice_settings"]["default_payment_method"] = method["id"]


def default_method(world: World, customer: Json, subscription: Json | None = None) -> Json | None:
    """What an automatic payment uses: the subscription's own method, or the customer's."""
    chosen = subscription["default_payment_method"] if subscription else None
    chosen = chosen or customer["invoice_settings"]["default_payment_method"]
    return world.objects.get(chosen) if chosen else None


def set_card(world: World, customer_id: str, card: TypedCard | str) -> Json:
    """Replace the card as the billing portal does: the new one becomes the default everywhere."""
    with world.lock:
        customer = find(world, customer_id)
        method = payment_methods.create(world, card, customer["email"], customer["name"])
        payment_methods.attach(world, method, customer_id)
        set_default(world, customer, method)
        for subscription in world.objects.list("subscription", customer=customer_id):
            if subscription["default_payment_method"]:
                with changing(world, subscription, "customer.subscription.updated"):
                    subscription["default_payment_method"] = method["id"]
        world.save()
        return method
