"""How a person, and what they sign in with, is called on pages and in messages."""

from django.contrib.auth.models import User
from django.template.loader import render_to_string


def user_display(user: User) -> str:
    """Return the person's name, else their e-mail address; never the generated username."""
    return user.get_full_name() or user.email or "Member"


def device(agent: str) -> str:
    """Return a browser's description of itself in words: "Chrome on Windows"."""
    return render_to_string("components/device.html", {"agent": agent}).strip() if agent else ""
