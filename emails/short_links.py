"""Short addresses in texts: /t/ and ten letters lead to the page that the text is about.

The first nine are drawn by chance and kept with the text, so nobody guesses one; the last says
which of its links it is. They lead to our own pages only, which ask for a sign-in as usual, and end
when the text is emptied (`emails.forgetting`).
"""

from __future__ import annotations

import re
import secrets
from typing import Any
from urllib.parse import urlsplit

from django.conf import settings
from django.utils.http import url_has_allowed_host_and_scheme

from common.links import portal_url
from emails.models import Channel, Message

# Without letters and digits that look alike: people also type them.
LETTERS = "23456789abcdefghijkmnpqrstuvwxyzABCDEFGHJKLMNPQRSTUVWXYZ"
# 56^9 are more than 10^15.
KEY_LENGTH = 9
# Of samples: as long as any, and leads nowhere.
SAMPLE_KEY = "x" * KEY_LENGTH
# The facts of a text that hold an address, by the last letter.
LINKS = {"a": "url", "b": "zelle_url"}
CODE = re.compile(rf"(?P<key>[{LETTERS}]{{{KEY_LENGTH}}})(?P<which>[{''.join(LINKS)}])")


def new_key() -> str:
    """Return the first letters of a new text's links."""
    return "".join(secrets.choice(LETTERS) for _ in range(KEY_LENGTH))


def of(message: Message) -> dict[str, str]:
    """Return the facts of a text whose addresses are longer than ours, with the short ones."""
    if not message.link_key:
        return {}
    short = {}
    for letter, name in LINKS.items():
        long = message.context.get(name)
        address = portal_url("short-link", message.link_key + letter)
        if _path(long) and len(address) < len(long):
            short[name] = address
    return short


def destination(code: str) -> str:
    """Return the path that a short address leads to, or "" if it leads nowhere."""
    match = CODE.fullmatch(code)
    if match is None:
        return ""
    texts = Message.objects.filter(channel=Channel.SMS, link_key=match["key"])
    message = texts.only("context").first()
    return _path(message.context.get(LINKS[match["which"]])) if message else ""


def _path(address: Any) -> str:
    """Return the path of one of our own addresses, or "" for any other."""
    if not isinstance(address, str) or not address.startswith(f"{settings.PORTAL_URL}/"):
        return ""
    path = address.removeprefix(settings.PORTAL_URL)
    # A path such as //example.com would lead to another site.
    is_ours = url_has_allowed_host_and_scheme(path, allowed_hosts=None)
    return path if is_ours and not urlsplit(path).netloc else ""
