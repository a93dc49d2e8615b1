"""Full addresses of the portal's pages, for messages and for Stripe."""

from __future__ import annotations

from django.conf import settings
from django.urls import reverse


def portal_url(name: str, *arguments: object) -> str:
    """Return the address of a page by its route's name: `portal_url("billing:refund", 7)`."""
    return f"{settings.PORTAL_URL}{reverse(name, args=arguments)}"
