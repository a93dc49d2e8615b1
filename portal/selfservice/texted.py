"""Texts to our number: keywords are obeyed, and anything else is kept for staff to answer."""

from __future__ import annotations

import logging
import re
import uuid
from dataclasses import dataclass
from datetime import timedelta

from django.conf import settings
from django.db import transaction
from django.http import HttpRequest, HttpResponse, QueryDict
from django.utils import timezone
from django.utils.translation import gettext_lazy as _
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_POST
from twilio.twiml.messaging_response import MessagingResponse

from common import characters
from emails.callbacks import refusal
from members import numbers, text_replies
from members.models import Member
from portal.models import SupportMessage
from portal.selfservice import contact

logger = logging.getLogger(__name__)

KEPT = _(
    "{brand}: we got your text, and someone on our team will read it. To reach us sooner, write to "
    "{support}."
)
LONGEST_PHONE = SupportMessage._meta.get_field("phone").max_length
LONGEST = SupportMessage._meta.get_field("words").max_length or 0
DAY = timedelta(days=1)
# Somebody who sends several texts in a row is told to staff once.
ALERT_EVERY = timedelta(hours=1)
# Phones without such a feature get a reaction to our text as a text.
REACTION = re.compile(
    r"(Liked|Loved|Disliked|Laughed at|Emphasized|Questioned|Reacted \S{1,12} to"
    r"|Removed (a|an) [\w ]{1,20} from|\S{1,12} to) [“\"]",
)


@dataclass(frozen=True)
class Text:
    """A text as Twilio tells it: its ID, who sent it, what it says, and how many files it has."""

    sid: str
    phone: str
    words: str
    files: int

    @classmethod
    def of(cls, form: QueryDict) -> Text:
        """Read what Twilio posts."""
        files = form.get("NumMedia", "")
        return cls(
            sid=form.get("MessageSid", ""),
            phone=numbers.kept(form.get("From", ""))[:LONGEST_PHONE],
            words=characters.words(form.get("Body", "")).strip(),
            files=int(files) if files.isdecimal() else 0,
        )

    @property
    def kept_words(self) -> str:
        """Its words, with a note of what isn't kept: files, and the end of a very long text."""
        notes = []
        words = self.words
        if self.files:
            what = "A picture or file" if self.files == 1 else f"{self.files} pictures or files"
            notes.append(f"[{what} came with this text. We don’t keep those.]")
        room = LONGEST - sum(len(note) + 1 for note in notes)
        words = words if len(words) <= room else f"{words[: room - 1]}…"
        return "\n".join([*([words] if words else []), *notes])


@csrf_exempt
@require_POST
def sms_inbound(request: HttpRequest) -> HttpResponse:
    """Handle a text to our number: STOP, START, HELP, or words for staff.

    Twilio answers its own keywords and refuses our texts after a STOP, so we stay silent then. We
    confirm other ways to ask for the same, once.
    """
    if refused := refusal(request):
        return refused
    answer = text_replies.heed(request)
    if answer is None:
        answer = keep(Text.of(request.POST))
    twiml = MessagingResponse()
    if answer:
        twiml.message(answer)
    return HttpResponse(str(twiml), content_type="application/xml")


def keep(text: Text) -> str:
    """Keep a text for staff, and tell them once an hour. Return the answer, or "" for none.

    A member gets one a day. Strangers get none: two machines could keep answering each other at our
    cost.
    """
    words = text.kept_words
    if not (words and text.sid and text.phone) or REACTION.match(words):
        logger.info("Text %s says nothing that needs an answer.", text.sid)
        return ""
    member = _member(text.phone)
    if reason := _why_not_kept(text.phone, member):
        logger.warning("Text %s isn't kept: %s", text.sid, reason)
        return ""
    return _keep(text, words, member)


@transaction.atomic
def _keep(text: Text, words: str, member: Member | None) -> str:
    before = SupportMessage.objects.filter(phone=text.phone)
    is_news = not before.filter(created_at__gt=timezone.now() - ALERT_EVERY).exists()
    is_first = not before.filter(created_at__gt=timezone.now() - DAY).exists()
    row, is_new = SupportMessage.objects.get_or_create(
        # Twilio repeats a request that it got no answer to.
        key=uuid.uuid5(uuid.NAMESPACE_OID, f"twilio:{text.sid}"),
        defaults={"user": member.user if member else None, "phone": text.phone, "words": words},
    )
    if not is_new:
        return ""
    if is_news:
        contact.tell_staff(row)
    can_answer = member is not None and member.sms_stopped_at is None
    return text_replies.answer(KEPT) if can_answer and is_first else ""


def _member(phone: str) -> Member | None:
    members = Member.objects.filter(phone=phone, phone_verified_at__isnull=False)
    return members.select_related("user").first() if phone else None


def _why_not_kept(phone: str, member: Member | None) -> str:
    """Return which limit is reached: a number's, or that of all strangers together."""
    recent = SupportMessage.objects.filter(created_at__gt=timezone.now() - DAY).exclude(phone="")
    caps = settings.TEXTS_TO_US_PER_DAY
    if recent.filter(phone=phone).count() >= caps["person"]:
        return "there were enough from this number today."
    if member is None and recent.filter(user=None).count() >= caps["strangers"]:
        return "there were enough from unknown numbers today."
    return ""
