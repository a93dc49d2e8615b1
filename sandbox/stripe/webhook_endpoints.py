"""Webhook endpoints: where events go, and which ones."""

from __future__ import annotations

from sandbox.stripe import versions
from sandbox.stripe.errors import missing
from sandbox.stripe.params import merge_metadata, new_metadata
from sandbox.world import Json, World


def create(
    world: World, params: Json, *, endpoint_id: str | None = None, secret: str | None = None
) -> Json:
    version = params.get("api_version")
    return world.objects.put(
        {
            "id": endpoint_id or world.new_id("we_1"),
            "object": "webhook_endpoint",
            "api_version": versions.check(version) if version else None,
            "application": None,
            "created": world.now(),
            "description": params.get("description"),
            "enabled_events": params["enabled_events"],
            "livemode": False,
            "metadata": new_metadata(params),
            "secret": secret or world.new_id("whsec", 32),
            "status": "enabled",
            "url": params["url"],
        }
    )


def without_secret(endpoint: Json) -> Json:
    """Stripe shows the secret only when the endpoint is created."""
    return {name: value for name, value in endpoint.items() if name != "secret"}


def update(world: World, endpoint: Json, params: Json) -> Json:
    for name in ("description", "enabled_events", "url"):
        if name in params:
            endpoint[name] = params[name]
    if "disabled" in params:
        endpoint["status"] = "disabled" if params["disabled"] else "enabled"
    if "metadata" in params:
        endpoint["metadata"] = merge_metadata(endpoint["metadata"], params["metadata"])
    return world.objects.put(endpoint)


def find(world: World, endpoint_id: str) -> Json:
    endpoint = world.objects.get(endpoint_id)
    if endpoint is None or endpoint["object"] != "webhook_endpoint":
        raise missing("webhook endpoint", endpoint_id)
    return endpoint
