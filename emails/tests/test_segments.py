"""What a text message costs."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from emails import segments


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", 1),
        ("a" * 160, 1),
        ("a" * 161, 2),
        ("a" * 306, 2),
        ("a" * 307, 3),
        ("€" * 80, 1),
        ("€" * 81, 2),
        ("’" + "a" * 69, 1),
        ("’" + "a" * 70, 2),
        ("😀" * 35, 1),
        ("😀" * 36, 2),
    ],
)
def test_segments_as_they_are_billed(text: str, expected: int) -> None:
    assert segments.count(text) == expected


def test_typography_is_written_in_plain_letters() -> None:
    assert segments.plain("You’re “in” — −$3.00…") == 'You\'re "in" - -$3.00...'
    assert segments.count(segments.plain("’" * 160)) == 1


@given(st.text(max_size=400))
def test_plain_words_never_cost_more(text: str) -> None:
    without_dots = text.replace("…", "")
    assert segments.count(segments.plain(without_dots)) <= segments.count(without_dots)
