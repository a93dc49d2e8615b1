"""Samples of text messages as phones get them: with short addresses of ours, and how to opt out."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from django.conf import settings

from emails import fitting, rendering, segments, short_links
from emails.contexts import MessageContext
from emails.models import Channel, Message

# The address of the portal in samples.
EXAMPLE = "https://portal.example.com"


@dataclass(frozen=True)
class Text:
    """A text message as a number's first one, how many segments it takes, and any later one."""

    text: str
    segments: int
    characters: int
    alphabet: str
    later_segments: int

    @property
    def says_stop(self) -> bool:
        """Whether its end is only in some texts."""
        return self.text.endswith(str(rendering.SAY_STOP))


def of(context: MessageContext) -> Text:
    """Return a sample as it's sent now."""
    first = _rendered(context, says_stop=True)
    later = _rendered(context, says_stop=False)
    return Text(
        text=first,
        segments=segments.count(first),
        characters=len(first),
        alphabet="GSM-7" if segments.ALPHABET.issuperset(first) else "Unicode",
        later_segments=segments.count(later),
    )


def segments_of_written(context: MessageContext) -> int:
    """Return how many segments what staff wrote takes with a sample, if it's too many; else 0."""
    message = _message(context, says_stop=True)
    text = rendering.written_sms(message)
    count = segments.count(text) if text else 0
    return count if count > fitting.MOST else 0


def _rendered(context: MessageContext, *, says_stop: bool) -> str:
    return rendering.render_sms(_message(context, says_stop=says_stop))


def _message(context: MessageContext, *, says_stop: bool) -> Message:
    return Message(
        kind=context.kind,
        channel=Channel.SMS,
        context={name: _at_portal(fact) for name, fact in context.as_json().items()},
        link_key=short_links.SAMPLE_KEY,
        says_stop=says_stop,
    )


def _at_portal(fact: Any) -> Any:
    """Return a sample's address as this portal's; anything else as it is."""
    if isinstance(fact, str) and fact.startswith(f"{EXAMPLE}/"):
        return settings.PORTAL_URL + fact.removeprefix(EXAMPLE)
    return fact
