"""Whatever members, staff, Stripe and its dashboard do, in whatever order: the invariants hold."""

from __future__ import annotations

import itertools
from contextlib import suppress
from typing import Any

import pytest
import stripe
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from billing.core.jobs import JobName
from billing.core.statuses import REFUND_TO_SEND, REFUND_VOID, RefundState
from billing.models import Payment, Refund, StripeEvent, Subscription
from billing.refunds import ledger
from billing.refunds import service as refunds
from billing.refunds import transitions as refund_transitions
from billing.refunds.transitions import RefundError
from billing.stripe import gateway
from billing.tests.life import deliver, sign_up, subscribe
from billing.tests.refund_world import approver, ask, make_jobs_due, policy, refund_request
from conftest import Sandbox, run_jobs
from testing import thorough
from testing.thorough import examples

pytestmark = pytest.mark.django_db

PAID = 2900
CARDS = ["4242424242424242", "4000000000005126", "4000000000007726"]
amounts = st.sampled_from([1, 500, 900, 1450, 2000, 2900])
numbers = itertools.count(1)


class RefundMachine(RuleBasedStateMachine):
    """One paid payment, and everything that can happen to it."""

    sandbox: Sandbox
    people: list[Any]

    @initialize(card=st.sampled_from(CARDS), at_once=st.sampled_from([0, 1000, 3000]))
    def pay(self, card: str, at_once: int) -> None:
        """A member pays, under some policy."""
        self.calm()
        self.sandbox.control("balance", available=1_000_000)
        self.sandbox.control("switches", refunds_ask=False)
        self.member = sign_up(f"Member{next(numbers)} Machine")
        subscribe(self.sandbox, self.member, card=card)
        self.deliver_all()
        # No renewal comes of the days that pass.
        live = Subscription.objects.for_user(self.member).get()
        self.sandbox.stripe.v1.subscriptions.cancel(live.stripe_id)
        self.deliver_all()
        policy(automatic_up_to=at_once, two_people_from=2500)
        self.payment = Payment.objects.for_user(self.member).get()

    def calm(self) -> None:
        """Let Stripe answer, and every webhook leave."""
        self.sandbox.control("switches", api_fail=0, api_answer_lost=0)

    def deliver_all(self) -> None:
        """Deliver what has not been."""
        known = set(StripeEvent.objects.values_list("stripe_id", flat=True))
        deliver([event for event in self.sandbox.events() if event["id"] not in known])

    def rows(self) -> list[Refund]:
        """Return all refunds of the payment."""
        return list(Refund.objects.filter(payment=self.payment).order_by("pk"))

    def open_row(self) -> Refund | None:
        """Return the request that waits."""
        return Refund.objects.filter(payment=self.payment).undecided().first()

    # What people do

    @rule(amount=amounts)
    def ask(self, amount: int) -> None:
        """The member asks."""
        self.attempt(lambda: ask(self.member, self.payment, amount))

    @precondition(lambda self: self.open_row())
    @rule()
    def withdraw(self) -> None:
        """The member takes it back; what staff gave is not theirs to withdraw."""
        row = self.open_row()
        assert row
        self.attempt(lambda: refunds.withdraw(self.member, row.pk))

    @precondition(lambda self: self.open_row())
    @rule(who=st.integers(0, 2), share=st.sampled_from([1, 2]))
    def approve(self, who: int, share: int) -> None:
        """Somebody agrees, to all or half."""
        row = self.open_row()
        assert row
        self.attempt(
            lambda: refunds.approve(row.pk, self.people[who], max(1, row.amount // share), "Well.")
        )

    @precondition(lambda self: self.open_row())
    @rule(who=st.integers(0, 2))
    def deny(self, who: int) -> None:
        """Somebody refuses."""
        self.attempt(lambda: refunds.deny(self.open_row().pk, self.people[who], "No."))  # type: ignore[union-attr]

    @precondition(lambda self: self.open_row())
    @rule(who=st.integers(0, 2))
    def ask_second(self, who: int) -> None:
        """Somebody is not sure."""
        self.attempt(lambda: refunds.ask_second(self.open_row().pk, self.people[who], "Hm."))  # type: ignore[union-attr]

    @rule(who=st.integers(0, 2), amount=amounts)
    def give(self, who: int, amount: int) -> None:
        """Somebody gives by themselves."""
        self.attempt(
            lambda: refunds.give(self.payment.pk, self.people[who], refund_request(amount))
        )

    def attempt(self, act: Any) -> None:
        """Do something that may be refused with a sentence, and with nothing else."""
        with suppress(RefundError):
            act()

    # What happens elsewhere

    @rule(amount=amounts)
    def dashboard(self, amount: int) -> None:
        """Somebody refunds in Stripe's dashboard."""
        self.calm()
        params: Any = {"payment_intent": self.payment.stripe_id, "amount": amount}
        with suppress(stripe.InvalidRequestError):
            self.sandbox.stripe.v1.refunds.create(params)

    @rule(trouble=st.sampled_from(["none", "api_fail", "api_answer_lost"]))
    def work(self, trouble: str) -> None:
        """The worker runs, with Stripe up, down, or losing its answers."""
        self.calm()
        if trouble != "none":
            self.sandbox.control("switches", **{trouble: 1})
        make_jobs_due()
        try:
            run_jobs()
        except gateway.StripeError:
            assert trouble != "none"
        self.calm()

    @rule()
    def webhooks(self) -> None:
        """All that Stripe has to say arrives."""
        self.calm()
        make_jobs_due()
        self.deliver_all()

    @rule(available=st.sampled_from([0, 1_000_000]))
    def balance(self, available: int) -> None:
        """The account runs dry, or is filled."""
        self.sandbox.control("balance", available=available)

    @rule(asks=st.booleans())
    def ask_where_to(self, asks: bool) -> None:
        """Refunds can't go back to where they came from, or can again."""
        self.sandbox.control("switches", refunds_ask=asks)

    @rule(step=st.sampled_from(["answer", "cancel"]))
    def answer(self, step: str) -> None:
        """The member says where the money is to go, or somebody gives up waiting."""
        for one in gateway.refunds_of(self.payment.stripe_id):
            if one.status == RefundState.REQUIRES_ACTION:
                self.sandbox.control(f"refunds/{one.id}", step=step)

    @rule(days=st.sampled_from([4, 50]))
    def days_pass(self, days: int) -> None:
        """What is pending arrives, what fails later fails, what is not answered is canceled."""
        self.sandbox.control("clock", advance_seconds=days * 86_400)

    # What must hold

    @invariant()
    def never_more_than_was_paid(self) -> None:
        """Here: but for what was sent and not answered. At Stripe: always."""
        if not hasattr(self, "payment"):
            return
        rows = self.rows()
        held = [row.amount for row in rows if row.state not in REFUND_VOID]
        unanswered = [row.amount for row in rows if row.state == RefundState.SENDING]
        assert sum(held) - sum(unanswered) <= PAID
        assert sum(1 for row in rows if row.is_undecided) <= 1

    @invariant()
    def one_refund_a_row(self) -> None:
        """Stripe never has two for one row."""
        if not hasattr(self, "payment"):
            return
        at_stripe = gateway.refunds_of(self.payment.stripe_id)
        keys = [one.key for one in at_stripe if one.key]
        assert len(keys) == len(set(keys))
        assert sum(one.amount for one in at_stripe if one.status not in REFUND_VOID) <= PAID

    def teardown(self) -> None:
        """In the end, without faults, both sides agree and the ledger is proved."""
        if not hasattr(self, "payment"):
            return
        self.calm()
        for row in self.rows():
            if row.state in REFUND_TO_SEND:
                refund_transitions.enqueue(JobName.SEND_REFUND, row)
        make_jobs_due()
        run_jobs()
        self.deliver_all()
        ours = {row.stripe_id: (row.state, row.amount) for row in self.rows() if row.stripe_id}
        theirs = {
            one.id: (one.status, one.amount) for one in gateway.refunds_of(self.payment.stripe_id)
        }
        assert ours == theirs
        assert not [row for row in self.rows() if row.state in REFUND_TO_SEND]
        assert ledger.verify().problems == []


@thorough.MARK
def test_the_invariants_hold_whatever_happens(sandbox: Sandbox, settings: Any) -> None:
    settings.LEDGER_HEADS_FILE = ""
    RefundMachine.sandbox = sandbox
    RefundMachine.people = [
        approver("Ann Able", large=True),
        approver("Ben Blunt"),
        approver("Cat Clear", large=True),
    ]
    run_state_machine_as_test(RefundMachine, settings=MACHINE)


MACHINE = settings(
    max_examples=examples(few=3, many=15),
    stateful_step_count=14,
    deadline=None,
    suppress_health_check=list(HealthCheck),
)
