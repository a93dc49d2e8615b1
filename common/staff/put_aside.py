"""Keeps what was typed into a staff form before its user had to confirm who they are."""

from __future__ import annotations

from django.http import HttpRequest

# In the session.
ASIDE = "staff_put_aside"
LONGEST = 2000


def take_up(request: HttpRequest) -> dict[str, str] | None:
    """Return what was typed here before the confirmation; None if there was none."""
    aside = request.session.get(ASIDE)
    if not aside or aside["path"] != request.path:
        return None
    del request.session[ASIDE]
    typed: dict[str, str] = aside["typed"]
    return typed


def put_aside(request: HttpRequest) -> None:
    """Keep what was typed, one form per session; it's shown again and does nothing itself."""
    typed = {name: str(value)[:LONGEST] for name, value in request.POST.items()}
    typed.pop("csrfmiddlewaretoken", None)
    request.session[ASIDE] = {"path": request.path, "typed": typed}
