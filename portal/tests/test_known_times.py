"""A quick run takes the fastest tests, as many as fit, by what they took on this machine."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from testing.known_times import fitting

ROOT = Path(__file__).resolve().parent.parent.parent
TESTS = """
import time

def test_short():
    pass

def test_long():
    time.sleep(0.3)
"""


def test_the_fastest_that_fit_together_and_the_unknown_are_chosen() -> None:
    times = {"a": 5.0, "b": 1.0, "c": 2.0, "gone": 0.1}
    assert fitting("abcd", times, 3) == {"b", "c", "d"}
    assert fitting("abcd", times, 8) == {"a", "b", "c", "d"}
    assert fitting("abcd", times, 0.5) == {"d"}
    assert fitting("ab", {"a": 1.0, "b": 1.0}, 1) == {"a"}, "every process chooses the same"


@pytest.mark.slow
@pytest.mark.parametrize("spread", [[], ["-n", "1"]])
def test_what_took_long_is_left_out_the_next_time(tmp_path: Path, spread: list[str]) -> None:
    (tmp_path / "test_two.py").write_text(TESTS)
    (tmp_path / "pytest.ini").write_text("[pytest]")
    # Less than the long one took.
    (tmp_path / "impatient.py").write_text(
        "from testing import known_times\nknown_times.QUICK_SECONDS = 0.2\n"
    )

    def run(*arguments: str) -> str:
        command = [sys.executable, "-m", "pytest", "-p", "testing.known_times", "-p", "impatient"]
        done = subprocess.run(
            [*command, *arguments, *spread],
            cwd=tmp_path,
            env={**os.environ, "PYTHONPATH": f"{ROOT}{os.pathsep}{tmp_path}", "PYTEST_ADDOPTS": ""},
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    assert "2 passed" in run("--quick"), "Nothing is known yet."
    said = run("--quick")
    assert "1 passed" in said
    assert "Left out, as they take longer: 1." in said
    # What's new runs, whatever it takes.
    (tmp_path / "test_new.py").write_text(TESTS)
    assert "3 passed" in run("--quick")
    assert "4 passed" in run()
