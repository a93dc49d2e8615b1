"""What's true after a member changed something: said in the part that changed, or on the next page.

HTMX swaps a part, and the outcome stands at its top with the focus. Without it, a redirect follows,
and the outcome is a toast.
"""

from __future__ import annotations

from dataclasses import dataclass

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render

from billing.core.tones import Tone
from common.htmx import wants_fragment

LEVELS = {Tone.GOOD: messages.SUCCESS, Tone.WAIT: messages.WARNING, Tone.BAD: messages.ERROR}


@dataclass(frozen=True)
class Outcome:
    """A sentence, and whether it's good news."""

    tone: Tone
    text: str

    def leave_for(self, request: HttpRequest) -> None:
        """Let the page after a redirect show it."""
        messages.add_message(request, LEVELS.get(self.tone, messages.INFO), self.text)

    def answer(self, request: HttpRequest, page: str) -> HttpResponse:
        """Say it in the form that was sent (`{% says %}`), or on a page after a redirect."""
        if wants_fragment(request):
            return render(request, "components/outcome.html", {"outcome": self})
        self.leave_for(request)
        return redirect(page)
