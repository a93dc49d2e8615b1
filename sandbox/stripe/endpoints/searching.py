"""What can be searched with Stripe's query language."""

from collections.abc import Callable

from sandbox.stripe import search
from sandbox.stripe.endpoint import Call, Endpoint
from sandbox.stripe.params import TEXT, Required, integer, text
from sandbox.world import Json


def _of(kind: str) -> Callable[[Call], Json]:
    return lambda call: search.search(call, kind, f"/v1/{kind}s/search")


ENDPOINTS = [
    Endpoint(
        "GET",
        f"/v1/{kind}s/search",
        f"{kind}_search",
        _of(kind),
        {"limit": integer(1, 100), "page": TEXT, "query": Required(text(5000))},
    )
    for kind in search.FIELDS
]
