"""Tax on a Checkout session: the total of its lines, and what the page asks the visitor."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

from sandbox.stripe import automatic_tax, customers, payment_methods, tax_ids, tax_places, tax_rates
from sandbox.stripe import taxes as reckoning
from sandbox.stripe.errors import ApiError, invalid
from sandbox.stripe.events import changing, private
from sandbox.stripe.shown import copy
from sandbox.world import Json, World

NO_ADDRESS = (
    "Automatic tax calculation in Checkout requires a valid address on the Customer. Add a valid "
    "address to the Customer or set either `customer_update[address]` to 'auto' or "
    "`customer_update[shipping]` to 'auto' to save the address entered in Checkout to the Customer."
)
NO_NAME = (
    "Tax ID collection requires updating business name on the customer. To enable tax ID "
    "collection for an existing customer, please set `customer_update[name]` to `auto`."
)
NO_ADDRESS_OF_BUSINESS = (
    "We could not find a valid address on the provided customer. To enable tax ID collection, "
    "please set `customer_update[address]` to `auto`."
)


AddressWanted = Literal["", "short", "full"]


@dataclass(frozen=True)
class Typed:
    """What was entered on the page besides the card."""

    address: Json | None = None
    business_name: str = ""
    tax_id: Json | None = field(default=None)  # its type and value


def check(world: World, params: Json, lines: list[Json]) -> None:
    """Refuse what Stripe refuses for a session that collects tax or tax IDs."""
    if params.get("customer_update") and not params.get("customer"):
        raise invalid(
            "`customer_update` can only be used with `customer`.", param="customer_update"
        )
    customer = customers.find(world, params["customer"]) if params.get("customer") else None
    if _is_on(params, "automatic_tax"):
        _check_automatic(world, params, lines, customer)
    if _is_on(params, "tax_id_collection") and customer:
        if not _updates(params, "name"):
            raise invalid(NO_NAME)
        if not _updates(params, "address") and tax_places.place_of(customer, None) is None:
            raise invalid(NO_ADDRESS_OF_BUSINESS)


def _is_on(params: Json, name: str) -> bool:
    return bool((params.get(name) or {}).get("enabled"))


def _updates(params: Json, name: str) -> bool:
    return (params.get("customer_update") or {}).get(name) == "auto"


def _check_automatic(world: World, params: Json, lines: list[Json], customer: Json | None) -> None:
    automatic_tax.check_active(world)
    data = params.get("subscription_data") or {}
    if data.get("default_tax_rates") or any(private(line)["rates"] for line in lines):
        raise invalid(
            "You cannot use tax rates together with automatic tax.", param="automatic_tax[enabled]"
        )
    automatic_tax.check_prices(world, [line["price"] for line in lines])
    is_saved = _updates(params, "address") or _updates(params, "shipping")
    if customer and not is_saved and tax_places.place_of(customer, None) is None:
        raise invalid(NO_ADDRESS, code="customer_tax_location_invalid")


def mark(world: World, session: Json, params: Json) -> None:
    """Set the session's tax fields, and remember what it may save."""
    is_automatic = _is_on(params, "automatic_tax")
    session["automatic_tax"] = {
        "enabled": is_automatic,
        "liability": {"type": "self"} if is_automatic else None,
        "provider": "stripe" if is_automatic else None,
        "status": None,
    }
    session["tax_id_collection"] = {
        "enabled": _is_on(params, "tax_id_collection"),
        "required": (params.get("tax_id_collection") or {}).get("required") or "never",
    }
    private(session)["customer_update"] = params.get("customer_update") or {}
    assess(world, session)


def rates_of(world: World, wanted: Json, price: Json, index: int) -> list[str]:
    """The IDs of the rates that a line item names."""
    param = f"line_items[{index}][tax_rates]"
    rates = tax_rates.chosen(world, wanted.get("tax_rates"), param=param)
    tax_rates.check_prices([(price, rates)])
    return [rate["id"] for rate in rates]


def default_rates(world: World, params: Json) -> None:
    data = params.get("subscription_data") or {}
    tax_rates.chosen(
        world, data.get("default_tax_rates"), param="subscription_data[default_tax_rates]"
    )


def place_of(world: World, session: Json) -> tax_places.Place | None:
    """The place that's taxed: what was typed, or else the customer's address."""
    typed = private(session).get("address")
    if typed:
        return tax_places.read(typed)
    customer = world.objects.get(session["customer"]) if session["customer"] else None
    return tax_places.place_of(customer, None) if customer else None


def assess(world: World, session: Json) -> None:
    """Set each line's taxes after its discount, and the session's totals."""
    if session["mode"] == "setup":
        return
    place = place_of(world, session) if session["automatic_tax"]["enabled"] else None
    if session["automatic_tax"]["enabled"]:
        status = "complete" if place else "requires_location_inputs"
        session["automatic_tax"]["status"] = status
    for line in private(session)["lines"]:
        assessed = _assessed(world, session, line, place)
        left = line["amount_subtotal"] - line["amount_discount"]
        entries = reckoning.on(left, assessed.rates, assessed.reason)
        line["taxes"] = [_entry(one) for one in entries]
        line["amount_tax"] = sum(one.amount for one in entries)
        added = sum(one.amount for one in entries if not one.rate["inclusive"])
        line["amount_total"] = left + added
    _add_up(session)


def _entry(tax: reckoning.Tax) -> Json:
    return {
        "amount": tax.amount,
        "rate": copy(tax.rate),
        "taxability_reason": None if tax.reason == "not_available" else tax.reason,
        "taxable_amount": tax.taxable,
    }


def _assessed(
    world: World, session: Json, line: Json, place: tax_places.Place | None
) -> automatic_tax.Assessed:
    customer = world.objects.get(session["customer"]) if session["customer"] else None
    exempt = customer["tax_exempt"] if customer else "none"
    if not session["automatic_tax"]["enabled"]:
        return _by_hand(world, session, line, exempt)
    if place is None:
        return automatic_tax.Assessed([], "")
    price = line["price"]
    chosen = automatic_tax.behavior(world, price["tax_behavior"], price["currency"])
    return automatic_tax.assess_at(
        world,
        place,
        inclusive=chosen == "inclusive",
        product=price["product"],
        exempt=exempt,
        has_business_id=_is_business(world, session, customer, place),
    )


def _by_hand(world: World, session: Json, line: Json, exempt: str) -> automatic_tax.Assessed:
    defaults = private(session)["subscription_data"].get("default_tax_rates") or []
    ids = private(line)["rates"] or (defaults if line["price"]["recurring"] else [])
    rates = [tax_rates.find(world, one) for one in ids]
    return automatic_tax.Assessed(rates, reckoning.ZERO_REASONS.get(exempt, "not_available"))


def _is_business(
    world: World, session: Json, customer: Json | None, place: tax_places.Place
) -> bool:
    typed = private(session).get("tax_id")
    if typed and tax_ids.is_for_business(typed["type"], place.country):
        return True
    return bool(customer and tax_ids.of_business(world, customer, place.country))


def _add_up(session: Json) -> None:
    """Set the session's totals; during a trial nothing is due today."""
    lines = private(session)["lines"]
    if private(session)["is_trial"]:
        return
    session["amount_total"] = sum(line["amount_total"] for line in lines)
    session["total_details"] |= {
        "amount_discount": sum(line["amount_discount"] for line in lines),
        "amount_tax": sum(line["amount_tax"] for line in lines),
    }


def breakdown(session: Json) -> Json:
    """What a session's taxes are by rate, for `expand[]=total_details.breakdown`."""
    by_rate: dict[str, Json] = {}
    for line in private(session)["lines"]:
        for tax in line["taxes"]:
            known = by_rate.setdefault(tax["rate"]["id"], tax | {"amount": 0, "taxable_amount": 0})
            known["amount"] += tax["amount"]
            known["taxable_amount"] += tax["taxable_amount"]
    return {"discounts": [], "taxes": list(by_rate.values())}


def type_in(world: World, session: Json, typed: Typed) -> None:
    """Take what was entered, and recalculate; refuse what's invalid."""
    if typed.address:
        private(session)["address"] = {**payment_methods.NO_ADDRESS, **typed.address}
    if session["tax_id_collection"]["enabled"]:
        if typed.tax_id:
            tax_ids.check(typed.tax_id["type"], typed.tax_id["value"])
            private(session)["tax_id"] = typed.tax_id
        if typed.business_name:
            private(session)["business_name"] = typed.business_name
    assess(world, session)
    world.objects.put(session)


def address_wanted(session: Json) -> AddressWanted:
    """How much of an address the page asks for; a known customer's isn't always changed."""
    if session["billing_address_collection"] == "required":
        return "full"
    update = private(session)["customer_update"]
    may_keep = session["customer"] is None or update.get("address") == "auto"
    return "short" if session["automatic_tax"]["enabled"] and may_keep else ""


def check_complete(world: World, session: Json) -> None:
    """Refuse to continue without a required address."""
    typed = private(session).get("address")
    if session["billing_address_collection"] == "required" and not typed:
        raise ApiError(400, "invalid_request_error", "Please enter your billing address.")
    if session["automatic_tax"]["enabled"] and place_of(world, session) is None:
        raise ApiError(
            400, "invalid_request_error", "We need your address to calculate tax.", param="address"
        )


def save(world: World, session: Json, customer: Json | None, method: Json) -> None:
    """Save what was entered with the payment method, and what's allowed on the customer."""
    kept = private(session)
    if kept.get("address"):
        method["billing_details"]["address"] = kept["address"]
        world.objects.put(method)
    if customer is None:
        return
    is_new, update = session["customer"] is None, kept["customer_update"]
    with changing(world, customer, "customer.updated"):
        if kept.get("address") and (is_new or update.get("address") == "auto"):
            customer["address"] = copy(kept["address"])
        if kept.get("business_name") and (is_new or update.get("name") == "auto"):
            name = kept["business_name"]
            customer |= {"name": name, "business_name": name}
    known = {(one["type"], one["value"]) for one in tax_ids.of(world, customer)}
    typed = kept.get("tax_id")
    if typed and (typed["type"], typed["value"]) not in known:
        tax_ids.create(world, typed, customer)


def details(world: World, session: Json, customer: Json | None) -> Json:
    """What `customer_details` says about the payer."""
    kept = private(session)
    typed = kept.get("tax_id")
    shown = tax_ids.of_invoice(world, customer) if customer else [typed] if typed else []
    return {
        "address": kept.get("address") or (customer and copy(customer["address"])),
        "business_name": kept.get("business_name"),
        "tax_exempt": customer["tax_exempt"] if customer else "none",
        "tax_ids": shown or None,
    }
