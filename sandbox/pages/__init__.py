"""The sandbox's pages for people: Checkout, billing portal, invoices, and the control panel."""

from starlette.routing import BaseRoute, Mount
from starlette.staticfiles import StaticFiles

from sandbox.pages import checkout, events, invoice, panel, portal
from sandbox.rendering import ROOT

routes: list[BaseRoute] = [
    *checkout.routes,
    *portal.routes,
    *invoice.routes,
    *panel.routes,
    *events.routes,
    Mount("/static", StaticFiles(directory=ROOT / "static")),
]
