"""Products and prices."""

from sandbox.stripe import prices, products
from sandbox.stripe.endpoint import DATED, Call, Endpoint, equal, listing
from sandbox.stripe.params import (
    BOOLEAN,
    COUNT,
    CURRENCY,
    DESCRIPTOR,
    INTEGER,
    METADATA,
    TEXT,
    TEXTS,
    URL,
    Emptyable,
    Hash,
    ListOf,
    Required,
    Spec,
    integer,
    one_of,
    text,
)
from sandbox.world import Json

_PRODUCT: Spec = {
    "active": BOOLEAN,
    "description": text(40_000),
    "images": ListOf(URL, most=8),
    "marketing_features": ListOf(Hash({"name": Required(text(80))}), most=15),
    "metadata": METADATA,
    "shippable": BOOLEAN,
    "statement_descriptor": DESCRIPTOR,
    "tax_code": TEXT,
    "unit_label": text(12),
    "url": URL,
}
_TAX = one_of("exclusive", "inclusive", "unspecified")
_RECURRING = Hash(
    {
        "interval": Required(one_of("day", "month", "week", "year")),
        "interval_count": COUNT,
        "trial_period_days": integer(1, 730),
        "usage_type": one_of("licensed"),
    }
)
_PRICE: Spec = {
    "active": BOOLEAN,
    "lookup_key": text(200),
    "metadata": METADATA,
    "nickname": TEXT,
    "tax_behavior": _TAX,
    "transfer_lookup_key": BOOLEAN,
}


def _list_products(call: Call) -> Json:
    matches = call.world.objects.list("product", **equal(call.params, "active"))
    wanted = call.params.get("ids")
    matches = [product for product in matches if not wanted or product["id"] in wanted]
    return listing(call, matches, "/v1/products")


def _list_prices(call: Call) -> Json:
    params = call.params
    matches = call.world.objects.list(
        "price", **equal(params, "active", "currency", "product", "type")
    )
    keys = params.get("lookup_keys")
    matches = [price for price in matches if not keys or price["lookup_key"] in keys]
    return listing(call, matches, "/v1/prices")


def _update_product(call: Call) -> Json:
    return products.update(call.world, products.find(call.world, call.id), call.params)


def _update_price(call: Call) -> Json:
    return prices.update(call.world, prices.find(call.world, call.id), call.params)


ENDPOINTS = [
    Endpoint(
        "POST",
        "/v1/products",
        "product_create",
        lambda call: products.create(call.world, call.params),
        {**_PRODUCT, "id": TEXT, "name": Required(TEXT), "type": one_of("good", "service")},
    ),
    Endpoint(
        "GET",
        "/v1/products",
        "product_list",
        _list_products,
        {**DATED, "active": BOOLEAN, "ids": TEXTS, "url": TEXT},
    ),
    Endpoint(
        "GET",
        "/v1/products/{id}",
        "product_retrieve",
        lambda call: products.find(call.world, call.id),
        {},
    ),
    Endpoint(
        "POST",
        "/v1/products/{id}",
        "product_update",
        _update_product,
        {
            **_PRODUCT,
            "default_price": TEXT,
            "images": Emptyable(_PRODUCT["images"]),
            "marketing_features": Emptyable(_PRODUCT["marketing_features"]),
            "name": TEXT,
        },
    ),
    Endpoint(
        "POST",
        "/v1/prices",
        "price_create",
        lambda call: prices.create(call.world, call.params),
        {
            **_PRICE,
            "billing_scheme": one_of("per_unit"),
            "currency": Required(CURRENCY),
            "product": TEXT,
            "product_data": Hash(
                {
                    "active": BOOLEAN,
                    "id": TEXT,
                    "metadata": METADATA,
                    "name": Required(TEXT),
                    "statement_descriptor": DESCRIPTOR,
                    "tax_code": TEXT,
                    "unit_label": text(12),
                }
            ),
            "recurring": _RECURRING,
            "unit_amount": INTEGER,
        },
    ),
    Endpoint(
        "GET",
        "/v1/prices",
        "price_list",
        _list_prices,
        {
            **DATED,
            "active": BOOLEAN,
            "currency": CURRENCY,
            "lookup_keys": ListOf(TEXT, most=10),
            "product": TEXT,
            "type": one_of("one_time", "recurring"),
        },
    ),
    Endpoint(
        "GET",
        "/v1/prices/{id}",
        "price_retrieve",
        lambda call: prices.find(call.world, call.id),
        {},
    ),
    Endpoint("POST", "/v1/prices/{id}", "price_update", _update_price, _PRICE),
]
