"""A mailbox for everyone: an SMTP server that keeps what it gets, and pages that show it."""

from typing import Any

from sandbox.mail import pages, store
from sandbox.mail.server import start, stop
from sandbox.mail.store import clear
from sandbox.world import World

__all__ = ["clear", "messages", "routes", "start", "stop"]

routes = pages.routes


def messages(world: World, to: str | None = None) -> list[dict[str, Any]]:
    """Mail received, newest first, every copy; `to` filters by recipient."""
    counts = store.counts(world)
    return [store.public(mail, counts[store.mark(mail)]) for mail in store.newest_first(world, to)]
