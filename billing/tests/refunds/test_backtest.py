"""The back-test: every request of a year as of its own day, under two policies."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone
from hypothesis import given
from hypothesis import strategies as st

from billing.models import Customer, Payment, Refund
from billing.refunds import backtest
from billing.refunds import service as refunds
from billing.refunds import terms as refund_terms
from billing.refunds.backtest import Asked, Past, PolicyResult, compare, fate_of, replay
from billing.refunds.policy import Facts, Outcome, PaymentKind, Policy, Rule, Share
from billing.refunds.terms import rules_of
from billing.tests import factories, refund_world
from billing.tests.refund_world import policy, refund_request
from common.money import Money

START = datetime(2026, 1, 1, tzinfo=UTC)


def rules(automatic: int, per_year: int = 2, two: int | None = 10_000, days: int = 30) -> Policy:
    rule = Rule((Share(days, 100),), automatic, per_year, two)
    return Policy(1, "usd", dict.fromkeys(PaymentKind, rule))


def asked(amount: int, day: int = 0, member: int = 1, age: int = 3, **facts: int) -> Asked:
    """Return a request of a $200.00 payment, on a day of the year."""
    values: dict[str, Any] = {"paid": 20_000, "committed": 0, **facts}
    known = Facts(PaymentKind.SINGLE, "usd", age_days=age, **values)
    return Asked(
        Refund(customer=Customer(user_id=member)), START + timedelta(days=day), amount, known
    )


def results(past: Sequence[Asked], by: Policy) -> list[PolicyResult]:
    return [fate_of(verdict) for verdict in replay(Past(past), by)]


def test_each_request_has_one_of_four_fates() -> None:
    past = [asked(2000), asked(5000), asked(15_000), asked(2000, age=31)]
    assert results(past, rules(3000)) == [
        PolicyResult.AUTOMATIC,
        PolicyResult.ONE,
        PolicyResult.TWO,
        PolicyResult.REFUSED,
    ]


def test_a_policys_own_approvals_count_against_its_limit_of_a_year() -> None:
    past = [asked(2000, day) for day in (0, 10, 20, 366)]
    assert results(past, rules(3000)) == [
        PolicyResult.AUTOMATIC,
        PolicyResult.AUTOMATIC,
        PolicyResult.ONE,
        PolicyResult.AUTOMATIC,
    ]
    assert results(past, rules(1000)) == [PolicyResult.ONE] * 4
    others = [asked(2000, 0), asked(2000, 1, member=2), asked(2000, 2), asked(2000, 3, member=2)]
    assert results(others, rules(3000)) == [PolicyResult.AUTOMATIC] * 4


def test_approvals_of_the_year_before_count_too() -> None:
    before = {1: [START - timedelta(days=5), START - timedelta(days=366)]}
    past = Past([asked(2000, 0), asked(2000, 1)], before)
    assert [fate_of(one) for one in replay(past, rules(3000))] == [
        PolicyResult.AUTOMATIC,
        PolicyResult.ONE,
    ]


def test_the_answer_says_what_changes_and_for_how_much() -> None:
    past = Past([asked(2000), asked(5000), asked(15_000)])
    replayed = compare(past, rules(0), rules(6000))
    tally = {one.result: one for one in replayed.tallies}
    assert replayed.count == 3
    assert (tally[PolicyResult.AUTOMATIC].before, tally[PolicyResult.AUTOMATIC].after) == (0, 2)
    assert tally[PolicyResult.AUTOMATIC].more == [Money(7000, "usd")]
    assert tally[PolicyResult.ONE].more == [Money(-7000, "usd")]
    assert tally[PolicyResult.TWO].more == []
    assert [(one.before, one.after) for one in replayed.changes] == [
        (PolicyResult.ONE, PolicyResult.AUTOMATIC)
    ] * 2
    assert "approved automatically" in str(replayed.changes[0].reasons[-1])


requests = st.lists(
    st.builds(
        asked,
        amount=st.integers(1, 25_000),
        day=st.integers(0, 365),
        member=st.integers(1, 3),
        age=st.integers(0, 60),
    ),
    max_size=12,
).map(lambda asked: sorted(asked, key=lambda one: one.at))
policies = st.builds(
    rules, st.integers(0, 20_000), st.integers(0, 3), st.none() | st.integers(1, 20_000)
)


@given(requests, policies, policies)
def test_no_request_and_no_amount_is_lost(past: list[Asked], old: Policy, new: Policy) -> None:
    replayed = compare(Past(past), old, new)
    assert sum(one.before for one in replayed.tallies) == len(past)
    assert sum(one.after for one in replayed.tallies) == len(past)
    total = sum(one.amount for one in past)
    for column in ("money_before", "money_after"):
        sums = [money.amount for one in replayed.tallies for money in getattr(one, column)]
        assert sum(sums) == total
    assert sum(money.amount for one in replayed.tallies for money in one.more) == 0


@given(requests, policies)
def test_a_policy_changes_nothing_against_itself(past: list[Asked], same: Policy) -> None:
    replayed = compare(Past(past), same, same)
    assert replayed.changes == []
    assert not any(one.more for one in replayed.tallies)


# Facts from rows


@pytest.fixture
def alice(db: None) -> User:
    return factories.make_member()


@pytest.fixture
def payment(alice: User) -> Payment:
    """A payment of $150.00 made twenty days ago."""
    made = timezone.now() - timedelta(days=20)
    customer = factories.make_customer(alice)
    return factories.make_payment(customer, amount=15_000, created_at=made, paid_at=made)


def move_back(row: Refund, days: int) -> None:
    Refund.objects.filter(pk=row.pk).update(created_at=timezone.now() - timedelta(days=days))


def test_facts_are_those_of_the_day(alice: User, payment: Payment) -> None:
    policy()
    bob = refund_world.approver("Bob Baker")
    denied = refunds.request(alice, payment.pk, refund_request(5000))
    refunds.deny(denied.pk, bob, "Not so soon.")
    less = refunds.request(alice, payment.pk, refund_request(6000))
    refunds.approve(less.pk, bob, 4000)
    last = refunds.request(alice, payment.pk, refund_request(5000))
    refunds.give(
        factories.make_payment(payment.customer, amount=5000).pk, bob, refund_request(1000)
    )  # no request: it is not judged again
    for row, days in ((denied, 12), (less, 10), (last, 2)):
        move_back(row, days)
    requests = backtest.past_year().requests
    assert [one.refund.pk for one in requests] == [denied.pk, less.pk, last.pk]
    assert [one.facts.age_days for one in requests] == [8, 10, 18]
    assert [one.facts.committed for one in requests] == [0, 0, 4000]
    assert [one.facts.left for one in requests] == [15_000, 15_000, 11_000]
    assert [one.amount for one in requests] == [5000, 6000, 5000]


def test_what_failed_since_still_held_its_amount_then(alice: User, payment: Payment) -> None:
    policy()
    first = refunds.request(alice, payment.pk, refund_request(2000))
    second = refunds.request(alice, payment.pk, refund_request(3000))
    Refund.objects.filter(pk=first.pk).update(state="failed")
    by_refund = {one.refund.pk: one.facts for one in backtest.past_year().requests}
    assert by_refund[second.pk].committed == 2000


def test_the_policy_that_judged_judges_the_same_again(alice: User, payment: Payment) -> None:
    judged_by = rules_of(policy())
    for amount in (1000, 1000, 1000, 6000):
        row = refunds.request(alice, payment.pk, refund_request(amount))
        if row.is_undecided:
            refunds.deny(row.pk, refund_world.approver(f"Bob {amount}"), "No.")
    past = backtest.past_year()
    again = replay(past, judged_by)
    kept = [one.refund.verdict for one in past.requests]
    assert [one.as_json() for one in again] == kept
    assert {one["outcome"] for one in kept} == {Outcome.AUTOMATIC, Outcome.NEEDS_APPROVAL}


def test_only_a_year_is_looked_at_and_in_few_queries(alice: User, payment: Payment) -> None:
    policy(automatic_up_to=20_000, automatic_per_year=9, two_people_from=None)
    old = refunds.request(alice, payment.pk, refund_request(100))
    new = refunds.request(alice, payment.pk, refund_request(200))
    move_back(old, 400)
    with CaptureQueriesContext(connection) as few:
        past = backtest.past_year()
    assert len(few) == 3
    assert [one.refund.pk for one in past.requests] == [new.pk]
    assert list(past.approvals) == [payment.customer.user_id]
    for _ in range(4):
        refunds.request(alice, payment.pk, refund_request(100))
    with CaptureQueriesContext(connection) as many:
        backtest.past_year()
    assert len(many) == 3
    assert refund_terms.current_policy().version == 2
