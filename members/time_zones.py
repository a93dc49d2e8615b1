"""Time zones a member can choose from, and the one in force."""

from collections.abc import Iterator
from datetime import datetime
from functools import lru_cache
from importlib import resources
from itertools import groupby
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError, available_timezones

from django.conf import settings
from django.utils import timezone

AREAS = (
    "Africa",
    "America",
    "Antarctica",
    "Asia",
    "Atlantic",
    "Australia",
    "Europe",
    "Indian",
    "Pacific",
)
# The choice for the business's own zone; a profile stores it as "".
OWN = "own"
Option = tuple[str, str]
Group = tuple[str, list[Option]]


def find(name: str) -> ZoneInfo | None:
    """Return the zone with an IANA name, or None if it's empty or unknown."""
    try:
        return ZoneInfo(name) if name else None
    except (ZoneInfoNotFoundError, ValueError, OSError):  # OSError: "America" is a folder
        return None


@lru_cache(maxsize=1)
def names() -> tuple[str, ...]:
    """Return every place in the IANA database ("America/New_York"), sorted, without old aliases.

    The database lists current names in a table beside the zones; "US/Eastern" and "Asia/Calcutta"
    exist only for old programs.
    """
    current = set(_names_in_use())
    zones = (name for name in available_timezones() if name.split("/")[0] in AREAS)
    return tuple(sorted(name for name in zones if name in current))


def _names_in_use() -> Iterator[str]:
    """Yield the names from `zone.tab`: country, coordinates, name, and remarks, with tabs between.

    It comes from the pinned tzdata package: systems keep theirs in different places, or have none.
    """
    table = resources.files("tzdata.zoneinfo").joinpath("zone.tab").read_text()
    for line in table.splitlines():
        if not line.startswith("#"):
            yield line.split("\t")[2]


def choices(present: str = "") -> list[Option | Group]:
    """Return the options of the time zone field: the business's own zone first, then by area.

    `present` is the member's current zone: even an alias, which isn't offered, can stay.
    """
    now = timezone.now().replace(minute=0, second=0, microsecond=0)
    offered = _choices(now, settings.TIME_ZONE)
    if not find(present) or present in names():
        return offered
    return [offered[0], (present, label(present, now)), *offered[1:]]


@lru_cache(maxsize=1)
def _choices(moment: datetime, business: str) -> list[Option | Group]:
    """Return the options with offsets as of one hour: computing them takes 30 ms."""
    own = f"Same as ours: {label(business, moment)}"
    grouped = groupby(names(), key=lambda name: name.split("/")[0])
    areas = [(area, [(name, label(name, moment)) for name in zones]) for area, zones in grouped]
    return [(OWN, own), *areas]


def label(name: str, moment: datetime) -> str:
    """Return a zone as people read it: "New York (UTC−05:00)"."""
    place = name.partition("/")[2] or name
    offset = moment.astimezone(ZoneInfo(name)).strftime("%z")
    sign = "−" if offset.startswith("-") else "+"
    return f"{place.replace('_', ' ').replace('/', ', ')} (UTC{sign}{offset[1:3]}:{offset[3:5]})"
