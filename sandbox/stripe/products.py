"""Products: what's sold."""

from __future__ import annotations

from sandbox.stripe.errors import invalid, missing
from sandbox.stripe.events import changing, emit
from sandbox.stripe.params import merge_metadata, new_metadata
from sandbox.world import Json, World

_PLAIN = (
    "active",
    "description",
    "name",
    "shippable",
    "statement_descriptor",
    "tax_code",
    "unit_label",
    "url",
)


def create(world: World, params: Json, *, product_id: str | None = None) -> Json:
    now = world.now()
    product = {
        "id": product_id or params.get("id") or world.new_id("prod", 14),
        "object": "product",
        "active": True,
        "created": now,
        "default_price": None,
        "description": None,
        "images": params.get("images") or [],
        "livemode": False,
        "marketing_features": params.get("marketing_features") or [],
        "metadata": new_metadata(params),
        "name": params["name"],
        "package_dimensions": None,
        "shippable": None,
        "statement_descriptor": None,
        "tax_code": None,
        "tax_details": None,
        "type": "service",
        "unit_label": None,
        "updated": now,
        "url": None,
    }
    if world.objects.get(product["id"]):
        raise invalid("Product already exists.", param="id", code="resource_already_exists")
    product |= {name: params[name] for name in _PLAIN if name in params}
    world.objects.put(product)
    emit(world, "product.created", product)
    return product


def update(world: World, product: Json, params: Json) -> Json:
    with changing(world, product, "product.updated"):
        product |= {name: params[name] for name in (*_PLAIN, "default_price") if name in params}
        for name in ("images", "marketing_features"):
            if name in params:
                product[name] = params[name] or []
        if "metadata" in params:
            product["metadata"] = merge_metadata(product["metadata"], params["metadata"])
        product["updated"] = world.now()
    return product


def find(world: World, product_id: str, *, param: str | None = None) -> Json:
    product = world.objects.get(product_id)
    if product is None or product["object"] != "product":
        raise missing("product", product_id, param=param or "id", status=400 if param else 404)
    return product
