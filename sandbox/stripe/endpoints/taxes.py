"""Tax rates."""

from sandbox.stripe import tax_rates
from sandbox.stripe.endpoint import DATED, Call, Endpoint, equal, listing
from sandbox.stripe.params import BOOLEAN, DECIMAL, METADATA, TEXT, Required, Spec, one_of, text
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


def _list_rates(call: Call) -> Json:
    found = call.world.objects.list("tax_rate", **equal(call.params, "active", "inclusive"))
    return listing(call, found, "/v1/tax_rates")


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
]
