"""Refunds from the request to the bank, with Stripe's part played by the sandbox."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from io import StringIO
from typing import Any, get_type_hints

import pytest
from django.contrib.auth.models import User
from django.core.exceptions import PermissionDenied
from django.core.management import CommandError, call_command
from django.db import transaction

from billing.core import refund_times
from billing.core.jobs import JobName
from billing.core.statuses import (
    DecisionState,
    RefundAction,
    RefundOrigin,
    RefundReason,
    RefundState,
)
from billing.membership import cancellation, switch_options, switching
from billing.models import (
    Customer,
    MembershipDecision,
    Payment,
    Refund,
    RefundEntry,
    Subscription,
)
from billing.reconcile import history
from billing.refunds import service as refunds
from billing.refunds import terms as refund_terms
from billing.refunds import transitions as refund_transitions
from billing.refunds.policy import PaymentKind, Rule, Share
from billing.refunds.transitions import RefundError
from billing.sync import catalog
from billing.tests import factories, refund_world, staff_world
from billing.tests.life import deliver, paid_member, sign_up, subscribe
from billing.tests.refund_world import ask, pay, policy, refund_request
from conftest import Sandbox, run_jobs

pytestmark = pytest.mark.django_db


@pytest.fixture
def alice(sandbox: Sandbox) -> User:
    """A member who has paid once; refunds up to $30.00 are approved at once, twice a year."""
    user = paid_member(sandbox)
    policy()
    return user


@pytest.fixture
def payment(alice: User) -> Payment:
    return Payment.objects.for_user(alice).get()


@pytest.fixture
def bob() -> User:
    """Somebody of the staff who approves."""
    return refund_world.approver("Bob Baker")


@pytest.fixture
def carol() -> User:
    """Somebody of the staff who approves large refunds, too."""
    return refund_world.approver("Carol Chen", large=True)


def at_stripe(sandbox: Sandbox, payment: Payment) -> list[tuple[int, str]]:
    """Return amount and status of each refund that Stripe has of a payment."""
    listed = sandbox.stripe.v1.refunds.list({"payment_intent": payment.stripe_id})
    return sorted((one.amount, one.status or "") for one in listed.data)


def steps(row: Refund) -> list[str]:
    return [str(entry.action) for entry in row.entries.all()]


def test_what_the_policy_allows_is_approved_and_sent_at_once(
    sandbox: Sandbox, alice: User, payment: Payment
) -> None:
    row = ask(alice, payment, 900)
    assert (row.state, row.approvals_needed) == (RefundState.APPROVED, 0)
    run_jobs()
    row.refresh_from_db()
    assert row.state == RefundState.SUCCEEDED
    assert at_stripe(sandbox, payment) == [(900, "succeeded")]
    assert steps(row) == ["requested", "approved_by_policy", "sending", "stripe"]
    payment.refresh_from_db()
    assert payment.amount_refunded == 900
    deliver(sandbox.events())
    deliver(sandbox.events())
    assert Refund.objects.count() == 1
    assert RefundEntry.objects.count() == 4


def test_a_person_decides_above_the_limit(
    sandbox: Sandbox, alice: User, payment: Payment, bob: User
) -> None:
    policy(automatic_up_to=500)
    row = ask(alice, payment, 2900)
    assert row.state == RefundState.REQUESTED
    assert "Only up to $5.00 is approved automatically." in row.verdict["reasons"]
    run_jobs()
    assert at_stripe(sandbox, payment) == []
    refunds.approve(row.pk, bob, 2000, "You used a third of it.")
    run_jobs()
    row.refresh_from_db()
    assert (row.state, row.amount, row.amount_asked) == (RefundState.SUCCEEDED, 2000, 2900)
    assert (row.decided_by, row.answer) == (bob, "You used a third of it.")
    assert at_stripe(sandbox, payment) == [(2000, "succeeded")]


def test_denied_with_words_and_the_amount_is_free_again(
    alice: User, payment: Payment, bob: User
) -> None:
    policy(automatic_up_to=0)
    row = ask(alice, payment, 2900)
    with pytest.raises(RefundError, match="Say why"):
        refunds.deny(row.pk, bob, "  ")
    refunds.deny(row.pk, bob, "The workshop took place.")
    row.refresh_from_db()
    assert (row.state, row.answer) == (RefundState.DENIED, "The workshop took place.")
    with pytest.raises(RefundError, match="Denied"):
        refunds.approve(row.pk, bob)
    assert ask(alice, payment, 2900).state == RefundState.REQUESTED


def test_withdrawn_while_nobody_has_decided(alice: User, payment: Payment, bob: User) -> None:
    policy(automatic_up_to=0)
    row = ask(alice, payment, 2900)
    refunds.withdraw(alice, row.pk)
    with pytest.raises(RefundError, match="Withdrawn"):
        refunds.approve(row.pk, bob)
    with pytest.raises(RefundError, match="already decided"):
        refunds.withdraw(alice, row.pk)


def test_one_request_at_a_time_and_one_a_form(alice: User, payment: Payment) -> None:
    policy(automatic_up_to=0)
    form = refund_request(1000)
    row = refunds.request(alice, payment.pk, form)
    assert refunds.request(alice, payment.pk, form) == row
    with pytest.raises(RefundError, match="already requested a refund of this payment"):
        ask(alice, payment, 500)
    assert Refund.objects.count() == 1


def test_a_form_sent_twice_makes_one_refund_also_where_it_is_approved_at_once(
    sandbox: Sandbox, alice: User, payment: Payment
) -> None:
    form = refund_request(900)
    refunds.request(alice, payment.pk, form)
    run_jobs()
    refunds.request(alice, payment.pk, form)
    run_jobs()
    assert at_stripe(sandbox, payment) == [(900, "succeeded")]


def test_never_more_than_was_paid(sandbox: Sandbox, alice: User, payment: Payment) -> None:
    ask(alice, payment, 2000)
    run_jobs()
    with pytest.raises(RefundError, match=r"Up to \$9.00"):
        ask(alice, payment, 901)
    ask(alice, payment, 900)
    run_jobs()
    with pytest.raises(RefundError, match="refunded or requested already"):
        ask(alice, payment, 1)
    assert at_stripe(sandbox, payment) == [(900, "succeeded"), (2000, "succeeded")]


def test_a_stranger_finds_no_payment(sandbox: Sandbox, alice: User, payment: Payment) -> None:
    mallory = paid_member(sandbox, "Mallory Moss")
    with pytest.raises(RefundError, match="no such payment"):
        ask(mallory, payment, 100)
    policy(automatic_up_to=0)
    row = ask(alice, payment, 100)
    with pytest.raises(RefundError, match="no such request"):
        refunds.withdraw(mallory, row.pk)


# Who may decide


def test_only_staff_with_the_permission_decide(alice: User, payment: Payment, bob: User) -> None:
    policy(automatic_up_to=0)
    row = ask(alice, payment, 100)
    decisions: list[Callable[[User], object]] = [
        lambda who: refunds.approve(row.pk, who),
        lambda who: refunds.deny(row.pk, who, "No."),
        lambda who: refunds.ask_second(row.pk, who, "Hm."),
        lambda who: refunds.give(payment.pk, who, refund_request(100)),
    ]
    for nobody in (alice, staff_world.auditor(), sign_up("Nora Nobody")):
        for decide in decisions:
            with pytest.raises(PermissionDenied):
                decide(nobody)
    bob.is_active = False
    bob.save()
    with pytest.raises(PermissionDenied):
        refunds.approve(row.pk, bob)


@pytest.mark.slow
def test_nobody_decides_on_their_own(sandbox: Sandbox, bob: User, carol: User) -> None:
    pay(sandbox, bob)
    policy(automatic_up_to=0)
    payment = Payment.objects.for_user(bob).get()
    row = ask(bob, payment, 100)
    decisions: list[Callable[[], object]] = [
        lambda: refunds.approve(row.pk, bob),
        lambda: refunds.deny(row.pk, bob, "No."),
        lambda: refunds.give(payment.pk, bob, refund_request(100)),
    ]
    for decide in decisions:
        with pytest.raises(RefundError, match="own"):
            decide()
    refunds.approve(row.pk, carol)


def test_large_refunds_take_two_people(
    sandbox: Sandbox, alice: User, payment: Payment, bob: User, carol: User
) -> None:
    policy(automatic_up_to=0, two_people_from=2000)
    row = ask(alice, payment, 2500)
    assert row.approvals_needed == 2
    refunds.approve(row.pk, bob, 2400)
    row.refresh_from_db()
    assert (row.state, row.approvals_given) == (RefundState.REQUESTED, 1)
    with pytest.raises(RefundError, match="somebody else"):
        refunds.approve(row.pk, bob)
    with pytest.raises(PermissionDenied):
        refunds.approve(row.pk, refund_world.approver("Dan Dunn"))
    with pytest.raises(RefundError, match=r"\$24.00"):
        refunds.approve(row.pk, carol, 2500)
    refunds.approve(row.pk, carol)
    run_jobs()
    row.refresh_from_db()
    assert (row.state, row.first_approved_by, row.decided_by) == ("succeeded", bob, carol)
    assert steps(row)[:3] == ["requested", "approved_first", "approved"]


def test_parts_do_not_slip_below_the_limit_of_two_people(
    alice: User, payment: Payment, bob: User
) -> None:
    policy(automatic_up_to=0, two_people_from=2000)
    refunds.approve(ask(alice, payment, 1500).pk, bob)
    assert ask(alice, payment, 500).approvals_needed == 2


def test_a_second_person_can_be_asked_for(
    alice: User, payment: Payment, bob: User, carol: User
) -> None:
    policy(automatic_up_to=0)
    row = ask(alice, payment, 100)
    refunds.ask_second(row.pk, bob, "I know her.")
    refunds.approve(row.pk, bob)
    row.refresh_from_db()
    assert row.is_undecided
    refunds.approve(row.pk, carol)
    row.refresh_from_db()
    assert row.state == RefundState.APPROVED


def test_goodwill_needs_no_request_and_obeys_the_rule_of_two(
    sandbox: Sandbox, alice: User, payment: Payment, bob: User, carol: User
) -> None:
    policy(automatic_up_to=0, two_people_from=2000, shares=())
    row = refunds.give(payment.pk, bob, refund_request(500, RefundReason.GOODWILL))
    assert (row.state, row.origin, row.decided_by) == ("approved", RefundOrigin.STAFF, bob)
    run_jobs()
    large = refunds.give(payment.pk, bob, refund_request(1500, RefundReason.GOODWILL))
    assert large.is_undecided
    with pytest.raises(RefundError, match="somebody else"):
        refunds.approve(large.pk, bob)
    with pytest.raises(RefundError, match="decide on that one"):
        refunds.give(payment.pk, carol, refund_request(1))
    refunds.approve(large.pk, carol)
    run_jobs()
    assert at_stripe(sandbox, payment) == [(500, "succeeded"), (1500, "succeeded")]
    with pytest.raises(RefundError, match=r"\$9.00 is left"):
        refunds.give(payment.pk, carol, refund_request(901))


def test_an_invoice_is_refunded_from_its_newest_payment(
    sandbox: Sandbox, alice: User, payment: Payment, carol: User
) -> None:
    invoice = payment.invoice
    assert invoice
    given = refunds.give_on_invoice(invoice.pk, carol, refund_request(1000, RefundReason.GOODWILL))
    assert [(row.payment, row.amount) for row in given] == [(payment, 1000)]
    with pytest.raises(RefundError, match=r"\$19.00 can be refunded"):
        refunds.give_on_invoice(invoice.pk, carol, refund_request(2000))
    assert Refund.objects.count() == 1


# Sending


@pytest.mark.slow
@pytest.mark.parametrize("trouble", ["api_fail", "api_answer_lost"])
def test_trouble_at_stripe_never_makes_two(
    sandbox: Sandbox, alice: User, payment: Payment, trouble: str
) -> None:
    row = ask(alice, payment, 900)
    sandbox.control("switches", **{trouble: 1})
    for _ in range(3):
        refund_world.run_jobs_under_faults()
        refund_world.make_jobs_due()
    row.refresh_from_db()
    assert row.problem == "Not sent yet: Stripe did not answer. We try again by ourselves."
    sandbox.control("switches", **{trouble: 0})
    refund_world.make_jobs_due()
    run_jobs()
    row.refresh_from_db()
    assert row.state == RefundState.SUCCEEDED
    assert at_stripe(sandbox, payment) == [(900, "succeeded")]


def test_killed_after_stripes_answer_and_run_days_later(
    sandbox: Sandbox, alice: User, payment: Payment
) -> None:
    """Stripe has forgotten the idempotency key by then: the metadata says that it is done."""
    row = ask(alice, payment, 900)
    params: Any = {
        "payment_intent": payment.stripe_id,
        "amount": 900,
        "metadata": {"portal_refund": str(row.key)},
    }
    sandbox.stripe.v1.refunds.create(params)
    Refund.objects.filter(pk=row.pk).update(state=RefundState.SENDING)
    run_jobs()
    row.refresh_from_db()
    assert row.state == RefundState.SUCCEEDED
    assert at_stripe(sandbox, payment) == [(900, "succeeded")]


def test_a_key_that_stripe_does_not_accept_fails_nothing(
    alice: User, payment: Payment, settings: Any
) -> None:
    row = ask(alice, payment, 900)
    settings.STRIPE_SECRET_KEY = ""
    refund_world.run_jobs_under_faults()
    row.refresh_from_db()
    assert row.state == RefundState.SENDING
    assert "STRIPE_SECRET_KEY" in row.problem
    settings.STRIPE_SECRET_KEY = "sk_test_sandbox"
    refund_world.make_jobs_due()
    run_jobs()
    row.refresh_from_db()
    assert (row.state, row.problem) == (RefundState.SUCCEEDED, "")


def test_refunded_in_the_dashboard_meanwhile(
    sandbox: Sandbox, alice: User, payment: Payment, bob: User
) -> None:
    """Stripe refuses ours: it says why, and the one of the dashboard is adopted."""
    row = ask(alice, payment, 900)
    params: Any = {"payment_intent": payment.stripe_id}
    sandbox.stripe.v1.refunds.create(params)
    run_jobs()
    row.refresh_from_db()
    assert (row.state, row.problem) == (
        RefundState.FAILED,
        "All of this payment was refunded already.",
    )
    adopted = Refund.objects.exclude(pk=row.pk).get()
    assert (adopted.origin, adopted.state, adopted.amount) == ("stripe", "succeeded", 2900)
    assert steps(adopted) == ["found"]


def test_refunded_as_fraud_in_the_dashboard_has_that_reason(
    sandbox: Sandbox, payment: Payment
) -> None:
    params: Any = {"payment_intent": payment.stripe_id, "amount": 900, "reason": "fraudulent"}
    sandbox.stripe.v1.refunds.create(params)
    deliver(sandbox.events())
    assert Refund.objects.get().reason == RefundReason.REPORTED_AS_FRAUD


def test_a_dashboard_refund_overtakes_what_waits(
    sandbox: Sandbox, alice: User, payment: Payment
) -> None:
    policy(automatic_up_to=0)
    row = ask(alice, payment, 900)
    params: Any = {"payment_intent": payment.stripe_id, "amount": 2500}
    sandbox.stripe.v1.refunds.create(params)
    deliver(sandbox.events())
    row.refresh_from_db()
    assert (row.state, row.answer) == (
        RefundState.DENIED,
        "This payment was refunded another way in the meantime.",
    )
    assert refund_terms.committed_of(payment) == 2500


def test_metadata_written_by_hand_takes_no_row_over(
    sandbox: Sandbox, alice: User, payment: Payment
) -> None:
    policy(automatic_up_to=0)
    row = ask(alice, payment, 900)
    params: Any = {
        "payment_intent": payment.stripe_id,
        "amount": 900,
        "metadata": {"portal_refund": str(row.key)},
    }
    sandbox.stripe.v1.refunds.create(params)
    deliver(sandbox.events())
    row.refresh_from_db()
    assert (row.state, row.stripe_id) == (RefundState.REQUESTED, None)
    assert Refund.objects.exclude(pk=row.pk).get().origin == RefundOrigin.STRIPE


def test_an_empty_balance_makes_it_wait_and_then_arrive(
    sandbox: Sandbox, alice: User, payment: Payment
) -> None:
    sandbox.control("balance", available=0)
    row = ask(alice, payment, 2900)
    run_jobs()
    row.refresh_from_db()
    assert row.state == RefundState.PENDING
    sandbox.control("clock", advance_seconds=4 * 86_400)
    deliver(sandbox.events())
    row.refresh_from_db()
    assert row.state == RefundState.SUCCEEDED
    assert row.succeeded_at


@pytest.mark.slow
def test_a_refund_that_fails_later_reopens_the_case(sandbox: Sandbox) -> None:
    alice = paid_member(sandbox, card="4000000000005126")
    policy()
    payment = Payment.objects.for_user(alice).get()
    row = ask(alice, payment, 2900)
    run_jobs()
    row.refresh_from_db()
    assert row.state == RefundState.SUCCEEDED
    sandbox.control("clock", advance_seconds=2 * 86_400)
    deliver(sandbox.events())
    row.refresh_from_db()
    assert (row.state, row.failure_reason) == (RefundState.FAILED, "lost_or_stolen_card")
    assert steps(row)[-1] == RefundAction.REOPENED
    assert refund_terms.terms_of(Payment.objects.get()).most == 2900


@pytest.mark.slow
def test_a_disputed_payment_is_refused_by_stripe_with_a_sentence(sandbox: Sandbox) -> None:
    alice = paid_member(sandbox, card="4000000000000259")
    policy()
    payment = Payment.objects.for_user(alice).get()
    row = ask(alice, payment, 900)
    sandbox.control("clock", advance_seconds=86_400)
    run_jobs()
    row.refresh_from_db()
    assert row.state == RefundState.FAILED
    assert "taken this payment back" in row.problem


@pytest.mark.slow
def test_while_the_bank_decides_and_after_it_has_nothing_is_refunded(
    sandbox: Sandbox, bob: User
) -> None:
    alice = sign_up()
    subscribe(sandbox, alice, card="4000000000000259")
    sandbox.control("clock", advance_seconds=86_400)
    deliver(sandbox.events())
    policy()
    payment = Payment.objects.for_user(alice).get()
    with pytest.raises(RefundError, match="asked your bank to return"):
        ask(alice, payment, 100)
    with pytest.raises(RefundError, match="taken this payment back"):
        refunds.give(payment.pk, bob, refund_request(100))
    sandbox.control("clock", advance_seconds=30 * 86_400)
    deliver(sandbox.events())
    assert payment.disputes.get().status == "lost"
    with pytest.raises(RefundError, match="already returned this payment"):
        ask(alice, payment, 100)


# What goes with it


@pytest.mark.parametrize(("amount", "ends_at_once"), [(2900, True), (1500, False), (900, False)])
def test_leaving_too(
    sandbox: Sandbox, alice: User, payment: Payment, amount: int, ends_at_once: bool
) -> None:
    refunds.request(alice, payment.pk, refund_request(amount, cancels_membership=True))
    run_jobs()
    row = Subscription.objects.for_user(alice).get()
    assert (row.status == "canceled") is ends_at_once
    assert bool(row.ends_at or row.ended_at)


def test_a_credit_note_where_it_is_wanted(
    sandbox: Sandbox, alice: User, payment: Payment, settings: Any
) -> None:
    settings.REFUND_CREDIT_NOTES = True
    row = ask(alice, payment, 900)
    run_jobs()
    deliver(sandbox.events())
    row.refresh_from_db()
    notes = sandbox.stripe.v1.credit_notes.list({}).data
    assert [(note.id, note.amount) for note in notes] == [(row.credit_note_id, 900)]
    refund_transitions.enqueue(JobName.MAKE_CREDIT_NOTE, row)
    Refund.objects.update(credit_note_id="")
    run_jobs()
    assert len(sandbox.stripe.v1.credit_notes.list({}).data) == 1


def test_the_sweep_finds_what_was_never_sent(
    sandbox: Sandbox, alice: User, payment: Payment
) -> None:
    from billing import tasks

    row = ask(alice, payment, 900)
    refund_world.forget_jobs()
    tasks.sweep_refunds(0)
    run_jobs()
    assert at_stripe(sandbox, payment) == []
    overdue = row.decided_at - refund_times.NOT_SENT_SWEEP if row.decided_at else None
    Refund.objects.update(decided_at=overdue)
    tasks.sweep_refunds(0)
    run_jobs()
    assert at_stripe(sandbox, payment) == [(900, "succeeded")]


def test_a_step_changes_columns_that_exist_and_the_state_only_by_its_move() -> None:
    columns = {field.name for field in Refund._meta.concrete_fields}
    assert columns >= set(get_type_hints(refund_transitions.Columns))
    assert "state" not in get_type_hints(refund_transitions.Columns)


def test_there_is_no_way_back_from_the_end(alice: User, payment: Payment, bob: User) -> None:
    policy(automatic_up_to=0)
    row = ask(alice, payment, 900)
    refunds.deny(row.pk, bob, "No.")
    with transaction.atomic():
        locked = refund_transitions.locked(row.pk)
        with pytest.raises(RefundError, match="can't become"):
            refund_transitions.move(locked, RefundState.APPROVED, RefundAction.APPROVED, actor=bob)
    assert Customer.objects.get(user=alice).refunds.get().state == RefundState.DENIED


def test_the_rules_of_a_kind(alice: User, payment: Payment) -> None:
    assert refund_terms.kind_of(payment) == PaymentKind.MEMBERSHIP
    refund_terms.save_policy({PaymentKind.SINGLE: Rule((Share(10, 100),))}, "", alice)
    with pytest.raises(RefundError, match="aren’t refundable"):
        ask(alice, payment, 100)


# Compared with Stripe


def compared(*arguments: str) -> tuple[str, bool]:
    """Run `reconcile`; return what it printed and whether all agrees."""
    printed = StringIO()
    try:
        call_command("reconcile", *arguments, stdout=printed)
    except CommandError as error:
        return f"{printed.getvalue()}{error}", False
    return printed.getvalue(), True


@pytest.mark.slow
def test_a_refund_that_never_reached_us_is_found_and_repaired(
    sandbox: Sandbox, alice: User, payment: Payment
) -> None:
    params: Any = {"payment_intent": payment.stripe_id, "amount": 900}
    made = sandbox.stripe.v1.refunds.create(params)
    refund_world.forget_events(sandbox)
    printed, agrees = compared()
    assert not agrees
    assert f"({made.id}): Not in our records. Found at Stripe." in printed
    assert compared("--repair")[1]
    assert (Refund.objects.get().stripe_id, Refund.objects.get().origin) == (made.id, "stripe")
    assert compared()[1]


@pytest.mark.slow
def test_a_refund_that_differs_is_named_and_read_again(
    sandbox: Sandbox, alice: User, payment: Payment
) -> None:
    row = ask(alice, payment, 900)
    run_jobs()
    deliver(sandbox.events())
    waiting = Refund.objects.get()
    assert compared()[1], "What is not with Stripe yet is none of its business."
    Refund.objects.filter(pk=row.pk).update(state="pending", reference="")
    printed, agrees = compared()
    assert not agrees
    assert f"({waiting.stripe_id}), state: Pending here, Succeeded at Stripe" in printed
    assert compared("--repair")[1]
    row.refresh_from_db()
    assert row.state == RefundState.SUCCEEDED


def test_history_brings_refunds_in(sandbox: Sandbox, alice: User, payment: Payment) -> None:
    params: Any = {"payment_intent": payment.stripe_id, "amount": 900}
    sandbox.stripe.v1.refunds.create(params)
    history.read_history(Customer.objects.get(user=alice).stripe_id)
    assert Refund.objects.get().state == RefundState.SUCCEEDED


# What an attacker and a bookkeeper found


def switch_to_yearly(sandbox: Sandbox, user: User, settings: Any) -> None:
    """Switch as the member would, with all events delivered."""
    settings.STRIPE_YEARLY_PRICE_ID = "price_membership_yearly"
    catalog.sync_current_plan()
    row = Subscription.objects.for_user(user).get()
    choice = switch_options.choices(row)[0]
    switching.switch(user, choice, switching.preview(row, choice).token)
    deliver(sandbox.events())


def test_what_a_switch_has_credited_is_not_refunded_as_well(
    sandbox: Sandbox, alice: User, payment: Payment, settings: Any
) -> None:
    switch_to_yearly(sandbox, alice, settings)
    credited = refund_terms.committed_of(payment)
    assert 2800 <= credited <= 2900
    left = refund_terms.facts_of(payment).left
    with pytest.raises(RefundError):
        ask(alice, payment, left + 1)
    yearly = Payment.objects.for_user(alice).exclude(pk=payment.pk).get()
    assert refund_terms.committed_of(yearly) == 0


def test_no_switch_while_the_running_period_is_being_refunded(
    sandbox: Sandbox, alice: User, payment: Payment, settings: Any
) -> None:
    policy(automatic_up_to=0)
    ask(alice, payment, 100)
    with pytest.raises(cancellation.MembershipError, match="reviewing your refund request"):
        switch_to_yearly(sandbox, alice, settings)


@pytest.mark.parametrize(
    ("evidence", "says"),
    [("", "once it decides"), ("losing_evidence", "reversed this period’s payment")],
)
def test_what_a_bank_takes_back_does_not_become_credit(
    sandbox: Sandbox, alice: User, payment: Payment, settings: Any, evidence: str, says: str
) -> None:
    sandbox.control(f"charges/{payment.charge_id}/dispute")
    if evidence:
        dispute = sandbox.stripe.v1.disputes.list().data[0]
        params: Any = {"evidence": {"uncategorized_text": evidence}, "submit": True}
        sandbox.stripe.v1.disputes.update(dispute.id, params)
        sandbox.control("clock", advance_seconds=2 * 86_400)
    deliver(sandbox.events())
    with pytest.raises(cancellation.MembershipError, match=says):
        switch_to_yearly(sandbox, alice, settings)


@pytest.mark.slow
@pytest.mark.parametrize("answer", ["arrives", "is lost"])
def test_no_refund_while_a_switch_is_not_quite_here(
    sandbox: Sandbox, alice: User, payment: Payment, bob: User, settings: Any, answer: str
) -> None:
    settings.STRIPE_YEARLY_PRICE_ID = "price_membership_yearly"
    catalog.sync_current_plan()
    row = Subscription.objects.for_user(alice).get()
    choice = switch_options.choices(row)[0]
    token = switching.preview(row, choice).token
    policy(automatic_up_to=0)
    switching.switch(alice, choice, token)
    if answer == "is lost":
        # What is written where Stripe did it and its answer did not come.
        MembershipDecision.objects.update(state=DecisionState.FAILED)
    for attempt in (
        partial(ask, alice, payment, 500),
        partial(refunds.give, payment.pk, bob, refund_request(500)),
    ):
        with pytest.raises(RefundError, match="still being confirmed"):
            attempt()
    # The webhooks come, and what was credited is known.
    deliver(sandbox.events())
    assert not refund_terms.is_switching(Payment.objects.get(pk=payment.pk))
    with pytest.raises(RefundError):
        ask(alice, payment, 500)


def test_an_invoice_refunded_twice_with_one_form_is_refunded_once(carol: User) -> None:
    policy()
    invoice = factories.make_invoice(factories.make_customer())
    for _ in range(2):
        factories.make_payment(invoice=invoice, amount=1000, amount_received=1000)
    form = refund_request(1000, RefundReason.GOODWILL)
    first = refunds.give_on_invoice(invoice.pk, carol, form)
    assert refunds.give_on_invoice(invoice.pk, carol, form) == first
    assert Refund.objects.count() == 1
    with pytest.raises(RefundError, match="more than nothing"):
        refunds.give_on_invoice(invoice.pk, carol, refund_request(0))


def test_a_key_belongs_to_one_payment(alice: User, payment: Payment, bob: User) -> None:
    form = refund_request(100)
    refunds.give(payment.pk, bob, form)
    run_jobs()
    other = factories.make_payment(customer=payment.customer)
    for use in (partial(refunds.give, other.pk, bob), partial(refunds.request, alice, other.pk)):
        with pytest.raises(RefundError, match="has expired"):
            use(form)


def test_nobody_loosens_the_rule_of_two_for_themselves(
    alice: User, payment: Payment, bob: User, carol: User
) -> None:
    policy(two_people_from=1000)
    loose = Rule((Share(30, 100),))
    for _ in range(2):
        refund_terms.save_policy(dict.fromkeys(PaymentKind, loose), "For me.", carol)
    assert refunds.give(payment.pk, carol, refund_request(1500)).is_undecided
    row = Refund.objects.get()
    refunds.deny(row.pk, carol, "No.")
    assert refunds.give(payment.pk, bob, refund_request(1500)).state == RefundState.APPROVED


def test_the_last_part_of_a_period_ends_the_membership_at_once(
    sandbox: Sandbox, alice: User, payment: Payment
) -> None:
    ask(alice, payment, 2000)
    run_jobs()
    refunds.request(alice, payment.pk, refund_request(900, cancels_membership=True))
    run_jobs()
    assert Subscription.objects.for_user(alice).get().status == "canceled"
