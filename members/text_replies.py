"""Handles members' replies to our texts: STOP, START, and HELP in their own words."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse, QueryDict
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_POST
from twilio.twiml.messaging_response import MessagingResponse

from common.context import current_brand
from emails import keywords
from emails.callbacks import refusal
from emails.keywords import Asked
from members import consent, contact_notices, numbers
from members.consent import Heard
from members.models import Member

STOPPED = _("{brand}: you won't get any more texts from us. Reply START to get them again.")
STARTED = _("{brand}: you'll get our texts again. Reply STOP to end them, HELP for help.")
HELP = _("{brand}: for help, write to {support}. Reply STOP to end our texts.")
UNREAD = _("{brand}: replies aren't monitored. Write to {support}, or reply STOP to end our texts.")


@csrf_exempt
@require_POST
def sms_inbound(request: HttpRequest) -> HttpResponse:
    """Handle a member's reply: STOP ends texts, START allows them again, HELP gets an answer.

    Twilio answers its own keywords and refuses our texts after a STOP, so we stay silent then. We
    confirm other ways to ask for the same, once.
    """
    if refused := refusal(request):
        return refused
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


def _answer(words: str | Promise) -> str:
    return str(words).format(brand=current_brand().name, support=current_brand().support_email)
