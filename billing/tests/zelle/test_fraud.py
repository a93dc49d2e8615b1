"""What somebody may try in order to have money count twice, or for the wrong person."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.utils import timezone
from pytest_django.fixtures import Settings

from billing.bank.files import WrongFileError
from billing.core.bank_statuses import AllocationState, ExpectedState
from billing.models import (
    BankAccount,
    BankLine,
    BankTransfer,
    Payment,
    PaymentRequest,
    Subscription,
)
from billing.refunds import by_zelle
from billing.refunds import service as refunds
from billing.refunds.transitions import RefundError
from billing.tests.factories import PRICE_ID, make_member
from billing.tests.refund_world import policy, refund_request
from billing.tests.zelle.bank import (
    Money,
    came,
    expect,
    file_of,
    make_account,
    memo_of,
    pay,
    staff,
    trust,
)
from billing.tests.zelle.world import make_terms
from billing.zelle import allocating, candidates, importing
from billing.zelle.checks import AllocationError
from conftest import Sandbox, run_jobs
from portal.backoffice.close_account import close_account

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


# Money that counts twice


@pytest.mark.parametrize("step", ["asked", "approved", "sent", "left"])
def test_money_that_is_being_refunded_is_not_freed_for_another_payment(
    alice: User, manager: User, step: str
) -> None:
    paid = pay(expect(alice), manager)
    row = refunds.request(alice, Payment.objects.get().pk, refund_request(2900))
    if step != "asked":
        refunds.approve(row.pk, manager)
    if step in ("sent", "left"):
        by_zelle.mark_sent(row.pk, manager, "30000000001")
    if step == "left":
        came(Money("ALICE ARCHER", -2900, "30000000001"))
        run_jobs()
        assert Payment.objects.get().amount_refunded == 2900
    with pytest.raises(AllocationError, match="refund"):
        allocating.undo(paid.allocations.get().pk, manager, "It was Bob's")
    paid.refresh_from_db()
    assert paid.state == ExpectedState.CONFIRMED


def test_after_a_denied_refund_it_can_be_undone(alice: User, manager: User) -> None:
    paid = pay(expect(alice), manager)
    row = refunds.request(alice, Payment.objects.get().pk, refund_request(2900))
    refunds.deny(row.pk, manager, "It was Bob's money.")
    allocating.undo(paid.allocations.get().pk, manager, "It was Bob's")
    paid.refresh_from_db()
    assert paid.state == ExpectedState.WAITING


def test_what_is_undone_is_not_refunded_before_stripe_has_heard_of_it(
    sandbox: Sandbox, alice: User, manager: User
) -> None:
    paid = pay(expect(alice), manager)
    sandbox.control("switches", api_fail=1)
    allocating.undo(paid.allocations.get().pk, manager, "It was Bob's")
    payment = Payment.objects.get()
    with pytest.raises(RefundError):
        refunds.request(alice, payment.pk, refund_request(2900))
    with pytest.raises(RefundError):
        refunds.give(payment.pk, manager, refund_request(2900))


def test_the_same_file_on_two_accounts_is_refused(alice: User, manager: User) -> None:
    pay(expect(alice), manager)
    again = BankAccount.objects.create(name="Checking 2")
    content = file_of([Money(), Money(number="27250625099")])
    for run in (importing.preview, lambda *said: importing.store(said[0], "a.csv", said[1], None)):
        with pytest.raises(WrongFileError, match="Chase checking"):
            run(again, content)
    assert BankTransfer.objects.count() == 1


def test_other_columns_do_not_make_new_lines_of_known_ones(alice: User, manager: User) -> None:
    pay(expect(alice), manager)
    account = BankAccount.objects.get()
    account.mapping = {
        "bank": "Mine",
        "day": "Posting Date",
        "description": "Description",
        "amount": "Amount",
        "balance": "Balance",
    }
    account.save()
    with pytest.raises(WrongFileError, match="other columns"):
        importing.store(account, "again.csv", file_of([Money()]), None)
    assert BankLine.objects.count() == 1
    assert BankTransfer.objects.count() == 1


# Whose money it is


def test_whose_account_it_comes_from_is_only_what_the_member_says(
    alice: User, manager: User
) -> None:
    thief = make_member("Theo Thief")
    expect(thief, payer_name="ALICE ARCHER")
    came(Money("ALICE ARCHER"))
    assert candidates.sure() == []


def test_a_claimed_name_does_not_beat_the_members_own(manager: User) -> None:
    true = make_member("Alexandra Archer")
    thief = make_member("Theo Thief")
    expect(true)
    expect(thief, payer_name="ALEX ARCHER")
    came(Money("ALEX ARCHER"))
    assert candidates.sure() == []


def test_staff_do_not_count_a_file_of_their_own_for_themselves(manager: User) -> None:
    own = expect(manager)
    account = make_account(mapping=WITH_MEMO)
    importing.store(account, "mine.csv", with_memo(memo_of(own)), manager)
    own.refresh_from_db()
    assert own.state == ExpectedState.ANNOUNCED
    row = own.allocations.get()
    assert row.state == AllocationState.PROPOSED
    with pytest.raises(AllocationError):
        allocating.confirm(row.pk, manager)
    allocating.confirm(row.pk, staff("Sam Second"))


WITH_MEMO = {
    "bank": "Mine",
    "day": "Date",
    "description": "Description",
    "amount": "Amount",
    "memo": "Memo",
}


def with_memo(memo: str) -> bytes:
    return (
        "Date,Description,Amount,Memo\r\n"
        f'03/28/2026,Zelle payment from MIA MANAGER,29.00,"{memo}"\r\n'
    ).encode()


# Four eyes


def test_parts_of_one_transfer_do_not_get_around_two_people(alice: User, manager: User) -> None:
    bob = make_member("Bob Baker")
    transfer = came(Money(amount=10_000))
    first, second = expect(alice, 5000), expect(bob, 5000)
    rows = allocating.allocate(transfer.pk, {first.pk: 5000, second.pk: 5000}, manager)
    assert {row.state for row in rows} == {AllocationState.PROPOSED}


def test_nor_do_they_one_after_the_other(alice: User, manager: User) -> None:
    bob = make_member("Bob Baker")
    transfer = came(Money(amount=10_000))
    first, second = expect(alice, 5000), expect(bob, 5000)
    allocating.allocate(transfer.pk, {first.pk: 5000}, manager)
    [row] = allocating.allocate(transfer.pk, {second.pk: 5000}, manager)
    assert row.state == AllocationState.PROPOSED


def test_nor_do_parts_of_one_payment(alice: User, manager: User) -> None:
    expected = expect(alice, 10_000)
    came(Money(amount=5000), Money(amount=5000, number="27250625042"))
    first, second = BankTransfer.objects.order_by("pk")
    allocating.allocate(first.pk, {expected.pk: 5000}, manager)
    [row] = allocating.allocate(second.pk, {expected.pk: 5000}, manager)
    assert row.state == AllocationState.PROPOSED


# Old prices


def test_an_expired_reference_does_not_keep_an_old_price(alice: User, settings: Settings) -> None:
    settings.ZELLE_PRICE_ID = "price_new"
    over: dict[str, Any] = {"state": ExpectedState.EXPIRED, "closed_at": timezone.now()}
    old = expect(alice, purpose="membership", price_id="price_old", **over)
    account = make_account(mapping=WITH_MEMO)
    importing.store(account, "a.csv", with_memo(memo_of(old)), None)
    old.refresh_from_db()
    assert old.state == ExpectedState.EXPIRED
    assert BankTransfer.objects.unmatched().exists()


def test_nor_does_it_outlive_its_payment_request(alice: User) -> None:
    ended = timezone.now() - timedelta(days=1)
    asked = PaymentRequest.objects.create(
        user=alice, amount=2900, currency="usd", description="Early bird", expires_at=ended
    )
    over: dict[str, Any] = {"state": ExpectedState.EXPIRED, "closed_at": timezone.now()}
    old = expect(alice, purpose="request", request=asked, **over)
    account = make_account(mapping=WITH_MEMO)
    importing.store(account, "a.csv", with_memo(memo_of(old)), None)
    old.refresh_from_db()
    assert old.state == ExpectedState.EXPIRED


@pytest.mark.parametrize("state", [ExpectedState.WAITING, ExpectedState.EXPIRED])
def test_money_for_somebody_who_left_is_for_staff(alice: User, state: ExpectedState) -> None:
    left = expect(alice, purpose="membership", state=state, closed_at=timezone.now())
    close_account(alice)
    account = make_account(mapping=WITH_MEMO)
    importing.store(account, "a.csv", with_memo(memo_of(left)), None)
    left.refresh_from_db()
    assert left.state in (ExpectedState.CANCELED, ExpectedState.EXPIRED)
    assert BankTransfer.objects.unmatched().exists()


def test_no_membership_begins_for_somebody_who_left_before_it_was_booked(
    alice: User, manager: User
) -> None:
    paid = expect(alice, purpose="membership", price_id=PRICE_ID)
    transfer = came(Money())
    allocating.allocate(transfer.pk, {paid.pk: 2900}, manager)
    close_account(alice)
    run_jobs()
    paid.refresh_from_db()
    assert paid.booked_at
    assert not Subscription.objects.exists()
    assert Payment.objects.get().is_by_zelle
