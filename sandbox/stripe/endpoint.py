"""What makes an API endpoint: a path, the parameters it accepts, and its handler."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from sandbox.stripe.errors import invalid, missing
from sandbox.stripe.params import CREATED, TEXT, TEXTS, Spec, integer
from sandbox.world import Json, World


@dataclass(frozen=True)
class Call:
    """A checked request: typed parameters, and the IDs from the path."""

    world: World
    params: Json
    ids: tuple[str, ...]

    @property
    def id(self) -> str:
        return self.ids[0]


Handler = Callable[[Call], Json]


@dataclass(frozen=True)
class Endpoint:
    """`path` has `{id}` for what varies; `sdk` names the SDK's class for the same parameters.

    `before` is the date of the API version that removed the endpoint.
    """

    method: str
    path: str
    sdk: str
    handler: Handler
    params: Spec
    before: str = ""

    @property
    def is_list(self) -> bool:
        return self.method == "GET" and "_list" in self.sdk

    @property
    def accepted(self) -> Spec:
        # A deleted object has nothing to expand.
        return self.params if self.sdk.endswith("_delete") else {**self.params, "expand": TEXTS}


LISTING: Spec = {"limit": integer(1, 100), "starting_after": TEXT, "ending_before": TEXT}
DATED: Spec = {**LISTING, "created": CREATED}


def listing(call: Call, objects: list[Json], url: str) -> Json:
    """A page of objects, newest first."""
    objects = [obj for obj in objects if is_within(_moment(obj), call.params.get("created"))]
    return entries(call, objects, url)


def entries(call: Call, objects: list[Json], url: str) -> Json:
    """A page of objects in their own order, such as an invoice's lines."""
    limit = call.params.get("limit", 10)
    start, end, more = _cut(objects, call.params, limit)
    return {"object": "list", "data": objects[start:end], "has_more": more, "url": url}


def _moment(obj: Json) -> int:
    """When it was created; an invoice item calls that its date."""
    moment: int = obj["created"] if "created" in obj else obj["date"]
    return moment


def _cut(objects: list[Json], params: Json, limit: int) -> tuple[int, int, bool]:
    if params.get("starting_after") and params.get("ending_before"):
        raise invalid(
            "Received both starting_after and ending_before parameters. Please pass in only one."
        )
    if params.get("ending_before"):
        end = _place(objects, params["ending_before"], "ending_before")
        start = max(0, end - limit)
        return start, end, start > 0
    start = (
        _place(objects, params["starting_after"], "starting_after") + 1
        if params.get("starting_after")
        else 0
    )
    return start, start + limit, start + limit < len(objects)


def _place(objects: list[Json], object_id: str, param: str) -> int:
    for place, obj in enumerate(objects):
        if obj["id"] == object_id:
            return place
    raise missing("object", object_id, param=param, status=400)


def is_within(moment: int, wanted: Json | int | None) -> bool:
    """Whether a time passes a filter such as `created`: exact, or any of gt, gte, lt, lte."""
    if wanted is None:
        return True
    if isinstance(wanted, int):
        return moment == wanted
    passes = (
        moment > wanted.get("gt", moment - 1),
        moment >= wanted.get("gte", moment),
        moment < wanted.get("lt", moment + 1),
        moment <= wanted.get("lte", moment),
    )
    return all(passes)


def equal(params: Json, *names: str) -> Json:
    """Those of the named filters that were given."""
    return {name: params[name] for name in names if params.get(name) is not None}
