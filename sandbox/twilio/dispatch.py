"""The one courier of this process, started with the server or by the first message."""

import threading

from sandbox.twilio.courier import Courier
from sandbox.twilio.store import Sms
from sandbox.world import World

_guard = threading.Lock()
_courier: Courier | None = None


def start(world: World) -> None:
    """Start the courier and let it go on with what a restart interrupted."""
    _running(world)


def stop() -> None:
    """Stop reporting; what is left goes on after the next start."""
    global _courier
    with _guard:
        courier, _courier = _courier, None
    if courier:
        courier.stop()


def send(world: World, message: Sms) -> None:
    """Let the courier take a new message through its statuses."""
    _running(world).take(message)


def idle() -> bool:
    """Whether every message has reached its last status and reported it."""
    return _courier is None or _courier.idle()


def _running(world: World) -> Courier:
    global _courier
    with _guard:
        if _courier is None:
            _courier = Courier(world)
            _courier.start()
        return _courier
