"""Where staff find an object in Stripe's dashboard."""

from __future__ import annotations

from django.conf import settings

from billing.stripe import gateway

STRIPE_DASHBOARD = "https://dashboard.stripe.com"


def stripe_url(path: str, identifier: str) -> str:
    """Return an object's page in Stripe's dashboard: `stripe_url("payments", "pi_…")`."""
    mode = "" if gateway.is_live_mode() else "/test"
    return f"{STRIPE_DASHBOARD}{mode}/{path}/{identifier}"


def has_stripe_dashboard() -> bool:
    """Whether our objects are at Stripe itself, not at a stand-in server."""
    return bool(settings.STRIPE_SECRET_KEY) and not settings.STRIPE_API_BASE
