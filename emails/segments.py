"""How many SMS a text is billed as, and how to reduce that (pure).

Twilio documentation, "What the Heck is a Segment?": a text in the GSM 03.38 alphabet has 160
characters per segment, any other 70. With several segments, each loses some to its header.
"""

from __future__ import annotations

BASIC = frozenset(
    "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?"
    "¡ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§¿abcdefghijklmnopqrstuvwxyzäöñüà"
)
ESCAPED = frozenset("\f^{}\\[~]|€")
ALPHABET = BASIC | ESCAPED
# Typography costs more than half the room: one curly quote splits a text of 160 characters.
PLAIN = str.maketrans(
    {
        **dict.fromkeys("‘’‚‛′ʼ`´", "'"),
        **dict.fromkeys("“”„‟″«»", '"'),
        **dict.fromkeys("‐‑‒–—―−", "-"),
        **dict.fromkeys("\u00a0\u2002\u2003\u2007\u2008\u2009\u200a\u202f\u3000", " "),
        # They show nothing, and would still cost half of the text's room.
        **dict.fromkeys("\u00ad\u200b\u2060\ufeff", ""),
        "‹": "<",
        "›": ">",
        "×": "x",
        "•": "*",
        "·": "-",
        "⁄": "/",
        "…": "...",
    }
)


def plain(text: str) -> str:
    """Return the text with typographic characters replaced by those of GSM 03.38."""
    return text.translate(PLAIN)


def count(text: str) -> int:
    """Return how many segments a text takes."""
    sizes, alone, joined = _measure(text)
    if sum(sizes) <= alone:
        return 1
    parts, used = 1, 0
    for size in sizes:
        # No character is split between two segments.
        if used + size > joined:
            parts, used = parts + 1, 0
        used += size
    return parts


def excess(text: str, most: int = 1) -> int:
    """Return by how much a text exceeds one segment, or the given number of them; 0 if it fits."""
    sizes, alone, joined = _measure(text)
    if count(text) <= most:
        return 0
    room = alone if most == 1 else most * joined
    # What doesn't fit although there's room is a character that can't be split.
    return max(sum(sizes) - room, *sizes)


def _measure(text: str) -> tuple[list[int], int, int]:
    """Return the size of each character, and of a segment: alone, and as one of several."""
    if ALPHABET.issuperset(text):
        return [2 if character in ESCAPED else 1 for character in text], 160, 153
    return [len(character.encode("utf-16-be", "surrogatepass")) // 2 for character in text], 70, 67
