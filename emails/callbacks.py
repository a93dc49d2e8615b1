"""What Twilio tells us: the fate of a text message, and what members reply."""

from __future__ import annotations

import logging

from django.conf import settings
from django.core import signing
from django.http import HttpRequest, HttpResponse, QueryDict
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_POST
from twilio.request_validator import RequestValidator
from twilio.twiml.messaging_response import MessagingResponse

from emails import text_messages
from emails.delivery import StatusReport, record_status
from members import consent
from members.models import Member

logger = logging.getLogger(__name__)

# Twilio documentation, "Twilio support for opt-out keywords". Twilio itself answers STOP and START.
STOP_WORDS = frozenset("STOP STOPALL UNSUBSCRIBE CANCEL END QUIT REVOKE OPTOUT".split())
START_WORDS = frozenset("START YES UNSTOP".split())
HELP_WORDS = frozenset("HELP INFO".split())


@csrf_exempt
@require_POST
def sms_status(request: HttpRequest, token: str) -> HttpResponse:
    """Record what became of a text message. 403: not from Twilio. 404: not an address of ours."""
    if refusal := _refusal(request):
        return refusal
    try:
        pk = text_messages.message_of_token(token)
    except signing.BadSignature:
        return HttpResponse("There is no such message.", status=404)
    sid, status = request.POST.get("MessageSid", ""), request.POST.get("MessageStatus", "")
    record_status(pk, StatusReport(sid, status, request.POST.get("ErrorCode", "")))
    return HttpResponse(status=204)


@csrf_exempt
@require_POST
def sms_inbound(request: HttpRequest) -> HttpResponse:
    """Take a member's reply: STOP ends text messages, START allows them again, HELP is answered.

    Twilio answers STOP and START by itself and refuses our words after a STOP, so we stay silent.
    """
    if refusal := _refusal(request):
        return refusal
    answer = MessagingResponse()
    if words := _heed(request.POST.get("From", ""), _keyword(request.POST)):
        answer.message(words)
    return HttpResponse(str(answer), content_type="application/xml")


def _keyword(form: QueryDict) -> str:
    """Return what a text asks for. Advanced Opt-Out knows more languages, and names the keyword."""
    return (form.get("OptOutType") or form.get("Body", "")).strip().rstrip(".!").upper()


def _heed(phone: str, word: str) -> str:
    """Do what a reply asks for; return the answer, or "" for none.

    Strangers' words get none: two machines would go on answering each other at our cost.
    """
    if word in STOP_WORDS:
        consent.stop_by_reply(phone)
        return ""
    if word in START_WORDS:
        consent.start_by_reply(phone)
        return ""
    if word in HELP_WORDS:
        return (
            f"{settings.BRAND_NAME}: write to {settings.SUPPORT_EMAIL} for help. "
            "Reply STOP to end text messages."
        )
    if Member.objects.filter(phone=phone, phone_verified_at__isnull=False).exists():
        return (
            f"{settings.BRAND_NAME}: nobody reads replies here. Write to {settings.SUPPORT_EMAIL}, "
            "or reply STOP to end text messages."
        )
    return ""


def _refusal(request: HttpRequest) -> HttpResponse | None:
    """Return the answer to a request that Twilio did not sign, or None."""
    if not settings.TWILIO_AUTH_TOKEN:
        logger.error("A Twilio callback was refused: TWILIO_AUTH_TOKEN is not set.")
        return HttpResponse("Text messages are not configured.", status=503)
    url = f"{settings.PORTAL_URL}{request.path}"
    signature = request.headers.get("X-Twilio-Signature", "")
    if RequestValidator(settings.TWILIO_AUTH_TOKEN).validate(url, request.POST, signature):
        return None
    logger.warning("A Twilio callback was refused: wrong signature for %r", request.path)
    return HttpResponse("Refused.", status=403)
