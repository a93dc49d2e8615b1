"""Tax rates, tax IDs, and Stripe Tax's settings."""

from sandbox.stripe import automatic_tax, customers, tax_ids, tax_rates
from sandbox.stripe.endpoint import DATED, LISTING, Call, Endpoint, equal, listing
from sandbox.stripe.errors import invalid
from sandbox.stripe.params import (
    ADDRESS,
    BOOLEAN,
    DECIMAL,
    METADATA,
    TEXT,
    Hash,
    Required,
    Spec,
    one_of,
    text,
)
from sandbox.world import Json

_RATE: Spec = {
    "active": BOOLEAN,
    "country": TEXT,
    "description": TEXT,
    "jurisdiction": text(50),
    "metadata": METADATA,
    "state": text(2),
    "tax_type": one_of(
        "gst", "hst", "igst", "jct", "pst", "qst", "rst", "sales_tax", "service_tax", "vat"
    ),
}


_ID: Spec = {"type": Required(TEXT), "value": Required(TEXT)}
_OWNER = Hash({"customer": TEXT, "type": Required(one_of("customer", "self"))})


def _owner(call: Call) -> Json | None:
    """The customer named by `owner`; None for the account itself."""
    owner = call.params.get("owner") or {"type": "self"}
    if owner["type"] == "self":
        return None
    if not owner.get("customer"):
        raise invalid("Missing required param: owner[customer].", param="owner[customer]")
    return customers.find(call.world, owner["customer"], param="owner[customer]")


def _list_ids(call: Call) -> Json:
    owner = _owner(call)
    matches = call.world.objects.list("tax_id", customer=owner["id"] if owner else None)
    return listing(call, matches, "/v1/tax_ids")


def _list_ids_of_customer(call: Call) -> Json:
    customer = customers.find(call.world, call.id)
    matches = tax_ids.of(call.world, customer)
    return listing(call, matches, f"/v1/customers/{customer['id']}/tax_ids")


def _id_of_customer(call: Call) -> Json:
    return tax_ids.find(call.world, call.ids[1], customer_id=call.ids[0])


def _list_rates(call: Call) -> Json:
    rates = call.world.objects.list("tax_rate", **equal(call.params, "active", "inclusive"))
    return listing(call, rates, "/v1/tax_rates")


ENDPOINTS = [
    Endpoint(
        "POST",
        "/v1/tax_rates",
        "tax_rate_create",
        lambda call: tax_rates.create(call.world, call.params),
        {
            **_RATE,
            "display_name": Required(text(50)),
            "inclusive": Required(BOOLEAN),
            "percentage": Required(DECIMAL),
        },
    ),
    Endpoint(
        "GET",
        "/v1/tax_rates",
        "tax_rate_list",
        _list_rates,
        {**DATED, "active": BOOLEAN, "inclusive": BOOLEAN},
    ),
    Endpoint(
        "GET",
        "/v1/tax_rates/{id}",
        "tax_rate_retrieve",
        lambda call: tax_rates.find(call.world, call.id),
        {},
    ),
    Endpoint(
        "POST",
        "/v1/tax_rates/{id}",
        "tax_rate_update",
        lambda call: tax_rates.update(call.world, tax_rates.find(call.world, call.id), call.params),
        {**_RATE, "display_name": text(50)},
    ),
    Endpoint(
        "POST",
        "/v1/tax_ids",
        "tax_id_create",
        lambda call: tax_ids.create(call.world, call.params, _owner(call)),
        {**_ID, "owner": _OWNER},
    ),
    Endpoint("GET", "/v1/tax_ids", "tax_id_list", _list_ids, {**LISTING, "owner": _OWNER}),
    Endpoint(
        "GET",
        "/v1/tax_ids/{id}",
        "tax_id_retrieve",
        lambda call: tax_ids.find(call.world, call.id),
        {},
    ),
    Endpoint(
        "DELETE",
        "/v1/tax_ids/{id}",
        "tax_id_delete",
        lambda call: tax_ids.delete(call.world, tax_ids.find(call.world, call.id)),
        {},
    ),
    Endpoint(
        "POST",
        "/v1/customers/{id}/tax_ids",
        "customer_tax_id_create",
        lambda call: tax_ids.create(call.world, call.params, customers.find(call.world, call.id)),
        _ID,
    ),
    Endpoint(
        "GET",
        "/v1/customers/{id}/tax_ids",
        "customer_tax_id_list",
        _list_ids_of_customer,
        LISTING,
    ),
    Endpoint(
        "GET",
        "/v1/customers/{id}/tax_ids/{id}",
        "customer_tax_id_retrieve",
        _id_of_customer,
        {},
    ),
    Endpoint(
        "DELETE",
        "/v1/customers/{id}/tax_ids/{id}",
        "customer_tax_id_delete",
        lambda call: tax_ids.delete(call.world, _id_of_customer(call)),
        {},
    ),
    Endpoint(
        "GET",
        "/v1/tax/settings",
        "tax.settings_retrieve",
        lambda call: automatic_tax.settings(call.world),
        {},
    ),
    Endpoint(
        "POST",
        "/v1/tax/settings",
        "tax.settings_update",
        lambda call: automatic_tax.change_settings(call.world, call.params),
        {
            "defaults": Hash(
                {
                    "tax_behavior": one_of("exclusive", "inclusive", "inferred_by_currency"),
                    "tax_code": TEXT,
                }
            ),
            "head_office": Hash({"address": Required(ADDRESS)}),
        },
    ),
]
