"""`bin/lighthouse`: what it reads from a report, and what it says where it can't run."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from e2e import lighthouse

ROOT = Path(__file__).resolve().parent.parent.parent
NODE = "#!/bin/sh\necho v20.0.0\n"
OLD_NODE = "#!/bin/sh\necho v16.3.0\n"
NPM_OFFLINE = "#!/bin/sh\necho 'npm error network request failed' >&2\nexit 1\n"


def report(performance: float) -> dict[str, Any]:
    """Return a report with one slow thing."""
    part = {"auditRefs": [{"id": "largest-contentful-paint", "weight": 25}]}
    good = {"score": 1, "auditRefs": []}
    slow = {"title": "Largest Contentful Paint", "score": 0.7, "displayValue": "3.1 s"}
    categories = dict.fromkeys(lighthouse.CATEGORIES, good)
    return {
        "categories": categories | {"performance": part | {"score": performance}},
        "audits": {"largest-contentful-paint": slow},
    }


def run_with(folder: Path, **programs: str) -> subprocess.CompletedProcess[str]:
    """Run it where only these programs are found."""
    for name, script in programs.items():
        path = folder / name
        path.write_text(script)
        path.chmod(0o755)
    return subprocess.run(
        [sys.executable, "-m", "e2e.lighthouse"],
        cwd=ROOT,
        env=os.environ | {"PATH": str(folder), "LIGHTHOUSE_HOME": str(folder / "installed")},
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.mark.parametrize(("performance", "is_good"), [(0.95, True), (0.949, True), (0.94, False)])
def test_a_page_passes_from_95_of_100_points_on(performance: float, is_good: bool) -> None:
    assert lighthouse.read(report(performance)).is_good == is_good


def test_what_costs_points_is_named() -> None:
    measured = lighthouse.read(report(0.9))
    assert measured.scores == (90, 100, 100)
    assert measured.faults == ("performance: Largest Contentful Paint (3.1 s)",)
    assert lighthouse.read(report(1)).faults == ()


@pytest.mark.slow
@pytest.mark.parametrize(
    ("programs", "words"),
    [
        ({}, "needs Node 18 or later with npm, which was not found: install it"),
        ({"node": OLD_NODE, "npm": NODE}, "needs Node 18 or later with npm, but"),
        ({"node": NODE, "npm": NPM_OFFLINE}, "couldn't be installed with npm: npm error network"),
    ],
)
def test_what_is_missing_is_said_in_a_sentence(
    tmp_path: Path, programs: dict[str, str], words: str
) -> None:
    done = run_with(tmp_path, **programs)
    assert done.returncode == 2
    assert words in done.stderr
    assert "Traceback" not in done.stderr


def test_lighthouse_is_pinned_and_each_of_its_packages_has_a_hash() -> None:
    wanted = json.loads((lighthouse.PINNED / "package.json").read_text())
    lock = json.loads((lighthouse.PINNED / "package-lock.json").read_text())
    packages = {path: one for path, one in lock["packages"].items() if path}
    pinned = packages["node_modules/lighthouse"]["version"]
    assert wanted["dependencies"] == {"lighthouse": pinned}
    assert all(one["integrity"].startswith("sha512-") for one in packages.values())
