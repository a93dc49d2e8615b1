"""Radar: early fraud warnings."""

from sandbox.stripe import fraud_warnings
from sandbox.stripe.endpoint import DATED, Call, Endpoint, equal, listing
from sandbox.stripe.params import TEXT
from sandbox.world import Json

_ADDRESS = "/v1/radar/early_fraud_warnings"


def _list(call: Call) -> Json:
    wanted = equal(call.params, "charge", "payment_intent")
    return listing(call, call.world.objects.list(fraud_warnings.KIND, **wanted), _ADDRESS)


ENDPOINTS = [
    Endpoint(
        "GET",
        _ADDRESS,
        "radar.early_fraud_warning_list",
        _list,
        {**DATED, "charge": TEXT, "payment_intent": TEXT},
    ),
    Endpoint(
        "GET",
        f"{_ADDRESS}/{{id}}",
        "radar.early_fraud_warning_retrieve",
        lambda call: fraud_warnings.find(call.world, call.id),
        {},
    ),
]
