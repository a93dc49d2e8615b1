"""How much tests play: a few cases of many for whoever waits, all of them in the whole `bin/test`.

`TEST_THOROUGH=true bin/test ARGUMENTS…` plays all cases of whatever is chosen.
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
# A test which plays more when it is thorough. Property tests have this mark by themselves.
MARK = pytest.mark.thorough


def examples(*, few: int, many: int) -> int:
    """How many examples a property test of real parts plays."""
    return many if IS_THOROUGH else few


def phases() -> list[Phase]:
    """What a property test does that takes seconds an example: the `@example`s, or all."""
    return list(Phase) if IS_THOROUGH else [Phase.explicit]


def one_in(step: int, cases: Sequence[Case], start: int = 0) -> Sequence[Case]:
    """Every case, or each `step`-th of them from the one numbered `start` on."""
    return cases if IS_THOROUGH else cases[start % step :: step]


def load_profile() -> None:
    """Let Hypothesis play the same few examples each time, or many new ones.

    No example has a deadline and none is too slow: that would be a matter of the machine's load.
    """
    common = hypothesis.settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
    hypothesis.settings.register_profile("few", common, max_examples=20, derandomize=True)
    hypothesis.settings.register_profile("many", common, max_examples=100, print_blob=True)
    hypothesis.settings.load_profile("many" if IS_THOROUGH else "few")
