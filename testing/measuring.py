"""Measures which lines and branches of the product the tests run.

`pytest -p testing.measuring` is loaded before Django imports the product. Each process writes what
it has seen into the folder `COVERAGE_DIR`, and `python -m testing.measuring FOLDER` adds that up.

slipcover rewrites what it measures, so that a line costs time until it has run, and nothing later.
"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Sequence
from importlib.abc import MetaPathFinder
from importlib.machinery import ModuleSpec, PathFinder, SourceFileLoader
from pathlib import Path
from types import ModuleType
from typing import Any

import slipcover
from slipcover.importer import SlipcoverLoader

LEAST = 95  # percent of the lines
NAMED_BELOW = 80  # percent of a file's lines and branches
PRODUCT = ("billing", "business", "common", "emails", "members", "portal")
APART = ("tests", "migrations")


class ProductFinder(MetaPathFinder):
    """Finds the product's modules as Python does, and lets slipcover watch them run."""

    def __init__(self, watch: slipcover.Slipcover) -> None:
        """Take what watches."""
        self.watch = watch

    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        """Return a module of the product; leave all others to Python and pytest."""
        package, *rest = fullname.split(".")
        if package not in PRODUCT or any(name in APART for name in rest):
            return None
        spec = PathFinder.find_spec(fullname, path, target)
        if spec and spec.origin and isinstance(spec.loader, SourceFileLoader):
            spec.loader = SlipcoverLoader(self.watch, spec.loader, spec.origin)
        return spec


WATCH = slipcover.Slipcover(branch=True)
# The tests' own processes measure, not those that they start.
FOLDER = os.environ.pop("COVERAGE_DIR", "") if "PYTEST_XDIST_WORKER" in os.environ else ""
if FOLDER:
    sys.meta_path.insert(0, ProductFinder(WATCH))


def pytest_sessionfinish() -> None:
    """Write what this process has seen."""
    if FOLDER:
        target = Path(FOLDER) / f"{os.getpid()}.json"
        target.write_text(json.dumps(WATCH.get_coverage()))


def add_up(folder: Path) -> dict[str, Any]:
    """Return what all processes have seen together, files that none has imported included."""
    omit = [f"*/{name}/*" for name in APART]
    total: dict[str, Any] = slipcover.Slipcover(
        branch=True, source=list(PRODUCT), omit=omit
    ).get_coverage()
    for part in sorted(folder.glob("*.json")):
        slipcover.merge_coverage(total, json.loads(part.read_text()))
    return total


def share(summary: dict[str, Any], what: str) -> float:
    """Return how many percent of the "lines" or "branches" were run."""
    covered: int = summary[f"covered_{what}"]
    missing: int = summary[f"missing_{what}"]
    return 100 * covered / ((covered + missing) or 1)


def main(folder: Path) -> int:
    """Print the shares, and the files that tests hardly run; return the exit code."""
    found = add_up(folder)
    for name, file in sorted(found["files"].items()):
        if (percent := file["summary"]["percent_covered"]) < NAMED_BELOW:
            print(f"{percent:5.1f} %  {name}")
    lines, branches = share(found["summary"], "lines"), share(found["summary"], "branches")
    print(f"Unit tests run {lines:.1f} % of the lines and {branches:.1f} % of the branches.")
    if lines < LEAST:
        print(f"At least {LEAST} % of the lines must be run.", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1])))
