"""Heeds what texts to our number ask for: STOP, START, and HELP in people's own words."""

from __future__ import annotations

from django.http import HttpRequest
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from common import characters
from common.context import current_brand
from emails import keywords, segments
from emails.keywords import Asked
from members import consent, contact_notices, numbers
from members.consent import Heard
from members.models import Member
from members.signin.budgets import Budget

STOPPED = _("{brand}: you won't get any more texts from us. Reply START to get them again.")
STARTED = _("{brand}: you'll get our texts again. Reply STOP to end them, HELP for help.")
HELP = _("{brand}: for help, write to {support}. Reply STOP to end our texts.")


def heed(request: HttpRequest) -> str | None:
    """Do what a text asks for in a keyword. Return the answer, "" for none; None: it's no keyword.

    Strangers get none but to HELP, and few of those: two machines could keep answering each other
    at our cost. Advanced Opt-Out knows more languages, names the keyword (`OptOutType`), and sends
    its own answers.
    """
    form = request.POST
    phone, body, told = form.get("From", ""), form.get("Body", ""), form.get("OptOutType", "")
    words = characters.words(body)
    is_answered = bool(told) or keywords.is_answered_by_twilio(body)
    match keywords.asks_for(told or body):
        case Asked.STOP:
            heard = consent.stop_by_reply(phone, words)
            _tell(heard)
            return "" if is_answered or not heard.is_known else answer(STOPPED)
        case Asked.START:
            heard = consent.start_by_reply(phone, words)
            _tell(heard)
            return "" if is_answered or not heard.is_known else answer(STARTED)
        case Asked.HELP:
            # Twilio's usual answer names nobody, so ours is needed unless the owner wrote theirs.
            return "" if told or not _may_ask(request, phone) else answer(HELP)
    return None


def _may_ask(request: HttpRequest, phone: str) -> bool:
    """Whether HELP from a number is answered: a member's always, a stranger's a few times a day."""
    number = numbers.kept(phone)
    if number and Member.objects.filter(phone=number).exists():
        return True
    budgets = Budget("text_help", number or phone), Budget("text_help_of_strangers", "all")
    return all(budget.spend(request) for budget in budgets)


def _tell(heard: Heard) -> None:
    """Email what a reply changed: someone else may have the phone."""
    for member in heard.changed:
        contact_notices.texts_switched(member, by_reply=True)


def answer(words: str | Promise) -> str:
    """Return an answer in words that cost one segment or two."""
    brand = current_brand()
    return segments.plain(str(words).format(brand=brand.name, support=brand.support_email))
