"""How many cases tests run: a few while you wait, all of them in a full `bin/test`.

`TEST_THOROUGH=true bin/test ARGUMENTS…` runs all cases of the chosen tests.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import TypeVar

import hypothesis
import pytest
from hypothesis import HealthCheck, Phase

Case = TypeVar("Case")
IS_THOROUGH = os.environ.get("TEST_THOROUGH") == "true"
# For tests that run more cases when thorough. Property tests get this mark automatically.
MARK = pytest.mark.thorough


def examples(*, few: int, many: int) -> int:
    """Return how many examples a property test with real parts runs."""
    return many if IS_THOROUGH else few


def phases() -> list[Phase]:
    """Return the phases of a slow property test: only its `@example`s, or all."""
    return list(Phase) if IS_THOROUGH else [Phase.explicit]


def one_in(step: int, cases: Sequence[Case], start: int = 0) -> Sequence[Case]:
    """Return all cases, or every `step`-th one, beginning with number `start`."""
    return cases if IS_THOROUGH else cases[start % step :: step]


def load_profile() -> None:
    """Make Hypothesis run the same few examples each time, or many new ones.

    Examples have no deadline and are never too slow: that would depend on the machine's load.
    """
    common = hypothesis.settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
    hypothesis.settings.register_profile("few", common, max_examples=20, derandomize=True)
    hypothesis.settings.register_profile("many", common, max_examples=100, print_blob=True)
    hypothesis.settings.load_profile("many" if IS_THOROUGH else "few")
