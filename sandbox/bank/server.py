"""Runs the IMAP server in a thread of its own, as the SMTP server runs."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import ExitStack, asynccontextmanager

from anyio.from_thread import start_blocking_portal
from proxyprotocol.reader import ProxyProtocolReader
from pymap.imap import IMAPServer

from sandbox.bank.imap import Config, Login
from sandbox.world import World

HOST = "127.0.0.1"

_running: list[ExitStack] = []


def start(world: World, port: int, host: str = HOST) -> None:
    """Serve IMAP. Raises OSError if the port is taken."""
    stack = ExitStack()
    portal = stack.enter_context(start_blocking_portal())
    try:
        stack.enter_context(portal.wrap_async_context_manager(_serving(world, host, port)))
    except OSError:
        stack.close()
        raise
    _running.append(stack)


@asynccontextmanager
async def _serving(world: World, host: str, port: int) -> AsyncIterator[None]:
    config = Config(host, port)
    server = IMAPServer(Login(world, config), config)
    callback = ProxyProtocolReader(config.proxy_protocol).get_callback(server)
    listening = await asyncio.start_server(callback, host=host, port=port)
    try:
        yield
    finally:
        # Open connections end with their event loop.
        listening.close()


def stop() -> None:
    """Close the server's port and its connections."""
    while _running:
        _running.pop().close()
