"""Whatever can happen has its message."""

from __future__ import annotations

from typing import get_args

from billing.notices import announcing
from billing.notices.transitions import Transition


def test_each_transition_is_announced() -> None:
    assert set(announcing.BY) == set(get_args(Transition))
