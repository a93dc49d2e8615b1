"""Hours of the night in which what can wait isn't sent: a setting's text, and when they end."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime, time, timedelta

OFF = "off"
FORM = re.compile(r"([01]?\d|2[0-3])\s*-\s*([01]?\d|2[0-3])")


@dataclass(frozen=True)
class QuietHours:
    """From one whole hour to another, over midnight or not; the same hour twice is never."""

    begins: int
    ends: int

    @property
    def is_off(self) -> bool:
        """Whether there are none."""
        return self.begins == self.ends

    def end(self, local: datetime) -> datetime | None:
        """Return when the quiet hours around a moment end, in its time zone; None outside them."""
        if not self._holds(local.hour):
            return None
        is_tomorrow = local.hour >= self.ends
        day = local.date() + timedelta(days=is_tomorrow)
        return datetime.combine(day, time(self.ends), local.tzinfo)

    def _holds(self, hour: int) -> bool:
        if self.begins <= self.ends:
            return self.begins <= hour < self.ends
        return hour >= self.begins or hour < self.ends


NEVER = QuietHours(0, 0)


def parse(text: str) -> QuietHours:
    """Return the hours that a setting such as "21-8" says; "off" is never.

    Raises:
        ValueError: it says neither; the sentence says how to write it.
    """
    said = text.strip().lower()
    if said == OFF:
        return NEVER
    match = FORM.fullmatch(said)
    if match is None:
        raise ValueError(
            f"{text!r} is no time. Write two hours from 0 to 23, such as 21-8, or off."
        )
    return QuietHours(int(match[1]), int(match[2]))
