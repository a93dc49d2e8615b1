"""Stripe Tax: which rates apply at a customer's location, and what it refuses."""

from __future__ import annotations

from dataclasses import dataclass

from sandbox.stripe import customers, tax_ids, tax_places
from sandbox.stripe.errors import ApiError, invalid
from sandbox.stripe.events import private
from sandbox.world import Json, World

_META = "tax_settings"
_NONTAXABLE = "txcd_00000000"
UNRECOGNIZED = (
    "The customer's location isn't recognized. Set a valid customer address in order to "
    "automatically calculate tax."
)


@dataclass(frozen=True)
class Assessed:
    """Rates for a sale to a customer, and why they apply or not."""

    rates: list[Json]
    reason: str


def settings(world: World) -> Json:
    """The account's settings, as `/v1/tax/settings` shows them."""
    kept = world.objects.meta(_META) or {}
    head_office = {
        "address": {
            "city": "New York",
            "country": "US",
            "line1": "12 Harbor Lane",
            "line2": None,
            "postal_code": "10004",
            "state": "NY",
        }
    }
    is_active = not world.switches.tax_inactive
    return {
        "object": "tax.settings",
        "defaults": {
            "provider": "stripe",
            "tax_behavior": kept.get("tax_behavior"),
            "tax_code": kept.get("tax_code") or "txcd_10000000",
        },
        "head_office": kept.get("head_office") or (head_office if is_active else None),
        "livemode": False,
        "status": "active" if is_active else "pending",
        "status_details": {"active": {}}
        if is_active
        else {"pending": {"missing_fields": ["head_office"]}},
    }


def change_settings(world: World, params: Json) -> Json:
    kept = world.objects.meta(_META) or {}
    kept |= params.get("defaults") or {}
    if params.get("head_office"):
        kept["head_office"] = params["head_office"]
    world.objects.set_meta(_META, kept)
    return settings(world)


def check_active(world: World) -> None:
    if world.switches.tax_inactive:
        raise invalid(
            "Stripe Tax has not been activated on your account. Please visit "
            "https://stripe.com/docs/tax/set-up to get started.",
            code="stripe_tax_inactive",
        )


def check_prices(world: World, prices: list[Json]) -> None:
    """Refuse prices that don't say whether they include tax, unless the account does."""
    for price in prices:
        behavior(world, price["tax_behavior"], price["currency"])


def behavior(world: World, chosen: str | None, currency: str) -> str:
    """Whether a price includes its tax: its own setting, or else the account's."""
    if chosen in ("inclusive", "exclusive"):
        return chosen
    default: str | None = settings(world)["defaults"]["tax_behavior"]
    if default == "inferred_by_currency":
        return "exclusive" if currency in ("cad", "usd") else "inclusive"
    if default is None:
        raise invalid(
            "`tax_behavior` must be set on each price, or as a default in the Stripe Tax settings, "
            "when automatic tax is enabled.",
            param="automatic_tax[enabled]",
        )
    return default


def place_of(world: World, customer: Json, subscription: Json | None) -> tax_places.Place | None:
    method = customers.default_method(world, customer, subscription)
    return tax_places.place_of(customer, method)


def check_place(world: World, customer: Json, subscription: Json | None = None) -> None:
    if place_of(world, customer, subscription) is None:
        raise unrecognized()


def unrecognized() -> ApiError:
    return invalid(UNRECOGNIZED, code="customer_tax_location_invalid")


def assess(
    world: World, customer: Json, place: tax_places.Place, *, inclusive: bool, product: str | None
) -> Assessed:
    """What tax is due on something sold in this place."""
    return assess_at(
        world,
        place,
        inclusive=inclusive,
        product=product,
        exempt=customer["tax_exempt"],
        has_business_id=bool(tax_ids.of_business(world, customer, place.country)),
    )


def assess_at(
    world: World,
    place: tax_places.Place,
    *,
    inclusive: bool,
    product: str | None,
    exempt: str,
    has_business_id: bool,
) -> Assessed:
    why = tax_places.reason(place, has_business_id=has_business_id)
    sold = world.objects.get(product) if product else None
    if sold and sold["tax_code"] == _NONTAXABLE:
        why = "not_subject_to_tax"
    why = {"exempt": "customer_exempt", "reverse": "reverse_charge"}.get(exempt, why)
    return Assessed([_rate(world, place, inclusive=inclusive)], why)


def _rate(world: World, place: tax_places.Place, *, inclusive: bool) -> Json:
    """The archived rate that Stripe's calculation leaves behind: the same one each time."""
    kind = tax_places.kind_of(place)
    wanted: Json = {
        "active": False,
        "country": place.country,
        "display_name": kind.name,
        "effective_percentage": float(kind.percentage),
        "inclusive": inclusive,
        "jurisdiction": kind.jurisdiction,
        "jurisdiction_level": kind.level,
        "percentage": float(kind.percentage),
        "rate_type": "percentage",
        "state": place.state,
        "tax_type": kind.type,
    }
    rates = world.objects.list("tax_rate", **wanted)
    if rates:
        return rates[0]
    blank: Json = {
        "id": world.new_id("txr_1"),
        "object": "tax_rate",
        "created": world.now(),
        "description": None,
        "flat_amount": None,
        "livemode": False,
        "metadata": {},
    }
    return world.objects.put(blank | wanted)


def of_customer(world: World, customer: Json) -> Json:
    """What `customer.tax` shows."""
    place = place_of(world, customer, None)
    status = "unrecognized_location"
    if place:
        is_taking = tax_places.reason(place, has_business_id=False) == "standard_rated"
        status = "supported" if is_taking else "not_collecting"
    return {
        "automatic_tax": status,
        "ip_address": private(customer).get("ip_address"),
        "location": place
        and {"country": place.country, "source": place.source, "state": place.state},
        "provider": "stripe",
    }
