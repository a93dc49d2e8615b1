"""The names of people and their browsers on pages and in messages."""

from django.contrib.auth.models import User
from django.template.loader import render_to_string


def user_display(user: User) -> str:
    """Return the person's name or email address, never the generated username."""
    return user.get_full_name() or user.email or "Member"


def device(agent: str) -> str:
    """Return a user agent in words: "Chrome on Windows"."""
    return render_to_string("components/device.html", {"agent": agent}).strip() if agent else ""
