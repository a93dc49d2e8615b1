"""Time zones a member can choose from, and the one in force."""

from datetime import datetime
from functools import lru_cache
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
# The choice of the business's own zone; a profile keeps it as "".
OWN = "own"
Option = tuple[str, str]
Group = tuple[str, list[Option]]


def find(name: str) -> ZoneInfo | None:
    """Return the zone of an IANA name, or None for an empty or unknown one."""
    try:
        return ZoneInfo(name) if name else None
    except (ZoneInfoNotFoundError, ValueError, OSError):  # OSError: "America" is a folder
        return None


@lru_cache(maxsize=1)
def names() -> tuple[str, ...]:
    """Every place of the IANA database ("America/New_York"), sorted, without historic aliases."""
    return tuple(sorted(name for name in available_timezones() if name.split("/")[0] in AREAS))


def choices() -> list[Option | Group]:
    """Return the options of the time zone field: the business's own zone first, then by area."""
    return _choices(timezone.now().replace(minute=0, second=0, microsecond=0), settings.TIME_ZONE)


@lru_cache(maxsize=1)
def _choices(moment: datetime, business: str) -> list[Option | Group]:
    """Return the options with the offsets of one hour: working them out takes 30 ms."""
    own = f"Same as ours: {label(business, moment)}"
    grouped = groupby(names(), key=lambda name: name.split("/")[0])
    areas = [(area, [(name, label(name, moment)) for name in found]) for area, found in grouped]
    return [(OWN, own), *areas]


def label(name: str, moment: datetime) -> str:
    """Return a zone as people read it: "New York (UTC−05:00)"."""
    place = name.partition("/")[2] or name
    offset = moment.astimezone(ZoneInfo(name)).strftime("%z")
    sign = "−" if offset.startswith("-") else "+"
    return f"{place.replace('_', ' ').replace('/', ', ')} (UTC{sign}{offset[1:3]}:{offset[3:5]})"
