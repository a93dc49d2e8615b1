"""File names for downloads, in any script (pure)."""

from __future__ import annotations

import unicodedata
from urllib.parse import quote

from common import characters

# Characters that some system treats as part of a path, a wildcard, or a pipe.
NOT_IN_NAMES = str.maketrans(dict.fromkeys('/\\:*?"<>|', "-"))
# RFC 8187: these need no encoding.
PLAIN = "!#$&+-.^_`|~"
LONGEST = 150


def saved_as(name: str) -> str:
    """Return the Content-Disposition header (RFC 6266) for a download.

    A non-ASCII name is sent twice: in UTF-8, and reduced to ASCII for very old programs.
    """
    clean = characters.line(name).translate(NOT_IN_NAMES).strip(" .") or "file"
    clean = _shortened(clean)
    if clean.isascii():
        return f'attachment; filename="{clean}"'
    plain = unicodedata.normalize("NFKD", clean).encode("ascii", "ignore").decode()
    plain = plain.strip(" .-") if plain.strip(" .-").rpartition(".")[0] else f"file{_ending(clean)}"
    return f"attachment; filename=\"{plain}\"; filename*=UTF-8''{quote(clean, safe=PLAIN)}"


def _ending(name: str) -> str:
    _stem, dot, ending = name.rpartition(".")
    return f"{dot}{ending}" if ending.isascii() else ""


def _shortened(name: str) -> str:
    """Shorten the name, but not its extension."""
    ending = _ending(name)[:10]
    return name if len(name) <= LONGEST else f"{name[: LONGEST - len(ending)]}{ending}"
