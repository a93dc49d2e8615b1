"""Verifies webhooks, and lists Stripe's events."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Any

import stripe
from django.conf import settings

from billing.stripe.gateway.client import client
from billing.stripe.gateway.errors import BadSignature
from billing.stripe.gateway.lists import every


def verify_webhook(body: bytes, signature: str) -> str:
    """Return the body as text if one of our secrets signed it in the last 300 seconds.

    Several secrets may be valid at once, so a secret can be rotated without a gap.

    Raises:
        BadSignature: no secret matches, or the signature is too old.
    """
    try:
        text = body.decode()
    except UnicodeDecodeError as error:
        raise BadSignature("The body is not UTF-8.") from error
    if not signature.isascii():
        raise BadSignature("The signature is not one of Stripe's.")
    reason = "there is no secret"
    for secret in settings.STRIPE_WEBHOOK_SECRETS:
        try:
            stripe.WebhookSignature.verify_header(text, signature, secret, tolerance=300)
        except stripe.SignatureVerificationError as error:
            reason = str(error)
        else:
            return text
    raise BadSignature(reason)


def events_since(start: datetime) -> Iterator[Mapping[str, Any]]:
    """Yield Stripe's events since a time, newest first (Stripe keeps 30 days of them)."""
    wanted = {"created": {"gte": int(start.timestamp())}}
    yield from every(client().v1.events.list, wanted)
