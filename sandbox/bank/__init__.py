"""A bank for the business: an account, Zelle, mails that tell of it (IMAP), a file of activity."""

from sandbox.bank import entries, pages, store
from sandbox.bank.server import start, stop
from sandbox.world import World

__all__ = ["prepare", "routes", "start", "stop"]

routes = pages.routes


def prepare(world: World) -> None:
    """Open the account and its mailbox if there are none. Hold the lock."""
    store.prepare(world)
    entries.prepare(world)
