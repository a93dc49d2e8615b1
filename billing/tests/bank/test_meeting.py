"""Which mail and line tell of one transfer: whatever order they're looked at in."""

from __future__ import annotations

from datetime import date, timedelta
from random import Random

from hypothesis import given
from hypothesis import strategies as st

from billing.bank.meeting import Told, together

DAY = date(2026, 3, 28)


def told(pk: int, name: str = "SAM DOE", days: int = 0, number: str = "") -> Told:
    return Told(pk, name, DAY + timedelta(days=days), number)


def pairs(mails: list[Told], lines: list[Told]) -> set[tuple[int, int]]:
    return {(mail.pk, line.pk) for mail, line in together(mails, lines)}


def test_the_banks_number_decides() -> None:
    mails = [told(1, number="27250625041"), told(2, number="27250625042")]
    lines = [told(8, number="27250625042"), told(9, "S DOE JR", number="27250625041")]
    assert pairs(mails, lines) == {(1, 9), (2, 8)}


def test_a_number_brings_together_even_what_is_far_apart() -> None:
    mail, line = told(1, number="wfct0abc"), told(9, "OTHER NAME", 20, "WFCT0ABC")
    assert pairs([mail], [line]) == {(1, 9)}


def test_another_banks_reference_says_nothing_against_it() -> None:
    assert pairs([told(1, number="27250625041")], [told(9, number="BACh7k2j")]) == {(1, 9)}


def test_two_numbers_of_the_same_kind_are_two_transfers() -> None:
    assert not pairs([told(1, number="27250625041")], [told(9, number="27250625049")])


def test_names_must_be_alike_and_days_close() -> None:
    assert pairs([told(1, "Sam Doe")], [told(9, "DOE SAM", 3)]) == {(1, 9)}
    assert pairs([told(1)], [told(9, "", 3)]) == {(1, 9)}
    assert not pairs([told(1)], [told(9, "KIM PARK", 1)])
    assert not pairs([told(1)], [told(9, days=6)])
    assert not pairs([told(1)], [told(9, days=-2)])


def test_two_alike_on_one_day_are_two() -> None:
    assert pairs([told(1), told(2)], [told(8), told(9)]) == {(1, 8), (2, 9)}
    assert pairs([told(1), told(2)], [told(9)]) == {(1, 9)}


def test_an_early_line_does_not_take_a_later_mail_from_its_own() -> None:
    # Looked at one by one, the line of day 4 could have met the mail of day 0.
    mails, lines = [told(1, days=0), told(2, days=4)], [told(8, days=1), told(9, days=5)]
    assert pairs(mails, lines) == {(1, 8), (2, 9)}


def test_of_one_days_lines_each_mail_gets_the_one_with_its_very_name() -> None:
    mails = [told(1, "SAM DOE", number="100001"), told(2, "Doe Sam", number="100002")]
    lines = [told(8, "Doe Sam"), told(9, "Sam Doe")]
    assert pairs(mails, lines) == {(1, 9), (2, 8)}


def test_a_mail_without_its_name_leaves_the_others_theirs() -> None:
    mails = [told(1, "Bob Smith", number="100001"), told(2, "Robert Smith", number="100002")]
    lines = [told(8, "ROBERT SMITH"), told(9, "ROB SMITH")]
    assert pairs(mails, lines) == {(1, 9), (2, 8)}


def test_the_day_counts_more_than_the_very_name() -> None:
    mails = [told(1, "Doe Sam"), told(2, "Doe Sam", days=4)]
    lines = [told(8, "SAM DOE"), told(9, "Doe Sam", days=4)]
    assert pairs(mails, lines) == {(1, 8), (2, 9)}


def test_what_came_first_decides_nothing() -> None:
    mails = [told(1, "SAM DOE", number="100001"), told(2, "Doe Sam", number="100002")]
    for first, second in ((8, 9), (9, 8)):
        lines = [told(first, "SAM DOE"), told(second, "Doe Sam")]
        assert pairs(mails, lines) == {(1, first), (2, second)}


TOLD = st.builds(
    told,
    st.just(0),
    st.sampled_from(["SAM DOE", "Doe Sam", "KIM PARK"]),
    st.integers(0, 9),
    st.sampled_from(["", "", "100001", "100002", "BACx1"]),
)


@given(st.lists(TOLD, max_size=8), st.lists(TOLD, max_size=8), st.randoms(use_true_random=False))
def test_the_order_does_not_matter(mails: list[Told], lines: list[Told], chance: Random) -> None:
    mails = [Told(place, one.name, one.on, one.number) for place, one in enumerate(mails)]
    lines = [Told(place, one.name, one.on, one.number) for place, one in enumerate(lines)]
    found = pairs(mails, lines)
    assert len({mail for mail, _ in found}) == len({line for _, line in found}) == len(found)
    chance.shuffle(mails)
    chance.shuffle(lines)
    assert pairs(mails, lines) == found
