"""Events and the webhook endpoints that receive them."""

from sandbox.stripe import events, webhook_endpoints
from sandbox.stripe.endpoint import DATED, LISTING, Call, Endpoint, listing
from sandbox.stripe.errors import invalid
from sandbox.stripe.params import BOOLEAN, METADATA, TEXT, TEXTS, URL, ListOf, Required, Spec
from sandbox.world import Json

_ENDPOINT: Spec = {"description": TEXT, "metadata": METADATA}


def _list_events(call: Call) -> Json:
    params = call.params
    if params.get("type") and params.get("types"):
        raise invalid("You may only specify one of these parameters: type, types.")
    matches = [event for event in call.world.objects.list("event") if events.matches(event, params)]
    return listing(call, matches, "/v1/events")


def _list_endpoints(call: Call) -> Json:
    endpoints = call.world.objects.list("webhook_endpoint")
    shown = [webhook_endpoints.without_secret(endpoint) for endpoint in endpoints]
    return listing(call, shown, "/v1/webhook_endpoints")


def _retrieve_endpoint(call: Call) -> Json:
    return webhook_endpoints.without_secret(webhook_endpoints.find(call.world, call.id))


def _update_endpoint(call: Call) -> Json:
    endpoint = webhook_endpoints.find(call.world, call.id)
    return webhook_endpoints.without_secret(
        webhook_endpoints.update(call.world, endpoint, call.params)
    )


def _delete_endpoint(call: Call) -> Json:
    endpoint = webhook_endpoints.find(call.world, call.id)
    call.world.objects.remove(endpoint["id"])
    return {"id": endpoint["id"], "object": "webhook_endpoint", "deleted": True}


ENDPOINTS = [
    Endpoint(
        "GET",
        "/v1/events",
        "event_list",
        _list_events,
        {**DATED, "type": TEXT, "types": ListOf(TEXT, most=20)},
    ),
    Endpoint(
        "GET",
        "/v1/events/{id}",
        "event_retrieve",
        lambda call: events.find(call.world, call.id),
        {},
    ),
    Endpoint(
        "POST",
        "/v1/webhook_endpoints",
        "webhook_endpoint_create",
        lambda call: webhook_endpoints.create(call.world, call.params),
        {
            **_ENDPOINT,
            "api_version": TEXT,
            "enabled_events": Required(TEXTS),
            "url": Required(URL),
        },
    ),
    Endpoint("GET", "/v1/webhook_endpoints", "webhook_endpoint_list", _list_endpoints, LISTING),
    Endpoint(
        "GET",
        "/v1/webhook_endpoints/{id}",
        "webhook_endpoint_retrieve",
        _retrieve_endpoint,
        {},
    ),
    Endpoint(
        "POST",
        "/v1/webhook_endpoints/{id}",
        "webhook_endpoint_update",
        _update_endpoint,
        {**_ENDPOINT, "disabled": BOOLEAN, "enabled_events": TEXTS, "url": URL},
    ),
    Endpoint(
        "DELETE",
        "/v1/webhook_endpoints/{id}",
        "webhook_endpoint_delete",
        _delete_endpoint,
        {},
    ),
]
