"""Places of networks come from a local file, and nothing breaks if it's missing or damaged."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from django.core.checks import run_checks
from django.utils.translation import override
from pytest_django import Settings

from members import places
from members.tests.place_file import PORTLAND, write

HOME = "203.0.113.9"


@pytest.fixture
def file(tmp_path: Path, settings: Settings) -> Path:
    """A database that knows one network."""
    path = write(tmp_path / "city.mmdb", "203.0.113.0/24", PORTLAND)
    settings.GEOIP_PATH = str(path)
    return path


def test_a_network_has_a_place_in_the_readers_language(file: Path) -> None:
    assert places.of(HOME) == "Portland, Maine, United States"
    assert places.of(f"::ffff:{HOME}") == "Portland, Maine, United States"
    with override("de"):
        assert places.of(HOME) == "Portland (Maine), Maine, USA"


@pytest.mark.parametrize("ip", ["192.0.2.1", "10.0.0.1", "2001:db8::1", "", "nonsense"])
def test_an_unknown_network_has_none(file: Path, ip: str) -> None:
    assert places.of(ip) == ""


def test_without_a_file_there_is_none(settings: Settings) -> None:
    settings.GEOIP_PATH = ""
    assert places.of(HOME) == ""
    assert not [one for one in run_checks() if one.id == "portal.GEOIP_PATH"]


def test_a_newer_file_is_used_at_once(file: Path) -> None:
    assert places.of(HOME).startswith("Portland")
    write(file, "203.0.113.0/24", {"country": {"names": {"en": "Norway"}}})
    os.utime(file, ns=(1, 1))
    assert places.of(HOME) == "Norway"


def test_a_missing_file_is_said_by_the_check(settings: Settings, tmp_path: Path) -> None:
    settings.GEOIP_PATH = str(tmp_path / "nowhere.mmdb")
    assert places.of(HOME) == ""
    [warning] = [one for one in run_checks() if one.id == "portal.GEOIP_PATH"]
    assert "GEOIP_PATH can't be read" in warning.msg


def test_no_damage_breaks_anything(file: Path) -> None:
    good = file.read_bytes()
    damaged = [b"", b"x" * 2000, good[: len(good) // 2], good[:30], good[40:], good[:-20]]
    damaged += [good[:at] + b"\xff" * 7 + good[at + 7 :] for at in range(0, len(good) - 7, 5)]
    for version, content in enumerate(damaged):
        file.write_bytes(content)
        os.utime(file, ns=(version, version))
        assert isinstance(places.of(HOME), str)
        assert isinstance(places.check(str(file)), str)
    assert places.check(str(file.parent)) != ""


def test_a_name_is_never_long(tmp_path: Path, settings: Settings) -> None:
    record = {"city": {"names": {"en": "x" * 280}}, "country": "odd", "subdivisions": ["odd"]}
    settings.GEOIP_PATH = str(write(tmp_path / "odd.mmdb", "203.0.113.0/24", record))
    assert places.of(HOME) == "x" * 100
