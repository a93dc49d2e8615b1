"""Chooses the tests of a quick run: as many as fit two minutes, the fastest first.

`pytest -p testing.known_times` notes in pytest's cache how long each test takes on this machine;
with `--quick` it runs those that fit together, and all that were never timed. A fresh clone knows
none, so its first run takes long.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import pytest

QUICK_SECONDS = 50  # of two minutes; processes and databases take the rest to start
KEPT_AS = "portal/times"
NOTED = pytest.StashKey[dict[str, float]]()


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add `--quick`."""
    words = "run the fastest tests, as many as take two minutes together"
    parser.addoption("--quick", action="store_true", help=words)


def pytest_configure(config: pytest.Config) -> None:
    """Begin without times of this run."""
    config.stash[NOTED] = {}
    config.pluginmanager.register(_Notes(config.stash[NOTED]), "noted-times")


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leave out what doesn't fit, in each process alike."""
    if not config.getoption("quick"):
        return
    processes = getattr(config, "workerinput", {}).get("workercount", 1)
    chosen = fitting((item.nodeid for item in items), _known(config), QUICK_SECONDS * processes)
    left = [item for item in items if item.nodeid not in chosen]
    config.hook.pytest_deselected(items=left)
    items[:] = [item for item in items if item.nodeid in chosen]


def fitting(tests: Iterable[str], times: Mapping[str, float], seconds: float) -> set[str]:
    """Return the fastest tests that take so long together, and those without a known time."""
    chosen, spent = set(), 0.0
    for time, test in sorted((times.get(test, 0.0), test) for test in tests):
        spent += time
        if spent > seconds:
            break
        chosen.add(test)
    return chosen


class _Notes:
    """Adds up what each test took, with what it set up and put back."""

    def __init__(self, times: dict[str, float]) -> None:
        self._times = times

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        self._times[report.nodeid] = self._times.get(report.nodeid, 0.0) + report.duration


def pytest_sessionfinish(session: pytest.Session) -> None:
    """Keep the times. A run of all tests forgets those that are gone."""
    config = session.config
    if hasattr(config, "workerinput") or not hasattr(config, "cache"):
        return
    noted = {test: round(time, 3) for test, time in config.stash[NOTED].items()}
    earlier = _known(config) if config.getoption("quick") else {}
    config.cache.set(KEPT_AS, earlier | noted)


def pytest_terminal_summary(terminalreporter: Any, config: pytest.Config) -> None:
    """Say how many tests a quick run left out."""
    left = len(_known(config).keys() - config.stash[NOTED].keys())
    if config.getoption("quick") and left:
        terminalreporter.write_line(f"Left out, as they take longer: {left}. bin/test runs all.")


def _known(config: pytest.Config) -> dict[str, float]:
    cache = getattr(config, "cache", None)
    known: dict[str, float] = cache.get(KEPT_AS, {}) if cache else {}
    return known
