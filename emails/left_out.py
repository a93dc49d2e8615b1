"""Why messages were left out, as their rows say it: what lists filter by and statistics count."""

from __future__ import annotations

from enum import StrEnum

from django.db.models import Q

from emails import preferences, suppressing, text_caps


class Why(StrEnum):
    """The reasons. Addresses of lists hold these values."""

    OFF = "off"
    HELD = "held"
    OTHER = "other"


WORDS = {
    Why.OFF: "The member turned it off",
    Why.HELD: "Address that bounced, or over a limit",
    Why.OTHER: "Not needed",
}


def condition(why: Why) -> Q:
    """Return what rows that were left out for a reason have in common; none is in two of them."""
    off = Q(error__startswith=preferences.TURNED_OFF)
    held = Q(error__contains=text_caps.THE_MOST)
    for words in (suppressing.BOUNCED, suppressing.MARKED):
        held |= Q(error__startswith=words)
    return {Why.OFF: off, Why.HELD: held, Why.OTHER: ~(off | held)}[why]
