"""`bin/lighthouse`: measure the demo with Lighthouse; starts the demo if it isn't running.

python -m e2e.lighthouse [--portal URL]
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from playwright.sync_api import StorageState, sync_playwright

from common.postgres import CHECKOUT
from e2e.browser import ARGUMENTS, find_browser
from e2e.demo import SIGNED_OUT, Places, running_demo, sign_in

PINNED = CHECKOUT / "e2e" / "npm"
INSTALLED = Path(os.environ.get("LIGHTHOUSE_HOME") or CHECKOUT / ".data" / "lighthouse")
LOWEST = 95
# Other work on the machine only ever makes a page look slower, so its best run counts.
MOST_RUNS = 3
SECONDS = 180
OLDEST_NODE = 18
CATEGORIES = ("performance", "accessibility", "best-practices")
FORMS: dict[str, list[str]] = {"phone": [], "desktop": ["--preset=desktop"]}


class CannotMeasure(Exception):
    """Lighthouse can't run here; the text says why, and what to do."""


@dataclass(frozen=True)
class Target:
    """A page to measure, as somebody sees it. `role` is one of the demo's sign-ins."""

    name: str
    role: str
    path: str


@dataclass(frozen=True)
class Measured:
    """A page's scores, from 0 to 100 in the order of `CATEGORIES`, and what costs points."""

    scores: tuple[int, ...]
    faults: tuple[str, ...]

    @property
    def is_good(self) -> bool:
        """Whether no score is under the lowest that's allowed."""
        return min(self.scores) >= LOWEST


TARGETS = [
    Target("Home", "Member", "/"),
    Target("Join", "Visitor", "/join/"),
    Target("Payments", "Member", "/payments/"),
    Target("Sign-in", SIGNED_OUT, "/accounts/login/"),
    Target("Join, signed out", SIGNED_OUT, "/join/"),
]


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure every page; return 1 if one is under the limit, 2 if Lighthouse can't run."""
    parser = argparse.ArgumentParser(prog="bin/lighthouse", description=__doc__)
    parser.add_argument("--portal", help="address of a running demo's portal")
    chosen = parser.parse_args(arguments)
    try:
        lighthouse = install()
        if chosen.portal:
            return measure_all(lighthouse, Places(chosen.portal.rstrip("/"), ""))
        with running_demo() as places:
            return measure_all(lighthouse, places)
    except CannotMeasure as error:
        print(error, file=sys.stderr)
        return 2


def install() -> Path:
    """Return Lighthouse's program, installed from its lock file if it isn't there yet.

    Raises:
        CannotMeasure: Node, npm, or the package can't be had.
    """
    npm = _need_node()
    program = INSTALLED / "node_modules" / ".bin" / "lighthouse"
    files = [PINNED / name for name in ("package.json", "package-lock.json")]
    copies = [INSTALLED / path.name for path in files]
    is_current = program.exists() and all(
        copy.exists() and copy.read_bytes() == path.read_bytes()
        for path, copy in zip(files, copies, strict=True)
    )
    if is_current:
        return program
    print("Installing Lighthouse …", flush=True)
    INSTALLED.mkdir(parents=True, exist_ok=True)
    for path, copy in zip(files, copies, strict=True):
        shutil.copyfile(path, copy)
    # No package's own scripts: Lighthouse needs none.
    command = [npm, "ci", "--ignore-scripts", "--no-audit", "--no-fund"]
    done = subprocess.run(command, cwd=INSTALLED, capture_output=True, text=True, check=False)
    if done.returncode or not program.exists():
        copies[0].unlink()
        why = next((line for line in done.stderr.splitlines() if line.strip()), "no reason given")
        raise CannotMeasure(f"Lighthouse couldn't be installed with npm: {why}")
    return program


def _need_node() -> str:
    """Return npm's path. Raises CannotMeasure if there's none, or if Node is too old."""
    node, npm = shutil.which("node"), shutil.which("npm")
    needs = f"Lighthouse needs Node {OLDEST_NODE} or later with npm"
    if not (node and npm):
        raise CannotMeasure(f"{needs}, which was not found: install it, then run this again.")
    version = subprocess.run([node, "--version"], capture_output=True, text=True, check=False)
    major = version.stdout.strip().lstrip("v").partition(".")[0]
    if not major.isdecimal() or int(major) < OLDEST_NODE:
        raise CannotMeasure(f"{needs}, but {node} is {version.stdout.strip() or 'broken'}.")
    return npm


def measure_all(lighthouse: Path, places: Places) -> int:
    """Measure each page on a phone and a desktop, and print the table."""
    try:
        browser = find_browser()
    except LookupError as error:
        raise CannotMeasure(str(error)) from error
    cookies = _cookies(browser, places)
    print(f"{'':26}{'performance':>13}{'accessibility':>15}{'best practices':>16}", flush=True)
    is_good = True
    for form in FORMS:
        for target in TARGETS:
            run = Run(lighthouse, browser, places.portal, target, form, cookies.get(target.role))
            measured = run.best()
            is_good = is_good and measured.is_good
            print("\n".join(_lines(target, form, measured)), flush=True)
    if not is_good:
        print(f"A score is under {LOWEST}.", file=sys.stderr)
    return 0 if is_good else 1


def _lines(target: Target, form: str, measured: Measured) -> Iterator[str]:
    one, two, three = measured.scores
    yield f"{target.name + ', ' + form:26}{one:>13}{two:>15}{three:>16}"
    yield from (f"    {fault}" for fault in measured.faults)


def _cookies(browser: str, places: Places) -> dict[str, StorageState]:
    """Sign in as each of the people who are needed."""
    roles = {target.role for target in TARGETS} - {SIGNED_OUT}
    with sync_playwright() as playwright:
        started = playwright.chromium.launch(executable_path=browser, args=list(ARGUMENTS))
        found = {role: sign_in(started, places, role) for role in sorted(roles)}
        started.close()
    return found


@dataclass(frozen=True)
class Run:
    """Lighthouse on one page."""

    lighthouse: Path
    browser: str
    portal: str
    target: Target
    form: str
    cookies: StorageState | None

    def best(self) -> Measured:
        """Measure until it's good, at most `MOST_RUNS` times; return the best."""
        found: list[Measured] = []
        while len(found) < MOST_RUNS and not (found and found[-1].is_good):
            found.append(read(self._report()))
        return max(found, key=lambda one: (min(one.scores), sum(one.scores)))

    def _report(self) -> dict[str, Any]:
        """Run Lighthouse once; return its report."""
        address = f"{self.portal}{self.target.path}"
        command = [
            *(str(self.lighthouse), address, "--quiet", "--output=json"),
            f"--only-categories={','.join(CATEGORIES)}",
            f"--chrome-flags=--headless=new {' '.join(ARGUMENTS)}",
            *FORMS[self.form],
        ]
        if self.cookies:
            pairs = [f"{one.get('name')}={one.get('value')}" for one in self.cookies["cookies"]]
            command.append(f"--extra-headers={json.dumps({'Cookie': '; '.join(pairs)})}")
        environment = os.environ | {"CHROME_PATH": self.browser}
        done = subprocess.run(
            command, env=environment, capture_output=True, text=True, check=False, timeout=SECONDS
        )
        if done.returncode:
            raise CannotMeasure(f"Lighthouse failed on {address}: {done.stderr.strip()[-500:]}")
        report: dict[str, Any] = json.loads(done.stdout)
        if report["finalDisplayedUrl"] != address:
            raise CannotMeasure(f"{address} led to {report['finalDisplayedUrl']} instead.")
        return report


def read(report: dict[str, Any]) -> Measured:
    """Read the scores from a report, and the audits that cost points."""
    scores = tuple(round(100 * report["categories"][name]["score"]) for name in CATEGORIES)
    faults = [
        _fault(name, report["audits"][part["id"]])
        for name, score in zip(CATEGORIES, scores, strict=True)
        for part in report["categories"][name]["auditRefs"]
        if score < 100 and part["weight"] and _costs(report["audits"][part["id"]])
    ]
    return Measured(scores, tuple(faults))


def _costs(audit: dict[str, Any]) -> bool:
    return audit["score"] is not None and audit["score"] < 0.995


def _fault(category: str, audit: dict[str, Any]) -> str:
    value = audit.get("displayValue", "")
    return f"{category}: {audit['title']}{f' ({value})' if value else ''}"


if __name__ == "__main__":
    sys.exit(main())
