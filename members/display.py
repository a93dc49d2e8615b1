"""The names of people and their browsers on pages and in messages."""

from __future__ import annotations

from django.contrib.auth.models import User
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

# What a browser says of itself, and its name; the first that fits counts.
BROWSERS = {
    "Edg/": "Edge",
    "OPR/": "Opera",
    "Firefox/": "Firefox",
    "Chrome/": "Chrome",
    "Safari/": "Safari",
}
SYSTEMS = {
    "iPhone": gettext_lazy("{browser} on an iPhone"),
    "iPad": gettext_lazy("{browser} on an iPad"),
    "Android": gettext_lazy("{browser} on Android"),
    "Windows": gettext_lazy("{browser} on Windows"),
    "Mac OS X": gettext_lazy("{browser} on a Mac"),
    "Linux": gettext_lazy("{browser} on Linux"),
}


def user_display(user: User) -> str:
    """Return the person's name or email address, never the generated username."""
    return user.get_full_name() or user.email or _("Member")


def device(agent: str) -> str:
    """Return a user agent in words: "Chrome on Windows"."""
    if not agent:
        return ""
    browser = next((name for mark, name in BROWSERS.items() if mark in agent), _("A browser"))
    words = next((words for mark, words in SYSTEMS.items() if mark in agent), None)
    return words.format(browser=browser) if words else browser
