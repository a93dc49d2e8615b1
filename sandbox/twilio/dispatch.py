"""This process's one courier, started with the server or by the first message."""

import threading

from sandbox.twilio.courier import Courier
from sandbox.twilio.store import Sms
from sandbox.world import World

_guard = threading.Lock()
_couriers: list[Courier] = []


def start(world: World) -> None:
    """Start the courier; it continues what a restart interrupted."""
    _running(world)


def stop() -> None:
    """Stop reporting; the rest continues after the next start."""
    with _guard:
        while _couriers:
            _couriers.pop().stop()


def send(world: World, message: Sms) -> None:
    """Hand a new message to the courier."""
    _running(world).take(message)


def idle() -> bool:
    """Whether every message has reached and reported its last status."""
    return all(courier.idle() for courier in _couriers)


def _running(world: World) -> Courier:
    with _guard:
        if not _couriers:
            courier = Courier(world)
            courier.start()
            _couriers.append(courier)
        return _couriers[0]
