"""What a file is called that a browser saves, whatever letters its name has (pure)."""

from __future__ import annotations

import unicodedata
from urllib.parse import quote

from common import characters

# What one system or another takes for part of a path, a wildcard or a pipe.
NOT_IN_NAMES = str.maketrans(dict.fromkeys('/\\:*?"<>|', "-"))
# RFC 8187: these travel as they are.
PLAIN = "!#$&+-.^_`|~"
LONGEST = 150


def saved_as(name: str) -> str:
    """Return the header Content-Disposition (RFC 6266) of a file that is to be saved.

    A name beyond ASCII comes twice: in UTF-8, and in what is left of it for programs of long ago.
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
    """Cut the name and not its ending."""
    ending = _ending(name)[:10]
    return name if len(name) <= LONGEST else f"{name[: LONGEST - len(ending)]}{ending}"
