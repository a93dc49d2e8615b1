"""Heeds what texts to our number ask for: STOP, START, and HELP in people's own words."""

from __future__ import annotations

from django.http import QueryDict
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from common import characters
from common.context import current_brand
from emails import keywords, segments
from emails.keywords import Asked
from members import consent, contact_notices
from members.consent import Heard

STOPPED = _("{brand}: you won't get any more texts from us. Reply START to get them again.")
STARTED = _("{brand}: you'll get our texts again. Reply STOP to end them, HELP for help.")
HELP = _("{brand}: for help, write to {support}. Reply STOP to end our texts.")


def heed(form: QueryDict) -> str | None:
    """Do what a text asks for in a keyword. Return the answer, "" for none; None: it's no keyword.

    Strangers get none: two machines could keep answering each other at our cost. Advanced Opt-Out
    knows more languages, names the keyword (`OptOutType`), and sends its own answers.
    """
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
            return "" if told else answer(HELP)
    return None


def _tell(heard: Heard) -> None:
    """Email what a reply changed: someone else may have the phone."""
    for member in heard.changed:
        contact_notices.texts_switched(member, by_reply=True)


def answer(words: str | Promise) -> str:
    """Return an answer in words that cost one segment or two."""
    brand = current_brand()
    return segments.plain(str(words).format(brand=brand.name, support=brand.support_email))
