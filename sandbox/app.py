"""The Starlette application: every part of the sandbox on one port, with one world behind it."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from starlette.applications import Starlette

from sandbox import bank, control, fixtures, identity, mail, pages, twilio, webhooks
from sandbox.stripe import api
from sandbox.stripe.api import Api
from sandbox.stripe.clock import Ticker
from sandbox.world import World


def build(world: World, *, smtp_port: int, imap_port: int) -> Starlette:
    """Build the application. Its threads and its mail servers run as long as it does."""

    @asynccontextmanager
    async def lifespan(app: Starlette) -> AsyncIterator[None]:
        app.state.deliverer = webhooks.start(world)
        fixtures.prepare(world)
        mail.start(world, smtp_port)
        bank.start(world, imap_port)
        twilio.start(world)
        ticker = Ticker(world)
        ticker.start()
        yield
        ticker.stop()
        twilio.stop()
        bank.stop()
        mail.stop()
        webhooks.stop()
        with world.lock:
            world.close()

    app = Starlette(
        routes=[
            *api.routes,
            *control.routes,
            *twilio.routes,
            *mail.routes,
            *bank.routes,
            *identity.routes,
            *pages.routes,
        ],
        lifespan=lifespan,
        exception_handlers={Exception: api.broken},
    )
    app.state.world = world
    app.state.stripe = Api(world)
    return app
