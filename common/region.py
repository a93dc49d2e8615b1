"""Where the business is: how it writes numbers and days, its clock, its country, its languages."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from typing import Any
from zoneinfo import ZoneInfo

from django.conf import settings
from django.core.signals import setting_changed
from django.utils import timezone, translation
from django.utils.module_loading import import_string


@dataclass(frozen=True)
class Region:
    """What's decided about it; `languages` are those that pages can be read in."""

    locale: str
    time_zone: str
    country: str
    language: str
    languages: tuple[str, ...]


@cache
def of_environment() -> Region:
    """Return what the environment says; a page asks hundreds of times."""
    return Region(
        locale=settings.LOCALE,
        time_zone=settings.TIME_ZONE,
        country=settings.PHONE_DEFAULT_REGION.upper(),
        language=settings.LANGUAGE_CODE,
        languages=tuple(code for code, _name in settings.LANGUAGES),
    )


def _forget(**_signal: Any) -> None:
    of_environment.cache_clear()


# Tests change settings.
setting_changed.connect(_forget)


def current() -> Region:
    """Return what's in force: what staff have saved, else the environment's."""
    return _reader(settings.REGION_READER)()


@cache
def _reader(path: str) -> Callable[[], Region]:
    reader: Callable[[], Region] = import_string(path)
    return reader


def zone() -> ZoneInfo:
    """Return the business's time zone, whoever reads."""
    return ZoneInfo(current().time_zone)


@contextmanager
def in_force() -> Iterator[None]:
    """Inside this, times and words are the business's own, where they're nobody's else."""
    with timezone.override(zone()), translation.override(current().language):
        yield


def around_job(go_on: Callable[[], Any], _context: Any, _worker: Any) -> Any:
    """Run a job by the business's clock and in its language: the queue's middleware."""
    with in_force():
        return go_on()
