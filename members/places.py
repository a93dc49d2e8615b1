"""Where a network is, from a local database (GEOIP_PATH); without one, nowhere.

The database is a file in MaxMind's format, such as GeoLite2 City or DB-IP City Lite. It's read, and
never mapped into memory: a mapped file that's replaced while it's read would end the process.
Whatever is wrong with the file, pages only lack the place; `check` says so when the portal starts.
"""

from __future__ import annotations

import logging
import struct
from functools import lru_cache
from ipaddress import ip_address
from pathlib import Path
from typing import Any

import maxminddb
from django.conf import settings
from django.utils.translation import get_language

logger = logging.getLogger(__name__)

# What a damaged file makes the reader raise.
UNREADABLE = (
    *(OSError, ValueError, TypeError, LookupError, AttributeError, ArithmeticError),
    *(RecursionError, MemoryError, struct.error, maxminddb.InvalidDatabaseError),
)
A_PUBLIC_NETWORK = "9.9.9.9"


def of(ip: str) -> str:
    """Return a network's place in words: "Portland, Maine, United States", or "" if unknown."""
    path = settings.GEOIP_PATH
    if not path:
        return ""
    try:
        stat = Path(path).stat()
        return _found(path, (stat.st_mtime_ns, stat.st_size), ip, get_language() or "en")
    except UNREADABLE as error:
        logger.warning("GEOIP_PATH can't be read, so pages name no places: %r", error)
        return ""


def check(path: str) -> str:
    """Return why a database can't be read, in a sentence, or ""."""
    try:
        with maxminddb.open_database(path, maxminddb.MODE_FILE) as reader:
            reader.get(A_PUBLIC_NETWORK)
    except UNREADABLE as error:
        return f"GEOIP_PATH can't be read, so pages name no places: {error}"
    return ""


@lru_cache(maxsize=1000)
def _found(path: str, version: tuple[int, int], ip: str, language: str) -> str:
    """Look a network up; a replaced file (`version`) is looked into anew.

    A page names few networks, so the file is opened for each, and none is left open.
    """
    address = ip_address(ip)
    mapped = getattr(address, "ipv4_mapped", None)
    with maxminddb.open_database(path, maxminddb.MODE_FILE) as reader:
        return _words(reader.get(mapped or address), language)


def _words(found: Any, language: str) -> str:
    """Return city, state, and country, as far as the database knows them."""
    if not isinstance(found, dict):
        return ""
    states = found.get("subdivisions") or [{}]
    parts = [_name(part, language) for part in (found.get("city"), states[0], found.get("country"))]
    return ", ".join(dict.fromkeys(part for part in parts if part))


def _name(part: Any, language: str) -> str:
    names = part.get("names", {}) if isinstance(part, dict) else {}
    general = language.partition("-")[0]
    name = names.get(language) or names.get(general) or names.get("en") or ""
    return str(name)[:100]
