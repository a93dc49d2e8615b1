"""Disputes."""

from sandbox.stripe import disputes
from sandbox.stripe.endpoint import DATED, Call, Endpoint, equal, listing
from sandbox.stripe.params import BOOLEAN, METADATA, TEXT, Hash, text
from sandbox.world import Json


def _list(call: Call) -> Json:
    matches = call.world.objects.list("dispute", **equal(call.params, "charge", "payment_intent"))
    matches = [disputes.shown(call.world, one) for one in matches]
    return listing(call, matches, "/v1/disputes")


def _update(call: Call) -> Json:
    return disputes.update(call.world, disputes.find(call.world, call.id), call.params)


ENDPOINTS = [
    Endpoint(
        "GET",
        "/v1/disputes",
        "dispute_list",
        _list,
        {**DATED, "charge": TEXT, "payment_intent": TEXT},
    ),
    Endpoint(
        "GET",
        "/v1/disputes/{id}",
        "dispute_retrieve",
        lambda call: disputes.find(call.world, call.id),
        {},
    ),
    Endpoint(
        "POST",
        "/v1/disputes/{id}",
        "dispute_update",
        _update,
        {
            "evidence": Hash(
                {name: text(disputes.LONGEST.get(name, 5000)) for name in disputes.EVIDENCE}
            ),
            "metadata": METADATA,
            "submit": BOOLEAN,
        },
    ),
    Endpoint(
        "POST",
        "/v1/disputes/{id}/close",
        "dispute_close",
        lambda call: disputes.accept(call.world, disputes.find(call.world, call.id)),
        {},
    ),
]
