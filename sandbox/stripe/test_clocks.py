"""Test clocks. The sandbox has one clock, so every test clock shows and moves it for all."""

from __future__ import annotations

from sandbox.stripe.errors import invalid, missing
from sandbox.stripe.events import emit
from sandbox.stripe.periods import DAY
from sandbox.world import Json, World

KEPT = 30 * DAY
KIND = "test_helpers.test_clock"


def create(world: World, frozen_time: int, name: str | None) -> Json:
    """A test clock. It starts now, whatever was requested, and can only be advanced."""
    made: Json = {
        "id": world.new_id("clock_1"),
        "object": KIND,
        "created": world.now(),
        "deletes_after": world.now() + KEPT,
        "frozen_time": max(frozen_time, world.now()),
        "livemode": False,
        "name": name,
        "status": "ready",
        "status_details": {},
    }
    world.objects.put(made)
    emit(world, "test_helpers.test_clock.created", made)
    return made


def check_advance(world: World, clock: Json, frozen_time: int) -> None:
    """Refuse to go back. Raises ApiError 400."""
    if frozen_time <= max(world.now(), clock["created"]):
        message = "You can only advance a test clock to a time after its current frozen time."
        raise invalid(message, param="frozen_time")


def begin_advance(world: World, clock: Json, frozen_time: int) -> Json:
    """Report the clock as advancing; a later request finds it ready."""
    clock |= {"frozen_time": frozen_time, "status": "advancing"}
    world.objects.put(clock)
    emit(world, "test_helpers.test_clock.advancing", clock)
    return clock


def shown(world: World, clock: Json) -> Json:
    """A test clock as of now: the sandbox's time, once it has arrived."""
    if clock["status"] == "advancing" and world.now() >= clock["frozen_time"]:
        clock["status"] = "ready"
        world.objects.put(clock)
        emit(world, "test_helpers.test_clock.ready", clock)
    if clock["status"] == "ready":
        clock["frozen_time"] = max(clock["frozen_time"], world.now())
    return clock


def delete(world: World, clock: Json) -> Json:
    world.objects.remove(clock["id"])
    emit(world, "test_helpers.test_clock.deleted", clock)
    return {"id": clock["id"], "object": KIND, "deleted": True}


def find(world: World, clock_id: str) -> Json:
    clock = world.objects.get(clock_id)
    if clock is None or clock["object"] != KIND:
        raise missing("billing clock", clock_id, param="test_clock")
    return shown(world, clock)
