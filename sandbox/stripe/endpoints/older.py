"""Endpoints that only older API versions have."""

from dataclasses import replace

from sandbox.stripe import subscriptions
from sandbox.stripe.endpoint import Call, Endpoint
from sandbox.stripe.endpoints.billing import PREVIEWED, preview
from sandbox.stripe.errors import missing
from sandbox.stripe.params import TEXT
from sandbox.stripe.versions import BASIL
from sandbox.world import Json

_PREFIX = "subscription_"


def _upcoming(call: Call) -> Json:
    """The predecessor of `create_preview`: a preview of the next invoice, without an ID."""
    params, customer = call.params, call.params.get("customer")
    subscription = params.get("subscription") or _next(call, customer or "")
    details = {
        name.removeprefix(_PREFIX): value
        for name, value in params.items()
        if name.startswith(_PREFIX)
    }
    wanted = {"subscription": subscription, "subscription_details": details}
    shown = preview(replace(call, params=wanted))
    return {name: value for name, value in shown.items() if name != "id"}


def _next(call: Call, customer: str) -> str:
    """The customer's subscription that's charged next."""
    living = subscriptions.living(call.world, customer)
    if not living:
        raise missing("upcoming invoices for customer", customer)
    first: str = min(living, key=lambda one: subscriptions.period(one)[1])["id"]
    return first


ENDPOINTS = [
    Endpoint(
        "GET",
        "/v1/invoices/upcoming",
        "invoice_upcoming",
        _upcoming,
        {
            "customer": TEXT,
            "subscription": TEXT,
            **{f"{_PREFIX}{name}": kind for name, kind in PREVIEWED.items()},
        },
        before=BASIL,
    ),
]
