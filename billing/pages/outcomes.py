"""What's true after a member changed something: said in the part that changed, or on the next page.

HTMX swaps a part, and the outcome stands at its top with the focus. Without it, a redirect follows,
and the outcome is a toast.
"""

from __future__ import annotations

from dataclasses import dataclass

from django.contrib import messages
from django.http import HttpRequest

from billing.core.tones import Tone

LEVELS = {Tone.GOOD: messages.SUCCESS, Tone.WAIT: messages.WARNING, Tone.BAD: messages.ERROR}


@dataclass(frozen=True)
class Outcome:
    """A sentence, and whether it's good news."""

    tone: Tone
    text: str

    def leave_for(self, request: HttpRequest) -> None:
        """Let the page after a redirect show it."""
        messages.add_message(request, LEVELS.get(self.tone, messages.INFO), self.text)
