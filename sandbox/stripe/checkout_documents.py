"""A Checkout session as a document: the fields of a new one, its lines, and its customer."""

from __future__ import annotations

from sandbox.stripe import checkout_rules, checkout_taxes, prices, products
from sandbox.stripe.events import private
from sandbox.stripe.params import new_metadata
from sandbox.stripe.periods import DAY
from sandbox.stripe.shown import copy, whole
from sandbox.world import Json, World

# What a session repeats of its request.
_AS_ASKED = (
    "allow_promotion_codes allowed_payment_method_types billing_address_collection cancel_url "
    "client_reference_id customer customer_email locale submit_type"
).split()


def blank(world: World, params: Json, lines: list[Json]) -> Json:
    session_id = world.new_id("cs_test_a1", 56)
    subtotal = sum(line["amount_subtotal"] for line in lines)
    total = 0 if trial_end(world, params) else subtotal
    mode = params["mode"]
    return whole(
        {
            "id": session_id,
            "object": "checkout.session",
            "adaptive_pricing": {"enabled": False},
            **{name: params.get(name) for name in _AS_ASKED},
            "amount_subtotal": total if mode == "subscription" else subtotal,
            "amount_total": total,
            "created": world.now(),
            "currency": lines[0]["currency"],
            "custom_fields": [],
            "custom_text": _custom_text(params),
            "customer_creation": _customer_creation(params),
            "customer_details": _customer_details(world, params),
            "discounts": [],
            "expires_at": checkout_rules.expiry(world, params.get("expires_at")),
            "invoice_creation": _no_invoice() if mode == "payment" else None,
            "livemode": False,
            "managed_payments": {"enabled": False},
            "metadata": new_metadata(params),
            "mode": mode,
            "payment_method_collection": params.get("payment_method_collection")
            or ("always" if mode == "subscription" else "if_required"),
            "payment_method_options": {"card": {"request_three_d_secure": "automatic"}},
            "payment_method_types": checkout_rules.methods(world, params, lines[0]["currency"]),
            "payment_status": "unpaid",
            "phone_number_collection": {"enabled": False},
            "shipping_options": [],
            "status": "open",
            "success_url": params["success_url"],
            "total_details": {"amount_discount": 0, "amount_shipping": 0, "amount_tax": 0},
            "ui_mode": "hosted_page",
            "url": f"{world.base_url}/checkout/{session_id}",
        }
    )


def blank_setup(world: World, params: Json) -> Json:
    """A session in setup mode: nothing is sold, so it has no amounts."""
    nothing: Json = {"amount_subtotal": 0, "currency": params.get("currency")}
    session = blank(world, params, [nothing])
    session |= {
        "amount_subtotal": None,
        "amount_total": None,
        "customer_creation": None if params.get("customer") else params.get("customer_creation"),
        "payment_status": "no_payment_required",
        "total_details": None,
    }
    return session


def _custom_text(params: Json) -> Json:
    return {
        "after_submit": None,
        "shipping_address": None,
        "submit": (params.get("custom_text") or {}).get("submit"),
        "terms_of_service_acceptance": None,
    }


def _customer_creation(params: Json) -> str | None:
    if params.get("customer"):
        return None
    if params["mode"] == "payment":
        chosen: str | None = params.get("customer_creation")
        return chosen or "if_required"
    return "always"


def _no_invoice() -> Json:
    settings: Json = {
        "account_tax_ids": None,
        "custom_fields": None,
        "description": None,
        "footer": None,
        "issuer": None,
        "metadata": {},
        "rendering_options": None,
    }
    return {"enabled": False, "invoice_data": settings}


def _customer_details(world: World, params: Json) -> Json | None:
    customer = world.objects.get(params["customer"]) if params.get("customer") else None
    email = customer["email"] if customer else params.get("customer_email")
    if customer is None and email is None:
        return None
    return details(email, customer["name"] if customer else None)


def details(email: str | None, name: str | None) -> Json:
    return {
        "address": None,
        "business_name": None,
        "email": email,
        "individual_name": None,
        "name": name,
        "phone": None,
        "tax_exempt": "none",
        "tax_ids": None,
    }


def trial_end(world: World, params: Json) -> int | None:
    """When the trial of a new subscription ends, as the session says.

    Stripe documentation, "The Price object": its `trial_period_days` count only with
    `trial_from_plan`, which sessions no longer accept.
    """
    if params["mode"] != "subscription":
        return None
    chosen = params.get("subscription_data") or {}
    if chosen.get("trial_end"):
        end: int = chosen["trial_end"]
        return end
    days = chosen.get("trial_period_days")
    return world.now() + days * DAY if days else None


def line(world: World, wanted: Json, index: int) -> Json:
    quantity = wanted["quantity"]
    if wanted.get("price"):
        price = prices.find(world, wanted["price"], param=f"line_items[{index}][price]")
        checkout_rules.check_price(world, price, f"line_items[{index}]")
    else:
        price = _inline_price(world, wanted["price_data"])
    total = price["unit_amount"] * quantity
    line = {
        "id": world.new_id("li_1"),
        "object": "item",
        "adjustable_quantity": None,
        "amount_discount": 0,
        "amount_subtotal": total,
        "amount_tax": 0,
        "amount_total": total,
        "currency": price["currency"],
        "description": products.find(world, price["product"])["name"],
        "discounts": [],
        "metadata": {},
        "price": copy(price),
        "quantity": quantity,
        "taxes": [],
    }
    private(line)["rates"] = checkout_taxes.rates_of(world, wanted, price, index)
    return line


def _inline_price(world: World, wanted: Json) -> Json:
    """The price made for one sale; Stripe stores it inactive, so nobody else can use it."""
    price = prices.create(world, wanted)
    price["active"] = False
    return world.objects.put(price)
