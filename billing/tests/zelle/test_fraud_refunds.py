"""What somebody may try in order to have a refund by Zelle proved wrongly, or sent twice."""

from __future__ import annotations

from email.utils import format_datetime

import pytest
from django.contrib.auth.models import User
from django.utils import timezone
from pytest_django.fixtures import Settings

from billing.core.statuses import RefundState
from billing.models import BankTransfer, Payment, Refund
from billing.refunds import by_zelle, ledger
from billing.refunds import service as refunds
from billing.refunds import terms as refund_terms
from billing.refunds.transitions import RefundError
from billing.tests.bank import signed
from billing.tests.factories import make_member
from billing.tests.refund_world import policy, refund_request
from billing.tests.zelle.bank import Money, came, expect, pay, staff, trust
from billing.tests.zelle.world import make_terms
from billing.zelle import receiving
from conftest import Sandbox, run_jobs

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _bank(sandbox: Sandbox, settings: Settings) -> None:
    trust(settings)
    make_terms()
    policy()


@pytest.fixture
def alice() -> User:
    return make_member("Alice Archer")


@pytest.fixture
def manager() -> User:
    return staff("Mia Manager")


def sent_refund(payment: Payment, manager: User, amount: int, number: str) -> Refund:
    row = refunds.give(payment.pk, manager, refund_request(amount))
    by_zelle.mark_sent(row.pk, manager, number)
    row.refresh_from_db()
    return row


def test_one_outgoing_line_proves_one_refund(alice: User, manager: User) -> None:
    pay(expect(alice), manager)
    payment = Payment.objects.get()
    first = sent_refund(payment, manager, 1000, "JPM111")
    money = Money("ALICE ARCHER", -1000, "", on=timezone.now().date())
    came(money)
    first.refresh_from_db()
    assert first.state == RefundState.SUCCEEDED
    second = sent_refund(payment, manager, 1000, "JPM222")
    mail = receiving.receive(went(money.but(number="30000000009")), "a test")
    assert mail
    assert mail.state == "verified", mail.problem
    [transfer] = BankTransfer.objects.filter(direction="out")
    assert transfer.mail
    second.refresh_from_db()
    assert second.state == RefundState.PENDING


def went(money: Money) -> bytes:
    body = signed.html(
        name=money.name,
        amount=f"${abs(money.amount) / 100:,.2f}",
        sent_on=f"{money.on:%B %d, %Y}",
        number=money.number,
        memo=money.memo,
    ).replace(f"{money.name} sent you money", f"You sent money to {money.name}")
    headers = {"Date": format_datetime(timezone.now()), "Message_ID": "<out@alerts.chase.com>"}
    return signed.sign(signed.mail(body, Subject="You sent money with Zelle", **headers))


def test_a_line_that_came_before_the_refund_was_marked_as_sent_proves_it(
    alice: User, manager: User
) -> None:
    pay(expect(alice), manager)
    row = refunds.give(Payment.objects.get().pk, manager, refund_request(1000))
    came(Money("ALICE ARCHER", -1000, "30000000001", on=timezone.now().date()))
    by_zelle.mark_sent(row.pk, manager, "30000000001")
    run_jobs()
    row.refresh_from_db()
    assert row.state == RefundState.SUCCEEDED


def test_a_refund_that_left_after_it_was_said_not_to_is_not_given_again(
    alice: User, manager: User
) -> None:
    pay(expect(alice), manager)
    payment = Payment.objects.get()
    row = sent_refund(payment, manager, 2900, "30000000001")
    by_zelle.mark_not_sent(row.pk, manager, "The bank refused it")
    came(Money("ALICE ARCHER", -2900, "30000000001", on=timezone.now().date()))
    run_jobs()
    assert refund_terms.facts_of(payment).left == 0
    assert ledger.verify().problems == []


def test_a_refund_is_not_said_to_be_unsent_once_the_account_has_it(
    alice: User, manager: User
) -> None:
    pay(expect(alice), manager)
    payment = Payment.objects.get()
    row = refunds.give(payment.pk, manager, refund_request(2900))
    came(Money("ALICE ARCHER", -2900, "30000000001", on=timezone.now().date()))
    by_zelle.mark_sent(row.pk, manager, "30000000001")
    run_jobs()
    with pytest.raises(RefundError):
        by_zelle.mark_not_sent(row.pk, manager, "The bank refused it")


def test_a_second_refund_is_stopped_if_the_first_went_out_after_all(
    alice: User, manager: User
) -> None:
    pay(expect(alice), manager)
    payment = Payment.objects.get()
    first = sent_refund(payment, manager, 2900, "30000000001")
    by_zelle.mark_not_sent(first.pk, manager, "The bank refused it")
    second = refunds.give(payment.pk, manager, refund_request(2900))
    came(Money("ALICE ARCHER", -2900, "30000000001", on=timezone.now().date()))
    run_jobs()
    first.refresh_from_db()
    second.refresh_from_db()
    assert (first.state, second.state) == (RefundState.SUCCEEDED, RefundState.CANCELED)
    with pytest.raises(RefundError):
        by_zelle.mark_sent(second.pk, manager, "30000000002")
    assert refund_terms.facts_of(payment).left == 0
    assert ledger.verify().problems == []


def test_one_that_was_sent_twice_is_said(alice: User, manager: User) -> None:
    pay(expect(alice), manager)
    payment = Payment.objects.get()
    first = sent_refund(payment, manager, 2900, "30000000001")
    by_zelle.mark_not_sent(first.pk, manager, "The bank refused it")
    second = sent_refund(payment, manager, 2900, "30000000002")
    came(
        Money("ALICE ARCHER", -2900, "30000000001", on=timezone.now().date()),
        Money("ALICE ARCHER", -2900, "30000000002", on=timezone.now().date()),
    )
    first.refresh_from_db()
    second.refresh_from_db()
    assert (first.state, second.state) == (RefundState.SUCCEEDED, RefundState.SUCCEEDED)
    assert "more" in " ".join(ledger.verify().problems)


def test_two_alike_lines_prove_two_refunds_and_each_line_one(alice: User, manager: User) -> None:
    pay(expect(alice), manager)
    payment = Payment.objects.get()
    first = sent_refund(payment, manager, 1000, "30000000001")
    second = sent_refund(payment, manager, 1000, "30000000002")
    today = timezone.now().date()
    came(Money("ALICE ARCHER", -1000, "30000000002", on=today))
    second.refresh_from_db()
    first.refresh_from_db()
    assert (first.state, second.state) == (RefundState.PENDING, RefundState.SUCCEEDED)
    assert BankTransfer.objects.get(direction="out").refund == second
