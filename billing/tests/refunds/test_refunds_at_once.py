"""Several people decide at the same moment, on real connections: one outcome, one refund."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from typing import Any

import pytest
from django.contrib.auth.models import User

from billing.core.statuses import RefundState
from billing.models import Payment, Refund
from billing.refunds import ledger, sending
from billing.refunds import service as refunds
from billing.refunds.transitions import RefundError
from billing.tests import factories
from billing.tests.life import sign_up
from billing.tests.refund_world import approver, ask, pay, policy, refund_request
from conftest import Sandbox
from testing.own_database import at_once

ROUNDS = 5


@pytest.fixture(autouse=True)
def proved_ledger(own_database: None, settings: Any) -> Iterator[None]:
    """A database of each test's own, whose ledger is proved in the end."""
    settings.LEDGER_HEADS_FILE = ""
    yield
    assert ledger.verify().problems == []


@pytest.fixture
def alice(own_database: None) -> User:
    user = factories.make_member()
    factories.make_customer(user)
    policy(automatic_up_to=0)
    return user


def new_payment(user: User, **fields: Any) -> Payment:
    return factories.make_payment(customer=user.customers.get(), **fields)


def errors(outcomes: list[Any]) -> list[str]:
    """Return what was refused; nothing else may have gone wrong."""
    assert all(isinstance(outcome, Refund | RefundError) for outcome in outcomes), outcomes
    return [str(outcome) for outcome in outcomes if isinstance(outcome, RefundError)]


@pytest.mark.slow
def test_two_approvals_make_one(alice: User) -> None:
    people = [approver(f"Approver {number}") for number in range(3)]
    for _ in range(ROUNDS):
        row = ask(alice, new_payment(alice), 900)
        outcomes = at_once([partial(refunds.approve, row.pk, who) for who in people])
        assert len(errors(outcomes)) == len(people) - 1
        assert [str(one.action) for one in row.entries.all()] == ["requested", "approved"]


@pytest.mark.slow
def test_approve_against_withdraw_against_deny_has_one_outcome(alice: User) -> None:
    bob, carol = approver("Bob Baker"), approver("Carol Chen")
    ends = set()
    for _ in range(ROUNDS):
        row = ask(alice, new_payment(alice), 900)
        outcomes = at_once(
            [
                partial(refunds.approve, row.pk, bob),
                partial(refunds.withdraw, alice, row.pk),
                partial(refunds.deny, row.pk, carol, "No."),
            ]
        )
        assert len(errors(outcomes)) == 2
        row.refresh_from_db()
        ends.add(row.state)
        assert row.entries.count() == 2
    assert ends <= {RefundState.APPROVED, RefundState.WITHDRAWN, RefundState.DENIED}


def test_one_person_who_clicks_twice_is_one_of_two(alice: User) -> None:
    policy(automatic_up_to=0, two_people_from=500)
    bob = approver("Bob Baker", large=True)
    row = ask(alice, new_payment(alice), 900)
    outcomes = at_once([lambda: refunds.approve(row.pk, bob)] * 3)
    assert len(errors(outcomes)) == 2
    row.refresh_from_db()
    assert (row.state, row.first_approved_by) == (RefundState.REQUESTED, bob)


@pytest.mark.slow
def test_two_tabs_make_one_request(alice: User) -> None:
    for _ in range(ROUNDS):
        payment = new_payment(alice)
        outcomes = at_once([partial(ask, alice, payment, 900)] * 4)
        assert len(errors(outcomes)) == 3
        assert payment.refunds.count() == 1


def test_a_double_click_makes_one_refund(alice: User) -> None:
    policy()
    payment, form = new_payment(alice), refund_request(900)
    outcomes = at_once([lambda: refunds.request(alice, payment.pk, form)] * 4)
    assert errors(outcomes) == []
    assert payment.refunds.count() == 1


def test_the_yearly_number_of_automatic_approvals_holds_across_payments(alice: User) -> None:
    policy(automatic_per_year=1)
    payments = [new_payment(alice) for _ in range(4)]
    at_once([partial(ask, alice, one, 900) for one in payments])
    states = sorted(Refund.objects.values_list("state", flat=True))
    assert states == ["approved", "requested", "requested", "requested"]


def test_the_yearly_number_holds_across_a_members_customers(alice: User) -> None:
    policy(automatic_per_year=1)
    customers = [*alice.customers.all(), *(factories.make_customer(alice) for _ in range(3))]
    payments = [factories.make_payment(customer=one) for one in customers]
    at_once([partial(ask, alice, one, 900) for one in payments])
    states = sorted(Refund.objects.values_list("state", flat=True))
    assert states == ["approved", "requested", "requested", "requested"]


def test_goodwill_from_many_hands_stays_within_what_was_paid(alice: User) -> None:
    people = [approver(f"Giver {number}") for number in range(5)]
    payment = new_payment(alice, amount=2900, amount_received=2900)
    outcomes = at_once(
        [partial(refunds.give, payment.pk, who, refund_request(900)) for who in people]
    )
    assert len(errors(outcomes)) == 2
    assert sum(payment.refunds.values_list("amount", flat=True)) == 2700


@pytest.mark.slow
def test_a_job_that_runs_three_times_at_once_makes_one_refund(
    sandbox: Sandbox, own_database: None
) -> None:
    user = sign_up()
    pay(sandbox, user)
    policy()
    payment = Payment.objects.for_user(user).get()
    row = ask(user, payment, 900)
    sandbox.control("switches", api_latency=0.2)
    at_once([lambda: sending.send(row.pk)] * 3)
    sandbox.control("switches", api_latency=0)
    sending.send(row.pk)
    row.refresh_from_db()
    assert row.state == RefundState.SUCCEEDED
    made = sandbox.stripe.v1.refunds.list({"payment_intent": payment.stripe_id})
    assert [one.amount for one in made.data] == [900]
