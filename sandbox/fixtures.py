"""What a new sandbox already has: something to sell, an account at a bank, and its environment's
webhook endpoint."""

import os

from sandbox import bank
from sandbox.stripe import portal, prices, products, webhook_endpoints
from sandbox.world import World

WEBHOOK_SECRET = "whsec_sandbox"
_ENDPOINT = "we_sandbox"


def prepare(world: World) -> None:
    """Make what's missing; in an existing world, only update the endpoint from the environment."""
    with world.lock:
        if not world.objects.list("product"):
            _fill(world)
        if not world.objects.list("billing_portal.configuration", is_default=True):
            portal.save_settings(world)
        bank.prepare(world)
        _set_endpoint(world, os.environ.get("SANDBOX_WEBHOOK_URL", ""))
        world.save()


def _fill(world: World) -> None:
    product = products.create(
        world,
        {"name": "Membership", "description": "Everything that members get."},
        product_id="prod_membership",
    )
    for interval, amount in (("month", 2900), ("year", 29000)):
        price = prices.create(
            world,
            {
                "product": product["id"],
                "currency": "usd",
                "unit_amount": amount,
                "recurring": {"interval": interval},
            },
            price_id=f"price_membership_{interval}ly",
        )
        if interval == "month":
            products.update(world, product, {"default_price": price["id"]})


def _set_endpoint(world: World, url: str) -> None:
    known = world.objects.get(_ENDPOINT)
    if known and url:
        known["url"] = url
        world.objects.put(known)
    elif url:
        params = {"url": url, "enabled_events": ["*"], "description": "SANDBOX_WEBHOOK_URL"}
        webhook_endpoints.create(world, params, endpoint_id=_ENDPOINT, secret=WEBHOOK_SECRET)
