"""How many SMS a text is billed as, and how to make it fewer (pure).

Twilio documentation, "What the Heck is a Segment?": a text in the alphabet of GSM 03.38 has 160
characters a segment, any other 70; of several segments each loses some for its header.
"""

from __future__ import annotations

from math import ceil

BASIC = frozenset(
    "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?"
    "¡ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§¿abcdefghijklmnopqrstuvwxyzäöñüà"
)
ESCAPED = frozenset("\f^{}\\[~]|€")
ALPHABET = BASIC | ESCAPED
# Typography costs more than half of the room: one curly quote makes a text of 160 characters two.
PLAIN = str.maketrans(
    {
        **dict.fromkeys("‘’‚′", "'"),
        **dict.fromkeys("“”„″", '"'),
        **dict.fromkeys("–—−‐‑", "-"),
        **dict.fromkeys("\u00a0\u2007\u2009\u202f", " "),
        "×": "x",
        "•": "*",
        "…": "...",
    }
)


def plain(text: str) -> str:
    """Return the text with typography that GSM 03.38 lacks written in its letters."""
    return text.translate(PLAIN)


def count(text: str) -> int:
    """Return how many segments a text takes."""
    length, alone, joined = _measure(text)
    return 1 if length <= alone else ceil(length / joined)


def excess(text: str) -> int:
    """Return how many characters too long a text is for one segment, or 0."""
    length, alone, _ = _measure(text)
    return max(0, length - alone)


def _measure(text: str) -> tuple[int, int, int]:
    """Return a text's length, and what fits into a segment: alone, and among several."""
    if ALPHABET.issuperset(text):
        return sum(2 if character in ESCAPED else 1 for character in text), 160, 153
    return len(text.encode("utf-16-be")) // 2, 70, 67
