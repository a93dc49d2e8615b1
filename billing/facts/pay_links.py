"""The signed links of payment requests. A link names a request; signing in opens it."""

from __future__ import annotations

from django.conf import settings
from django.core.signing import BadSignature, Signer
from django.urls import reverse

from billing.models import PaymentRequest

SALT = "billing.pay_links"


def path_of(request: PaymentRequest) -> str:
    """Return the path of a request's page."""
    return reverse("billing:pay", args=[_signer().sign(str(request.pk))])


def url_of(request: PaymentRequest) -> str:
    """Return the address of a request's page, for messages."""
    return f"{settings.PORTAL_URL}{path_of(request)}"


def request_id(token: str) -> int | None:
    """Return the key of a link's request, or None if we didn't make that link."""
    try:
        return int(_signer().unsign(token))
    except (BadSignature, ValueError):
        return None


def _signer() -> Signer:
    # A dot, not the usual colon, so phones turn the whole address into a link.
    return Signer(salt=SALT, sep=".")
