"""Tones of badges, and alerts: what the pages of several packages show (pure)."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Tone(StrEnum):
    """The four meanings of the design system."""

    GOOD = "good"
    WAIT = "wait"
    BAD = "bad"
    INFO = "info"


@dataclass(frozen=True)
class Alert:
    """Something the member should do, with its button, or know. `method`: `get` or `post`.

    `second` is another way to do it, a button that posts to `second_url`.
    """

    tone: Tone
    title: str
    text: str
    action: str = ""
    url: str = ""
    method: str = "get"
    second: str = ""
    second_url: str = ""
