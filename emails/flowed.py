"""Break the lines of a plain text as mail programs put them together again (RFC 3676).

A line that ends with a space continues on the next one where the window is wide enough. Programs
that know nothing of it show lines that fit.
"""

from __future__ import annotations

from collections.abc import Iterator

LONGEST = 78
# What a line can't begin with: it would be taken for a quotation, or for the next mail in a file.
STUFFED = (" ", ">", "From ")


def flowed(text: str) -> str:
    """Return a text with lines of at most 78 characters, unless a single word is longer."""
    return "".join(f"{line}\n" for long in text.splitlines() for line in _lines(long.rstrip()))


def _lines(text: str) -> Iterator[str]:
    rest = f" {text}" if text.startswith(STUFFED) else text
    while len(rest) > LONGEST:
        end = rest.rfind(" ", 1, LONGEST) + 1 or rest.find(" ", LONGEST) + 1
        if not end or not rest[:end].strip():
            break
        yield rest[:end]
        rest = rest[end:]
        if rest.startswith(STUFFED):
            rest = f" {rest}"
    yield rest
