"""What Twilio tells us: the fate of a text message, and what members reply."""

from __future__ import annotations

import logging

from django.conf import settings
from django.core import signing
from django.http import HttpRequest, HttpResponse
from django.utils import timezone
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_POST
from twilio.request_validator import RequestValidator
from twilio.twiml.messaging_response import MessagingResponse

from emails import text_messages
from emails.models import Message, MessageState
from members import consent
from members.models import ConsentSource, Member

logger = logging.getLogger(__name__)

# Twilio documentation, "Message status": how far a status is along the way.
PROGRESS = {"accepted": 1, "queued": 1, "sending": 2, "sent": 3, "undelivered": 4}
PROGRESS |= {"failed": 4, "delivered": 5, "read": 6}
# Twilio documentation, "Default keywords". Twilio itself answers STOP and START.
STOP_WORDS = frozenset({"STOP", "STOPALL", "UNSUBSCRIBE", "CANCEL", "END", "QUIT", "OPTOUT"})
START_WORDS = frozenset({"START", "YES", "UNSTOP"})


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
    status = request.POST.get("MessageStatus", "")
    if status in PROGRESS:
        _record(pk, status, request.POST.get("MessageSid", ""), request.POST.get("ErrorCode", ""))
    return HttpResponse(status=204)


@csrf_exempt
@require_POST
def sms_inbound(request: HttpRequest) -> HttpResponse:
    """Take a member's reply: STOP ends text messages, START allows them again, HELP is answered.

    Twilio answers STOP and START by itself and refuses our words after a STOP, so we stay silent.
    """
    if refusal := _refusal(request):
        return refusal
    phone, word = request.POST.get("From", ""), request.POST.get("Body", "").strip().upper()
    answer = MessagingResponse()
    members = Member.objects.filter(phone=phone, phone_verified_at__isnull=False)
    if word in STOP_WORDS:
        for member in members:
            consent.stop(member, ConsentSource.REPLY)
    elif word in START_WORDS:
        for member in members:
            consent.agree(member, ConsentSource.REPLY)
    else:
        answer.message(
            f"{settings.BRAND_NAME}: nobody reads replies here. Write to {settings.SUPPORT_EMAIL} "
            "or visit your portal. Reply STOP to end texts."
        )
    return HttpResponse(str(answer), content_type="application/xml")


def _refusal(request: HttpRequest) -> HttpResponse | None:
    """Return the answer to a request that Twilio did not sign, or None."""
    if not settings.TWILIO_AUTH_TOKEN:
        logger.error("A Twilio callback was refused: TWILIO_AUTH_TOKEN is not set.")
        return HttpResponse("Text messages are not configured.", status=503)
    url = f"{settings.PORTAL_URL}{request.path}"
    signature = request.headers.get("X-Twilio-Signature", "")
    if RequestValidator(settings.TWILIO_AUTH_TOKEN).validate(url, request.POST, signature):
        return None
    logger.warning("A Twilio callback was refused: wrong signature for %s", request.path)
    return HttpResponse("Refused.", status=403)


def _record(pk: int, status: str, sid: str, error_code: str) -> None:
    """Move a message's status forward only: callbacks arrive in any order."""
    message = Message.objects.filter(pk=pk).first()
    if message is None or PROGRESS[status] <= PROGRESS.get(message.provider_status, 0):
        return
    rows = Message.objects.filter(pk=pk, provider_status=message.provider_status)
    values: dict[str, object] = {"provider_status": status, "provider_id": sid}
    if status in ("delivered", "read"):
        values |= {"state": MessageState.DELIVERED, "delivered_at": timezone.now(), "error": ""}
    elif status in ("failed", "undelivered"):
        values |= {"state": MessageState.FAILED, "error": f"Not delivered. Twilio: {error_code}"}
    if not rows.update(**values):
        _record(pk, status, sid, error_code)
