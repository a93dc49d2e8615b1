"""Twilio's callbacks: what became of a text message, and what members reply."""

from __future__ import annotations

import logging

from django.conf import settings
from django.core import signing
from django.http import HttpRequest, HttpResponse, QueryDict
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_POST
from twilio.request_validator import RequestValidator
from twilio.twiml.messaging_response import MessagingResponse

from emails import keywords, text_messages
from emails.delivery import StatusReport, record_status
from emails.keywords import Asked
from members import consent, contact_notices, numbers
from members.consent import Heard
from members.models import Member

logger = logging.getLogger(__name__)

STOPPED = "{brand}: you won't get any more texts from us. Reply START to get them again."
STARTED = "{brand}: you'll get our texts again. Reply STOP to end them, HELP for help."
HELP = "{brand}: for help, write to {support}. Reply STOP to end our texts."
UNREAD = "{brand}: replies aren't monitored. Write to {support}, or reply STOP to end our texts."


@csrf_exempt
@require_POST
def sms_status(request: HttpRequest, token: str) -> HttpResponse:
    """Record what became of a text message. 403: not from Twilio. 404: not our address."""
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
    """Handle a member's reply: STOP ends texts, START allows them again, HELP gets an answer.

    Twilio answers its own keywords and refuses our texts after a STOP, so we stay silent then. We
    confirm other ways to ask for the same, once.
    """
    if refusal := _refusal(request):
        return refusal
    answer = MessagingResponse()
    if words := _heed(request.POST.get("From", ""), request.POST):
        answer.message(words)
    return HttpResponse(str(answer), content_type="application/xml")


def _heed(phone: str, form: QueryDict) -> str:
    """Do what a reply asks for. Return the answer, or "" for none.

    Strangers get none: two machines could keep answering each other at our cost. Advanced Opt-Out
    knows more languages, names the keyword (`OptOutType`), and sends its own answers.
    """
    body, told = form.get("Body", ""), form.get("OptOutType", "")
    is_answered = bool(told) or keywords.is_answered_by_twilio(body)
    match keywords.asks_for(told or body):
        case Asked.STOP:
            heard = consent.stop_by_reply(phone)
            _tell(heard)
            return "" if is_answered or not heard.is_known else _answer(STOPPED)
        case Asked.START:
            heard = consent.start_by_reply(phone)
            _tell(heard)
            return "" if is_answered or not heard.is_known else _answer(STARTED)
        case Asked.HELP:
            return _answer(HELP)
    known = Member.objects.filter(phone=numbers.kept(phone), phone_verified_at__isnull=False)
    return _answer(UNREAD) if known.exists() else ""


def _tell(heard: Heard) -> None:
    """Email what a reply changed: someone else may have the phone."""
    for member in heard.changed:
        contact_notices.texts_switched(member, by_reply=True)


def _answer(words: str) -> str:
    return words.format(brand=settings.BRAND_NAME, support=settings.SUPPORT_EMAIL)


def _refusal(request: HttpRequest) -> HttpResponse | None:
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
