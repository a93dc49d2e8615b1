"""Step 1: verify the signature, store the event, answer 200."""

from __future__ import annotations

import logging

from django.conf import settings
from django.db import OperationalError, connection
from django.http import HttpRequest, HttpResponse
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_POST

from billing.inbound import inbox
from billing.stripe import gateway

logger = logging.getLogger(__name__)


@csrf_exempt
@require_POST
def stripe_webhook(request: HttpRequest) -> HttpResponse:
    """Store one Stripe event, once.

    200: stored now or before, or counted as not for us (`inbox.take`). 400: not signed with one of
    our secrets, too old, or not an event. 503: no secret is set, or the database is down; Stripe
    tries again.
    """
    if not settings.STRIPE_WEBHOOK_SECRETS:
        logger.error("A webhook was refused: STRIPE_WEBHOOK_SECRETS is not set.")
        return HttpResponse("The webhook is not configured.", status=503)
    try:
        text = gateway.verify_webhook(request.body, request.headers.get("Stripe-Signature", ""))
        taken = inbox.take(text)
    except (gateway.BadSignature, inbox.MalformedEvent) as error:
        return _refused(str(error))
    except OperationalError:
        connection.close()
        logger.exception("A webhook could not be stored, Stripe will send it again.")
        return HttpResponse("The database is away. Try again.", status=503)
    return HttpResponse("ignored" if taken == inbox.Taken.IGNORED else "stored")


def _refused(reason: str) -> HttpResponse:
    logger.warning("A webhook was refused: %r", reason)
    return HttpResponse("Refused.", status=400)
