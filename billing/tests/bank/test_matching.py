"""Money finds its payment by what is known for certain, and staff are asked about the rest."""

from __future__ import annotations

from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from billing.bank import names, references
from billing.bank.matching import (
    LEAST_SCORE,
    Awaited,
    Candidate,
    Incoming,
    KnownPayers,
    Reason,
    candidates,
)

TODAY = date(2026, 3, 28)
SAM_REFERENCE = "7K3P" + references.check_character("7K3P")
SUE_REFERENCE = "2A2A" + references.check_character("2A2A")
SAM = Awaited(1, 11, SAM_REFERENCE, 2900, TODAY, ("Sam Doe",))
SUE = Awaited(2, 12, SUE_REFERENCE, 2900, TODAY, ("Sue Roe",))


def money(name: str = "SAM DOE", amount: int = 2900, memo: str = "", days: int = 0) -> Incoming:
    return Incoming(amount, name, TODAY + timedelta(days=days), memo)


def found(one: Incoming, *awaited: Awaited, known: KnownPayers | None = None) -> list[Candidate]:
    return candidates(one, awaited or (SAM, SUE), known or KnownPayers(), "HY")


def test_reference_and_amount_are_enough_whoever_paid() -> None:
    [best, *_] = found(money("EVE STRANGER", memo=f"yoga hy-{SAM_REFERENCE.lower()}"))
    assert (best.awaited, best.is_sure) == (SAM, True)
    assert best.reasons == (Reason.REFERENCE, Reason.EXACT_AMOUNT)


def test_the_same_name_and_amount_are_enough_without_a_memo() -> None:
    [best, *_] = found(money())
    assert (best.awaited, best.is_sure) == (SAM, True)
    assert best.reasons == (Reason.EXACT_AMOUNT, Reason.SAME_NAME)


def test_a_payer_that_was_confirmed_before_is_known() -> None:
    known = KnownPayers({names.key("Harbor Paddles LLC"): frozenset({11})})
    [best, *_] = found(money("HARBOR PADDLES"), known=known)
    assert (best.awaited, best.is_sure) == (SAM, True)
    assert Reason.KNOWN_PAYER in best.reasons


def test_two_payments_that_fit_alike_are_for_staff() -> None:
    twin = Awaited(3, 13, SUE_REFERENCE, 2900, TODAY, ("Sam Doe",))
    both = found(money(), SAM, twin)
    assert [one.is_sure for one in both] == [False, False]
    assert all(Reason.AMBIGUOUS in one.reasons for one in both)


@pytest.mark.parametrize(("amount", "reason"), [(2000, Reason.TOO_LITTLE), (3000, Reason.TOO_MUCH)])
def test_another_amount_is_never_sure(amount: int, reason: Reason) -> None:
    for memo in ("", SAM_REFERENCE):
        for one in found(money(amount=amount, memo=memo)):
            assert not one.is_sure
            assert reason in one.reasons


def test_a_memo_that_names_another_payment_speaks_against_this_one() -> None:
    best = found(money("SAM DOE", memo=SUE_REFERENCE))[0]
    assert best.awaited == SUE
    assert SAM not in [one.awaited for one in found(money(memo=SUE_REFERENCE)) if one.is_sure]


def test_a_stranger_without_a_memo_is_never_sure() -> None:
    assert not any(one.is_sure for one in found(money("EVE STRANGER")))


def test_money_from_before_is_not_for_what_came_later() -> None:
    assert not any(one.is_sure for one in found(money(days=-10)))
    assert any(one.is_sure for one in found(money(days=-2)))


PEOPLE = st.sampled_from(["Sam Doe", "Sue Roe", "SAM DOE", "Eve", "", "DOE SAM", "Bob"])
AWAITED = st.builds(
    Awaited,
    pk=st.integers(1, 99),
    member_pk=st.integers(1, 5),
    reference=st.sampled_from([SAM_REFERENCE, SUE_REFERENCE]),
    amount=st.integers(1, 5).map(lambda number: number * 1000),
    since=st.integers(-60, 60).map(lambda days: TODAY + timedelta(days=days)),
    names=st.lists(PEOPLE, max_size=2).map(tuple),
)


@given(
    st.lists(AWAITED, max_size=6, unique_by=lambda one: one.pk),
    PEOPLE,
    st.integers(1, 5),
    st.sampled_from(["", SAM_REFERENCE, f"{SAM_REFERENCE} {SUE_REFERENCE}", "thanks"]),
)
def test_at_most_one_is_sure_and_its_amount_is_exact(
    awaited: list[Awaited], name: str, thousands: int, memo: str
) -> None:
    one = money(name, thousands * 1000, memo)
    ranked = candidates(one, awaited, KnownPayers(), "HY")
    assert candidates(one, awaited[::-1], KnownPayers(), "HY") == ranked
    assert [each.score for each in ranked] == sorted((each.score for each in ranked), reverse=True)
    assert all(LEAST_SCORE <= each.score <= 100 for each in ranked)
    sure = [each for each in ranked if each.is_sure]
    assert len(sure) <= 1
    assert all(each.awaited.amount == one.amount for each in sure)


def test_the_exact_amount_from_a_stranger_is_worth_a_look() -> None:
    [one] = found(money("KIM PARK"), SAM)
    assert (one.awaited, one.is_sure) == (SAM, False)
    assert one.reasons == (Reason.EXACT_AMOUNT, Reason.OTHER_NAME)
