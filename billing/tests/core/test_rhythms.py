"""How often a member pays, in words: whole phrases, for one period and for several."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from django.utils import translation
from pytest_django import Settings

from billing.core import rhythms, texts
from common.money import Money

PRICE = Money(8000, "USD")
ALL = [
    (name, count) for name in ("day", "week", "month", "year", "something new") for count in (1, 3)
]


@pytest.fixture(autouse=True)
def _english() -> Iterator[None]:
    with translation.override("en-us"):
        yield


@pytest.mark.parametrize(
    ("name", "count", "per", "rhythm", "inside"),
    [
        ("day", 1, "a day", "Daily", "daily"),
        ("week", 1, "a week", "Weekly", "weekly"),
        ("month", 1, "a month", "Monthly", "monthly"),
        ("year", 1, "a year", "Yearly", "yearly"),
        ("day", 10, "every 10 days", "Every 10 days", "every 10 days"),
        ("week", 2, "every 2 weeks", "Every 2 weeks", "every 2 weeks"),
        ("month", 3, "every 3 months", "Every 3 months", "every 3 months"),
        ("year", 2, "every 2 years", "Every 2 years", "every 2 years"),
    ],
)
def test_prices_say_how_often(name: str, count: int, per: str, rhythm: str, inside: str) -> None:
    assert rhythms.per(name, count) == per
    assert rhythms.rate(PRICE, name, count) == f"$80.00 {per}"
    assert rhythms.rhythm(name, count) == rhythm
    assert rhythms.rhythm_inside(name, count) == inside


@pytest.mark.parametrize(
    ("name", "count", "to", "now", "already", "period", "one"),
    [
        (
            *("year", 1, "Switch to yearly billing", "You’re now on yearly billing at R."),
            *("You’re already on yearly billing.", "Your next year, from today", "Gym, one year"),
        ),
        (
            *("month", 3, "Switch to R", "You now pay R.", "You already pay R."),
            *("Your next 3 months, from today", "Gym"),
        ),
    ],
)
def test_a_switch_is_said_in_whole_sentences(
    name: str, count: int, to: str, now: str, already: str, period: str, one: str
) -> None:
    assert rhythms.switch_to(name, count, "R") == to
    assert rhythms.switched_to(name, count, "R") == now
    assert rhythms.already_on(name, count, "R") == already
    assert rhythms.next_period(name, count) == period
    assert rhythms.one_period("Gym", name, count) == one


def test_what_a_month_comes_to() -> None:
    assert rhythms.a_month(PRICE, "year", 1) == "That’s $80.00 a month, billed yearly"
    assert rhythms.a_month(PRICE, "year", 2) == "That’s $80.00 a month, billed every 2 years"
    assert rhythms.a_month(PRICE, "month", 6) == "That’s $80.00 a month, billed every 6 months"


@pytest.mark.parametrize(("name", "count"), ALL)
def test_no_phrase_has_a_hole(name: str, count: int) -> None:
    said = [
        rhythms.per(name, count),
        rhythms.rate(PRICE, name, count),
        rhythms.rhythm(name, count),
        rhythms.rhythm_inside(name, count),
        rhythms.switch_to(name, count, "R"),
        rhythms.switched_to(name, count, "R"),
        rhythms.already_on(name, count, "R"),
        rhythms.next_period(name, count),
        rhythms.one_period("Gym", name, count),
    ]
    assert all(said)
    assert not any("%" in one for one in said)


def test_lists_are_those_of_the_language(settings: Settings) -> None:
    assert texts.listed([]) == ""
    assert texts.listed(["a"]) == "a"
    assert texts.listed(["a", "b"]) == "a and b"
    assert texts.listed(["a", "b", "c"]) == "a, b, and c"
    settings.LOCALE = "de_DE"
    with translation.override("de"):
        assert texts.listed(["a", "b", "c"]) == "a, b und c"
