"""How many SMS a text is billed as, and how to reduce that (pure).

Twilio documentation, "What the Heck is a Segment?": a text in the GSM 03.38 alphabet has 160
characters per segment, any other 70. With several segments, each loses some to its header.
"""

from __future__ import annotations

from math import ceil

BASIC = frozenset(
    "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?"
    "¡ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§¿abcdefghijklmnopqrstuvwxyzäöñüà"
)
ESCAPED = frozenset("\f^{}\\[~]|€")
ALPHABET = BASIC | ESCAPED
# Typography costs more than half the room: one curly quote splits a text of 160 characters.
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
    """Return the text with typographic characters replaced by those of GSM 03.38."""
    return text.translate(PLAIN)


def count(text: str) -> int:
    """Return how many segments a text takes."""
    length, alone, joined = _measure(text)
    return 1 if length <= alone else ceil(length / joined)


def excess(text: str) -> int:
    """Return by how many characters a text exceeds one segment, or 0."""
    length, alone, _ = _measure(text)
    return max(0, length - alone)


def _measure(text: str) -> tuple[int, int, int]:
    """Return a text's length, and a segment's size: alone, and as one of several."""
    if ALPHABET.issuperset(text):
        return sum(2 if character in ESCAPED else 1 for character in text), 160, 153
    return len(text.encode("utf-16-be")) // 2, 70, 67
