"""Test clocks, which show and move the sandbox's one clock."""

import threading

from sandbox.stripe import clock, test_clocks
from sandbox.stripe.endpoint import LISTING, Call, Endpoint, listing
from sandbox.stripe.params import INTEGER, Required, text
from sandbox.world import Json


def _advance(call: Call) -> Json:
    """Answer right away, as Stripe does: what becomes due happens afterward, in its own thread."""
    wanted, test_clock = call.params["frozen_time"], test_clocks.find(call.world, call.id)
    test_clocks.check_advance(call.world, test_clock, wanted)
    threading.Thread(target=clock.go_to, args=(call.world, wanted), daemon=True).start()
    return test_clocks.begin_advance(call.world, test_clock, wanted)


def _list(call: Call) -> Json:
    clocks = [
        test_clocks.shown(call.world, one) for one in call.world.objects.list(test_clocks.KIND)
    ]
    return listing(call, clocks, "/v1/test_helpers/test_clocks")


ENDPOINTS = [
    Endpoint(
        "POST",
        "/v1/test_helpers/test_clocks",
        "test_helpers.test_clock_create",
        lambda call: test_clocks.create(
            call.world, call.params["frozen_time"], call.params.get("name")
        ),
        {"frozen_time": Required(INTEGER), "name": text(300)},
    ),
    Endpoint("GET", "/v1/test_helpers/test_clocks", "test_helpers.test_clock_list", _list, LISTING),
    Endpoint(
        "GET",
        "/v1/test_helpers/test_clocks/{id}",
        "test_helpers.test_clock_retrieve",
        lambda call: test_clocks.find(call.world, call.id),
        {},
    ),
    Endpoint(
        "POST",
        "/v1/test_helpers/test_clocks/{id}/advance",
        "test_helpers.test_clock_advance",
        _advance,
        {"frozen_time": Required(INTEGER)},
    ),
    Endpoint(
        "DELETE",
        "/v1/test_helpers/test_clocks/{id}",
        "test_helpers.test_clock_delete",
        lambda call: test_clocks.delete(call.world, test_clocks.find(call.world, call.id)),
        {},
    ),
]
