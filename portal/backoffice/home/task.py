"""Something on home that needs a person."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Task:
    """Something that needs a person, and where to do it."""

    text: str
    url: str
    action: str
    tone: str = "danger"
