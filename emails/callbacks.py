"""Twilio's callbacks about text messages that we sent, and the check of its signature."""

from __future__ import annotations

import logging

from django.conf import settings
from django.core import signing
from django.http import HttpRequest, HttpResponse
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_POST
from twilio.request_validator import RequestValidator

from emails import text_messages
from emails.delivery import StatusReport, record_status

logger = logging.getLogger(__name__)


@csrf_exempt
@require_POST
def sms_status(request: HttpRequest, token: str) -> HttpResponse:
    """Record what became of a text message. 403: not from Twilio. 404: not our address."""
    if refused := refusal(request):
        return refused
    try:
        pk = text_messages.message_of_token(token)
    except signing.BadSignature:
        return HttpResponse("There is no such message.", status=404)
    sid, status = request.POST.get("MessageSid", ""), request.POST.get("MessageStatus", "")
    record_status(pk, StatusReport(sid, status, request.POST.get("ErrorCode", "")))
    return HttpResponse(status=204)


def refusal(request: HttpRequest) -> HttpResponse | None:
    """Return the answer to a request that Twilio didn't sign, or None."""
    if not settings.TWILIO_AUTH_TOKEN:
        logger.error("A Twilio callback was refused: TWILIO_AUTH_TOKEN is not set.")
        return HttpResponse("Text messages are not configured.", status=503)
    url = f"{settings.PORTAL_URL}{request.path}"
    signature = request.headers.get("X-Twilio-Signature", "")
    if RequestValidator(settings.TWILIO_AUTH_TOKEN).validate(url, request.POST, signature):
        return None
    logger.warning("A Twilio callback was refused: wrong signature for %r", request.path)
    return HttpResponse("Refused.", status=403)
