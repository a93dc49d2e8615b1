"""How many texts go out per day: to one number, to one country, and in all.

A mistake of ours, or someone who plays with their account, can't fill a phone or empty the account
at Twilio. What's over a cap isn't sent, and the message says why; emails have no cap. Codes aren't
counted here: they have caps of their own (`members.signin.sms_limits`).
"""

from __future__ import annotations

from datetime import timedelta

from django.conf import settings
from django.db.models import Count, Q
from django.utils import timezone

from emails.catalog import Kind, spec_of
from emails.models import Channel, Message, MessageState
from emails.other_channel import of_the_same

WINDOW = timedelta(days=1)
SENSITIVE = [kind for kind in Kind if spec_of(kind).sensitive]
THE_MOST = "within 24 hours, which is the most."
REASONS = {
    "person": f"This number got {{cap}} texts {THE_MOST}",
    "country": f"{{cap}} texts went to this number’s country {THE_MOST}",
    "total": f"{{cap}} texts went out {THE_MOST}",
}
BY_EMAIL = "An email says the same."
NOT_BY_EMAIL = "No email says the same."


def why_not_now(message: Message) -> str:
    """Return which cap a text is over, and whether an email says the same; "" if it's over none."""
    if message.channel != Channel.SMS or message.kind not in set(Kind):
        return ""
    if spec_of(message.kind).sensitive:
        return ""
    counts, caps = _counts(message), settings.TEXTS_PER_DAY
    name = next((name for name in REASONS if counts[name] >= caps[name]), "")
    if not name:
        return ""
    told = BY_EMAIL if is_told_by_email(message) else NOT_BY_EMAIL
    return f"{REASONS[name].format(cap=caps[name])} {told}"


def is_told_by_email(message: Message) -> bool:
    """Whether an email says the same as a text, and is or was on its way."""
    emails = of_the_same(message, Channel.EMAIL)
    return emails.exclude(state__in=[MessageState.SKIPPED, MessageState.FAILED]).exists()


def condition(name: str) -> Q:
    """Return what the texts that were left out for a cap have in common."""
    return Q(error__contains=REASONS[name].partition("{cap} ")[2])


def _counts(message: Message) -> dict[str, int]:
    """Return how many texts were handed to Twilio, or are right now, besides this one."""
    handed = ~Q(provider_id="") | Q(state=MessageState.SENDING)
    recent = Message.objects.filter(
        handed, channel=Channel.SMS, sending_at__gt=timezone.now() - WINDOW
    )
    return recent.exclude(Q(pk=message.pk) | Q(kind__in=SENSITIVE)).aggregate(
        person=Count("id", filter=Q(recipient=message.recipient)),
        country=Count("id", filter=Q(country=message.country)),
        total=Count("id"),
    )
