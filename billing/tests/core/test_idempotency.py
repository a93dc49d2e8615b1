"""Idempotency keys: ASCII, short, the same for the same."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from billing.core import idempotency

WORDS = st.lists(st.text()).map(tuple)


@given(about=WORDS, number=st.integers(min_value=1))
def test_a_key_can_always_be_a_header(about: tuple[str, ...], number: int) -> None:
    key = idempotency.key("customer", number, about=about)
    assert key.isascii()
    assert key.isprintable()
    assert len(key) <= idempotency.LONGEST
    assert key == idempotency.key("customer", number, about=about)


@given(one=WORDS, other=WORDS)
def test_other_words_make_another_key(one: tuple[str, ...], other: tuple[str, ...]) -> None:
    same = idempotency.key("customer", 1, about=one) == idempotency.key("customer", 1, about=other)
    assert same == (one == other)


@pytest.mark.parametrize("wrong", ["Łukasz", "a\nb", "x" * 250])
def test_words_of_people_are_no_ids(wrong: str) -> None:
    with pytest.raises(ValueError, match="idempotency key"):
        idempotency.key("customer", wrong)
