"""Names are recognized as banks write them, and different people are kept apart."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from billing.bank.names import key, likeness


@pytest.mark.parametrize(
    ("member", "payer"),
    [
        ("Sam Doe", "SAM DOE"),
        ("Sam Doe", "DOE SAM"),
        ("Sam Doe", "DOE, SAM"),
        ("Łukasz Żółć", "LUKASZ ZOLC"),
        ("Zoë Müller-Lüdenscheidt", "ZOE MULLER LUDENSCHEIDT"),
        ("Siobhán O'Neill", "SIOBHAN ONEILL"),
        ("Nguyễn Văn An", "AN VAN NGUYEN"),
        ("Dr. Sam Doe Jr.", "SAM DOE"),
        ("Harbor Paddles LLC", "HARBOR PADDLES"),
        ("王小明", "王小明"),
    ],
)
def test_the_same_name_however_it_is_written(member: str, payer: str) -> None:
    assert likeness(member, payer) == likeness(payer, member) == 100
    assert key(member) == key(payer)


@pytest.mark.parametrize(
    ("member", "payer", "least"),
    [
        ("Robert Doe", "BOB DOE", 90),
        ("Liz Doe", "ELIZABETH DOE", 90),
        ("Sam Q. Doe", "SAM DOE", 80),
        ("Samantha Maria Doe", "SAMANTHA DOE", 80),
        ("Sam Doe", "S DOE", 80),
        ("Katherine Doe", "CATHERINE DOE", 90),
        ("Anna Maria Silva", "ANNAMARIA SILVA", 90),
    ],
)
def test_alike_names_are_nearly_the_same(member: str, payer: str, least: int) -> None:
    assert least <= likeness(member, payer) < 100


@pytest.mark.parametrize(
    ("member", "payer"),
    [
        ("Sam Doe", "SAM ROE"),
        ("Sam Doe", "SUE DOE"),
        ("Sam Doe", "SAM"),
        ("Sam Doe", "EVE STRANGER"),
        ("Sam Doe", ""),
        ("", ""),
        ("LLC", "INC"),
    ],
)
def test_other_people_are_not_taken_for_them(member: str, payer: str) -> None:
    assert likeness(member, payer) < 75


@given(st.text(max_size=60), st.text(max_size=60))
def test_any_two_names_can_be_compared_both_ways(one: str, other: str) -> None:
    assert 0 <= likeness(one, other) <= 100
    assert likeness(one, other) == likeness(other, one)
