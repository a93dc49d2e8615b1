"""A local Twilio: the Messages API, status callbacks, replies, and a phone to read texts on."""

from typing import Any

from sandbox.twilio import api, dispatch, phone, store
from sandbox.twilio.inbound import receive as inbound
from sandbox.world import World

__all__ = ["idle", "inbound", "messages", "routes", "start", "stop"]

routes = [*api.routes, *phone.routes]
start = dispatch.start
stop = dispatch.stop
idle = dispatch.idle


def messages(world: World, to: str | None = None) -> list[dict[str, Any]]:
    """Texts in both directions, newest first; `to` filters by recipient."""
    newest = store.newest_first(world)
    return [store.summary(message) for message in newest if to in (None, message["to"])]
