"""Time zones a member can choose from, and the one in force."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from functools import lru_cache
from importlib import resources
from itertools import groupby
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError, available_timezones

from django.utils import timezone
from django.utils.functional import Promise
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from common import region
from common.context import current_brand

AREAS = {
    "Africa": _("Africa"),
    "America": _("America"),
    "Antarctica": _("Antarctica"),
    "Asia": _("Asia"),
    "Atlantic": _("Atlantic"),
    "Australia": _("Australia"),
    "Europe": _("Europe"),
    "Indian": _("Indian Ocean"),
    "Pacific": _("Pacific"),
}
# The choice for the business's own zone; a profile stores it as "".
OWN = "own"
Option = tuple[str, str]
Group = tuple[Promise, list[Option]]


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
    now = _this_hour()
    own = gettext("{business}’s time zone ({place})").format(
        business=current_brand().name, place=_place(region.zone().key)
    )
    is_kept = find(present) and present not in names()
    kept = [(present, label(present, now))] if is_kept else []
    return [(OWN, own), *kept, *_by_area(now)]


def by_area() -> list[Group]:
    """Return the zones by area, with their offsets of now."""
    return _by_area(_this_hour())


def _this_hour() -> datetime:
    return timezone.now().replace(minute=0, second=0, microsecond=0)


@lru_cache(maxsize=1)
def _by_area(moment: datetime) -> list[Group]:
    """Return the zones with offsets as of one hour: computing them takes 30 ms."""
    grouped = groupby(names(), key=lambda name: name.split("/")[0])
    return [
        (AREAS[area], [(name, label(name, moment)) for name in zones]) for area, zones in grouped
    ]


def label(name: str, moment: datetime) -> str:
    """Return a zone as people read it: "New York (UTC−05:00)"."""
    offset = moment.astimezone(ZoneInfo(name)).strftime("%z")
    sign = "−" if offset.startswith("-") else "+"
    return f"{_place(name)} (UTC{sign}{offset[1:3]}:{offset[3:5]})"


def _place(name: str) -> str:
    place = name.partition("/")[2] or name
    return place.replace("_", " ").replace("/", ", ")
