"""Events: a snapshot of an object, and its previous values."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from fnmatch import fnmatchcase

from sandbox.stripe import older, versions
from sandbox.stripe.errors import missing
from sandbox.stripe.shown import copy, public
from sandbox.world import PRIVATE, Json, World


def private(obj: Json) -> Json:
    """What the sandbox remembers about an object besides what it shows."""
    remembered: Json = obj.setdefault(PRIVATE, {})
    return remembered


def difference(before: Json, after: Json) -> Json:
    """What changed, with the old values: changed fields of hashes, whole lists."""
    old: Json = {}
    for name, value in before.items():
        now = after.get(name)
        if isinstance(value, dict) and isinstance(now, dict):
            inner = difference(value, now)
            if inner:
                old[name] = inner
        elif value != now:
            old[name] = value
    old.update({name: None for name in after if name not in before and name != PRIVATE})
    return old


def emit(world: World, kind: str, obj: Json, previous: Json | None = None) -> Json:
    """Record an event about an object and tell the listeners."""
    version = account_version(world)
    now: Json = {"object": public(obj)}
    if previous is not None:
        now["previous_attributes"] = previous
    request = world.request
    event = {
        "id": world.new_id("evt_1"),
        "object": "event",
        "account": None,
        "api_version": version,
        "context": None,
        "created": world.now(),
        "data": _data(world, now, version),
        "livemode": False,
        "pending_webhooks": len(endpoints_for(world, kind)),
        "request": {
            "id": request.id if request else None,
            "idempotency_key": request.idempotency_key if request else None,
        },
        "type": kind,
    }
    if not older.knows(kind, version) and not event["pending_webhooks"]:
        return event
    if version != versions.CURRENT:
        private(event)["now"] = now
    world.objects.put(event)
    for listener in world.listeners:
        listener(event)
    return event


def account_version(world: World) -> str:
    """The version of requests and webhook endpoints that name none."""
    chosen = world.switches.payload_version
    return versions.CURRENT if chosen == "current" else chosen


def rendered(world: World, event: Json, version: str) -> Json:
    """An event as a webhook endpoint with a given version gets it."""
    shown = public(event)
    if version == event["api_version"]:
        return shown
    now = copy(private(event).get("now") or shown["data"])
    return shown | {"api_version": version, "data": _data(world, now, version)}


def _data(world: World, now: Json, version: str) -> Json:
    """What an event shows of an object, in a version's shape."""
    shown = older.shape(world, copy(now["object"]), version)
    before = now.get("previous_attributes")
    if before is None:
        return {"object": shown}
    before = older.previous(world, before, shown, version)
    return {"object": shown, "previous_attributes": before}


@contextmanager
def changing(world: World, obj: Json, kind: str) -> Iterator[Json]:
    """Change an object inside; it's then stored, and an event reports its previous values."""
    before = public(obj)
    yield obj
    world.objects.put(obj)
    previous = difference(before, public(obj))
    if previous:
        emit(world, kind, obj, previous)


def endpoints_for(world: World, kind: str) -> list[Json]:
    """The enabled webhook endpoints that want an event of this type."""
    return [
        endpoint
        for endpoint in world.objects.list("webhook_endpoint")
        if endpoint["status"] == "enabled"
        and older.knows(kind, endpoint_version(world, endpoint))
        and any(fnmatchcase(kind, wanted) for wanted in endpoint["enabled_events"])
    ]


def endpoint_version(world: World, endpoint: Json) -> str:
    """The version of a webhook endpoint's events."""
    return endpoint["api_version"] or account_version(world)


def find(world: World, event_id: str) -> Json:
    event = world.objects.get(event_id)
    if event is None or event["object"] != "event":
        raise missing("event", event_id)
    return event


def matches(event: Json, params: Json) -> bool:
    """Whether an event passes the list's filters `type` (with a trailing `*`) and `types`."""
    wanted = params.get("types") or ([params["type"]] if params.get("type") else [])
    return not wanted or any(fnmatchcase(event["type"], pattern) for pattern in wanted)
