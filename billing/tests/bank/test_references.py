"""References survive what happens to them between a screen and a bank."""

from __future__ import annotations

import itertools
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from billing.bank import references

PREFIX = "HY"
DRAWN = st.text(references.ALPHABET, min_size=4, max_size=4)
REFERENCES = DRAWN.map(lambda drawn: drawn + references.check_character(drawn))


def test_a_new_one_is_valid_and_shown_in_parts() -> None:
    one = references.new()
    assert references.is_valid(one)
    assert references.shown(PREFIX, one) == f"HY-{one[:4]}-{one[4]}"
    assert references.shown("", one) == f"{one[:4]}-{one[4]}"


def test_no_letter_can_be_taken_for_another_character() -> None:
    assert not set("OQILU") & set(references.ALPHABET)
    assert len(references.ALPHABET) == len(set(references.ALPHABET)) == 31


@given(REFERENCES, st.integers(0, 4), st.sampled_from(references.ALPHABET))
def test_one_wrong_character_is_noticed(reference: str, place: int, other: str) -> None:
    changed = reference[:place] + other + reference[place + 1 :]
    assert references.is_valid(changed) == (changed == reference)


@given(REFERENCES)
def test_two_that_changed_places_are_noticed(reference: str) -> None:
    for one, other in itertools.combinations(range(5), 2):
        swapped = list(reference)
        swapped[one], swapped[other] = swapped[other], swapped[one]
        assert references.is_valid("".join(swapped)) == (reference[one] == reference[other])


@given(
    REFERENCES,
    st.sampled_from(
        ["{p}-{a}-{b}", "{p}{a}{b}", "{p} {a} {b}", "{a}-{b}", "{a}{b}", "{p}–{a}—{b}"]
    ),
    st.sampled_from([str.upper, str.lower, str.title]),
    st.sampled_from(
        ["{}", "Ref: {}", "for May, {}!", "{} thank you", "#{}", "({})", "Sue & Bob {}"]
    ),
)
def test_it_is_read_however_it_was_typed(
    reference: str, form: str, case: Callable[[str], str], words: str
) -> None:
    typed = case(form.format(p=PREFIX, a=reference[:4], b=reference[4]))
    assert reference in references.read(words.format(typed), PREFIX)


@pytest.mark.parametrize("memo", ["HY-OI2L-{}", "hy oi21 {}", "HY-0121-{}", "hyqi2l{}"])
def test_what_looks_alike_is_read_as_the_digit(memo: str) -> None:
    check = references.check_character("0121")
    assert references.read(memo.format(check), PREFIX) == [f"0121{check}"]


def test_a_prefix_with_letters_that_look_like_digits_is_read() -> None:
    one = references.new()
    for typed in ("OIL", "0IL", "o1l"):
        assert references.read(f"{typed}-{one}", "OIL") == [one]


def test_full_width_letters_are_read() -> None:
    check = references.check_character("7K3P")
    assert references.read(f"ＨＹ－７Ｋ３Ｐ－{check}", PREFIX) == [f"7K3P{check}"]


def test_a_memo_of_two_payments_names_both() -> None:
    one, other = references.new(), references.new()
    memo = f"{references.shown(PREFIX, one)} and {references.shown(PREFIX, other)}"
    assert references.read(memo, PREFIX) == list(dict.fromkeys([one, other]))


@pytest.mark.parametrize("memo", ["", "N/A", "thanks!", "🧘 yoga", "HY", "HY-7K3P", "x" * 100_000])
def test_words_are_no_references(memo: str) -> None:
    assert references.read(memo, PREFIX) == []


@given(st.text(max_size=300), st.text(max_size=5))
def test_anything_can_be_a_memo(memo: str, prefix: str) -> None:
    assert all(references.is_valid(one) for one in references.read(memo, prefix))
