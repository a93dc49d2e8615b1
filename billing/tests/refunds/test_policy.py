"""The policy, by properties and by examples."""

from __future__ import annotations

import dataclasses
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from billing.refunds.policy import (
    Facts,
    Outcome,
    PaymentKind,
    Policy,
    PolicyError,
    Rule,
    Share,
    approvals_for,
    judge,
    policy_from_json,
    terms,
)

RULE = Rule((Share(14, 100), Share(30, 50)), 3000, 2, 10_000)
POLICY = Policy(3, "usd", {PaymentKind.MEMBERSHIP: RULE})


def facts(**changes: Any) -> Facts:
    """Return a payment of $29.00 made three days ago, of which nothing is refunded."""
    usual = Facts(PaymentKind.MEMBERSHIP, "usd", 2900, 0, 3)
    return dataclasses.replace(usual, **changes)


amounts = st.integers(1, 50_000)
shares = st.lists(st.tuples(st.integers(1, 400), st.integers(1, 100)), max_size=3).map(
    lambda pairs: tuple(
        Share(days, percent)
        for days, percent in zip(
            sorted({days for days, _ in pairs}),
            sorted({percent for _, percent in pairs}, reverse=True),
            strict=False,
        )
    )
)
rules = st.builds(
    Rule, shares, st.integers(0, 20_000), st.integers(0, 3), st.none() | st.integers(1, 30_000)
)


@st.composite
def cases(draw: st.DrawFn) -> tuple[Policy, Facts, int]:
    paid = draw(amounts)
    committed = draw(st.integers(0, paid))
    known = Facts(
        kind=draw(st.sampled_from(PaymentKind)),
        currency=draw(st.sampled_from(["usd", "eur"])),
        paid=paid,
        committed=committed,
        age_days=draw(st.integers(0, 500)),
        is_disputed=draw(st.booleans()),
        lost=draw(st.just(0) | st.integers(0, paid)),
        automatic_before=draw(st.integers(0, 4)),
    )
    policy = Policy(1, "usd", draw(st.dictionaries(st.sampled_from(PaymentKind), rules)))
    return policy, known, draw(amounts)


@given(cases())
def test_nothing_that_is_not_left_is_ever_granted(case: tuple[Policy, Facts, int]) -> None:
    policy, known, amount = case
    verdict = judge(policy, known, amount)
    if verdict.outcome != Outcome.REFUSED:
        assert 0 < amount <= known.left
        assert not known.is_disputed
        assert not known.is_charged_back
        assert known.age_days <= policy.rule(known.kind).window_days
        share = policy.rule(known.kind).percent_at(known.age_days)
        assert known.committed + amount <= known.paid * share / 100
    assert verdict.sentences
    assert all(sentence.endswith(".") for sentence in verdict.sentences)


@given(cases())
def test_no_person_is_passed_over(case: tuple[Policy, Facts, int]) -> None:
    policy, known, amount = case
    verdict = judge(policy, known, amount)
    rule = policy.rule(known.kind)
    if verdict.outcome == Outcome.AUTOMATIC:
        assert known.currency == policy.currency
        assert known.committed + amount <= rule.automatic_up_to
        assert known.automatic_before < rule.automatic_per_year
        assert rule.two_people_from is None or known.committed + amount < rule.two_people_from
        assert verdict.approvals == 0
    if verdict.outcome == Outcome.NEEDS_APPROVAL:
        assert verdict.approvals == approvals_for(policy, known, amount) >= 1


@given(cases())
def test_less_is_never_harder_to_get_than_more(case: tuple[Policy, Facts, int]) -> None:
    policy, known, amount = case
    order = [Outcome.AUTOMATIC, Outcome.NEEDS_APPROVAL, Outcome.REFUSED]
    more, less = (judge(policy, known, one) for one in (amount, max(1, amount // 2)))
    assert order.index(less.outcome) <= order.index(more.outcome)
    if more.outcome != Outcome.REFUSED:
        assert less.approvals <= more.approvals


@given(cases())
def test_the_terms_promise_what_the_verdict_keeps(case: tuple[Policy, Facts, int]) -> None:
    policy, known, _amount = case
    offered = terms(policy, known)
    if offered.is_refundable:
        assert judge(policy, known, offered.most).outcome != Outcome.REFUSED
    assert judge(policy, known, offered.most + 1).outcome == Outcome.REFUSED
    if offered.automatic_up_to:
        assert judge(policy, known, offered.automatic_up_to).outcome == Outcome.AUTOMATIC
    assert judge(policy, known, offered.automatic_up_to + 1).outcome != Outcome.AUTOMATIC


@given(cases())
def test_a_policy_is_kept_as_it_is(case: tuple[Policy, Facts, int]) -> None:
    policy = case[0]
    assert policy_from_json(policy.version, policy.currency, policy.as_json()) == policy


@pytest.mark.parametrize(
    ("changes", "amount", "outcome", "approvals"),
    [
        ({}, 2900, Outcome.AUTOMATIC, 0),
        ({}, 2901, Outcome.REFUSED, 0),
        ({"age_days": 14}, 2900, Outcome.AUTOMATIC, 0),
        ({"age_days": 15}, 1451, Outcome.REFUSED, 0),
        ({"age_days": 15}, 1450, Outcome.AUTOMATIC, 0),
        ({"age_days": 31}, 1, Outcome.REFUSED, 0),
        ({"automatic_before": 2}, 100, Outcome.NEEDS_APPROVAL, 1),
        ({"paid": 9000}, 3001, Outcome.NEEDS_APPROVAL, 1),
        ({"paid": 9000, "committed": 2900}, 200, Outcome.NEEDS_APPROVAL, 1),
        ({"paid": 20_000}, 10_000, Outcome.NEEDS_APPROVAL, 2),
        ({"paid": 20_000, "committed": 8000}, 2000, Outcome.NEEDS_APPROVAL, 2),
        ({"currency": "eur"}, 100, Outcome.NEEDS_APPROVAL, 2),
        ({"is_disputed": True}, 100, Outcome.REFUSED, 0),
        ({"lost": 100}, 100, Outcome.REFUSED, 0),
        ({"kind": PaymentKind.OFFLINE}, 100, Outcome.REFUSED, 0),
    ],
)
def test_by_example(changes: dict[str, Any], amount: int, outcome: Outcome, approvals: int) -> None:
    verdict = judge(POLICY, facts(**changes), amount)
    assert (verdict.outcome, verdict.approvals, verdict.version) == (outcome, approvals, 3)


def test_the_words() -> None:
    assert judge(POLICY, facts(), 2900).sentences == (
        "All of it is refundable within 14 days of the payment.",
        "Up to $30.00 of a payment is approved automatically.",
    )
    assert judge(POLICY, facts(age_days=40), 100).sentences == (
        "Payments of this kind are refundable for 30 days.",
    )
    assert terms(POLICY, facts(age_days=20)).days_left == 10


@pytest.mark.parametrize(
    "wrong",
    [
        {"shares": (Share(0, 100),)},
        {"shares": (Share(10, 101),)},
        {"shares": (Share(10, 50), Share(20, 50))},
        {"shares": (Share(10, 50), Share(10, 40))},
        {"automatic_up_to": -1},
        {"two_people_from": 0},
    ],
)
def test_rules_that_contradict_themselves_are_refused(wrong: dict[str, Any]) -> None:
    with pytest.raises(PolicyError):
        Rule(**wrong)
