"""What banks say, in whatever order, ends in the same rows; and what counts does so once."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from datetime import date, timedelta
from email.utils import format_datetime
from itertools import count
from random import Random
from typing import Any

import pytest
from django.contrib.auth.models import Permission, User
from django.db import transaction
from django.utils import timezone
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from pytest_django.fixtures import Settings

from billing.bank.files import WrongFileError
from billing.bank.mails.trust import KeysUnavailableError
from billing.core.bank_statuses import AllocationState, ExpectedState, MailState
from billing.models import (
    Allocation,
    BankFile,
    BankLine,
    BankMail,
    BankTransfer,
    ExpectedTransfer,
    KnownPayer,
    ZelleTerms,
)
from billing.tests.bank import signed
from billing.tests.factories import make_member
from billing.tests.refund_world import policy
from billing.tests.zelle.bank import (
    Money,
    expect,
    file_of,
    make_account,
    memo_of,
    trust,
)
from billing.tests.zelle.world import make_terms
from billing.zelle import allocating, candidates, expecting, importing, receiving
from emails.models import Message
from testing.thorough import examples

pytestmark = pytest.mark.django_db
TODAY = date(2026, 3, 28)


@pytest.fixture(autouse=True)
def _bank(settings: Settings) -> None:
    trust(settings)
    make_terms()


@pytest.fixture
def alice() -> User:
    return make_member("Alice Archer")


def receive(content: bytes) -> BankMail | None:
    return receiving.receive(content, "a test")


def state_of(expected: ExpectedTransfer) -> str:
    return ExpectedTransfer.objects.get(pk=expected.pk).state


def test_a_mail_that_names_a_payment_announces_it_and_the_file_proves_it(alice: User) -> None:
    expected = expect(alice)
    money = Money(memo=f"for yoga {memo_of(expected).lower()}")
    mail = receive(money.mail())
    assert mail
    assert mail.state == MailState.VERIFIED
    assert state_of(expected) == ExpectedState.ANNOUNCED
    file = importing.store(make_account(), "march.csv", file_of([money]), None)
    assert (file.lines_new, file.lines_known) == (1, 0)
    assert state_of(expected) == ExpectedState.CONFIRMED
    [transfer] = BankTransfer.objects.all()
    assert transfer.is_proved
    assert transfer.mail == mail
    assert KnownPayer.objects.get().user == alice


def test_the_file_may_come_first(alice: User) -> None:
    expected = expect(alice)
    money = Money(memo=memo_of(expected))
    importing.store(make_account(), "march.csv", file_of([money]), None)
    assert state_of(expected) == ExpectedState.WAITING
    receive(money.mail())
    assert state_of(expected) == ExpectedState.CONFIRMED
    assert BankTransfer.objects.count() == 1


def test_an_announced_payment_counts_at_once_only_within_the_owners_limits(alice: User) -> None:
    terms = make_terms_trusting(5000, 6000)
    first, second, third = (
        expect(alice, amount, purpose="invoice") for amount in (2900, 2901, 6000)
    )
    receive(Money(memo=memo_of(first), number="100000001").mail())
    assert state_of(first) == ExpectedState.CONFIRMED
    receive(Money(memo=memo_of(third), amount=6000, number="100000003").mail())
    assert state_of(third) == ExpectedState.ANNOUNCED
    terms.trusted_a_day = 5000
    terms.save()
    receive(Money(memo=memo_of(second), amount=2901, number="100000002").mail())
    assert state_of(second) == ExpectedState.ANNOUNCED


def make_terms_trusting(amount: int, a_day: int) -> ZelleTerms:
    terms = ZelleTerms.objects.get()
    terms.confirms_by_itself, terms.trusted_amount, terms.trusted_a_day = True, amount, a_day
    terms.save()
    return terms


@pytest.mark.parametrize("amount", [2899, 2901])
def test_another_amount_is_never_counted_by_itself(alice: User, amount: int) -> None:
    make_terms_trusting(100_000, 100_000)
    expected = expect(alice)
    money = Money(memo=memo_of(expected), amount=amount)
    receive(money.mail())
    importing.store(make_account(), "march.csv", file_of([money]), None)
    assert state_of(expected) == ExpectedState.WAITING
    assert not Allocation.objects.exists()


@pytest.mark.parametrize(
    "forge",
    [
        lambda money: money.mail(signs=False),
        lambda money: money.mail(domain="chase.com.example"),
        lambda money: money.mail(headers={"From": "Chase <no.reply.alerts@chase.co>"}),
        lambda money: money.mail(headers={"To": "friend@elsewhere.example"}),
        lambda money: money.mail().replace(b"$29.00", b"$29.01"),
        lambda money: money.mail(length=True) + b"more",
    ],
)
def test_no_forged_mail_ever_counts_and_staff_see_it(alice: User, forge: Any) -> None:
    make_terms_trusting(100_000, 100_000)
    expected = expect(alice)
    mail = receive(forge(Money(memo=memo_of(expected))))
    assert mail
    assert mail.state == MailState.UNVERIFIED
    assert mail.problem
    assert state_of(expected) == ExpectedState.WAITING
    assert not BankTransfer.objects.exists()


def test_a_forged_mail_does_not_take_the_place_of_the_true_one(alice: User) -> None:
    expected = expect(alice)
    money = Money(memo=memo_of(expected))
    receive(money.mail(signs=False))
    true = receive(money.mail())
    assert true
    assert true.state == MailState.VERIFIED
    assert state_of(expected) == ExpectedState.ANNOUNCED


def test_a_mail_counts_once_however_it_comes_again(alice: User) -> None:
    first, second = expect(alice), expect(alice, 2901, purpose="invoice")
    money = Money(memo=memo_of(first))
    receive(money.mail())
    receive(money.mail())
    again = receive(money.mail(headers={"Subject": "You received money with Zelle(R)"}))
    other = receive(money.but(memo=memo_of(second)).mail(headers={"Message_ID": "<2@chase.com>"}))
    assert [one and one.state for one in (again, other)] == [MailState.REPEATED] * 2
    assert BankTransfer.objects.count() == Allocation.objects.count() == 1
    assert state_of(second) == ExpectedState.WAITING


def test_what_is_about_something_else_is_not_kept() -> None:
    assert receive(signed.sign(signed.mail(Subject="Your statement is ready"))) is None
    assert receive(signed.mail(From="Anna <anna@home.example>", Subject="Dinner?")) is None
    assert not BankMail.objects.exists()


def test_a_mail_of_the_bank_in_an_unknown_form_is_for_staff() -> None:
    now = format_datetime(timezone.now())
    mail = receive(signed.sign(signed.mail("<p>SAM DOE sent you money: lots</p>", Date=now)))
    assert mail
    assert mail.state == MailState.UNREADABLE
    assert mail.problem
    assert not BankTransfer.objects.exists()


def test_without_keys_nothing_is_decided(settings: Settings) -> None:
    settings.BANK_MAIL_KEYS = {}

    def out(*args: object, **named: object) -> None:
        raise OSError("no network")

    with pytest.MonkeyPatch.context() as patched:
        patched.setattr("dns.resolver.resolve", out)
        with pytest.raises(KeysUnavailableError):
            receive(Money().mail())
        assert not BankMail.objects.exists()
        mail = receiving.receive(Money().mail(), "a test", keys_can_wait=False)
    assert mail
    assert mail.state == MailState.UNVERIFIED


def test_a_wrong_file_leaves_nothing_behind() -> None:
    account = make_account()
    with pytest.raises(WrongFileError):
        importing.store(account, "photo.png", b"\x89PNG\r\n\x1a\n\0\0", None)
    assert not BankFile.objects.exists()
    assert not BankLine.objects.exists()


def test_a_preview_says_what_an_import_does() -> None:
    account = make_account()
    known, new = Money(number="100000001"), Money(number="100000002", on=TODAY + timedelta(days=1))
    importing.store(account, "a.csv", file_of([known]), None)
    content = file_of([known, new])
    preview = importing.preview(account, content)
    assert [line.transfer and line.transfer.transaction for line in preview.new] == ["100000002"]
    assert preview.known == 1
    file = importing.store(account, "b.csv", content, None)
    assert (file.lines_new, file.lines_known) == (len(preview.new), preview.known)
    assert importing.preview(account, content).new == []


# Whatever the order


NAMES = ["SAM DOE", "Doe Sam", "KIM PARK"]
TOLD = st.lists(
    st.tuples(
        st.sampled_from(NAMES),
        st.sampled_from([2900, 5000]),
        st.integers(0, 4),
        st.booleans(),  # whether the bank names its number in the file
        st.booleans(),  # whether it names a payment in the memo
    ),
    min_size=1,
    max_size=6,
)


def as_money(
    told: Sequence[tuple[str, int, int, bool, bool]], memos: dict[int, str]
) -> list[Money]:
    numbers = count(27_250_625_000)
    free = dict(memos)
    found = []
    for name, amount, day, _, names_payment in told:
        memo = free.pop(amount, "N/A") if names_payment else "N/A"
        found.append(Money(name, amount, str(next(numbers)), memo, TODAY + timedelta(days=day)))
    return sorted(found, key=lambda one: one.on)


def rows() -> tuple[Any, ...]:
    """Everything that's stored, without keys and times."""
    lines = Counter(BankLine.objects.values_list("posted_on", "amount", "description", "balance"))
    transfers = Counter(
        BankTransfer.objects.values_list(
            "on", "amount", "name", "memo", "mail__transaction", "line__description"
        )
    )
    allocations = Counter(
        Allocation.objects.values_list("transfer__memo", "expected__reference", "amount", "state")
    )
    states = dict(ExpectedTransfer.objects.values_list("reference", "state"))
    return lines, transfers, allocations, states


class Undo(Exception):
    """Takes back what an example stored."""


@hypothesis_settings(max_examples=examples(few=12, many=150), deadline=None)
@given(TOLD, st.randoms(use_true_random=False))
def test_any_order_split_overlap_and_repetition_ends_in_the_same_rows(
    told: Any, chance: Random
) -> None:
    ends = []
    references = {2900: "7K3P4", 5000: "0000A"}
    for is_mixed in (False, True):
        try:
            with transaction.atomic():
                ends.append(_story(told, references, chance if is_mixed else None))
                raise Undo
        except Undo:
            continue
    assert ends[0] == ends[1]
    lines, transfers, allocations, _ = ends[0]
    assert sum(lines.values()) == sum(transfers.values()) == len(told)
    assert sum(amount for (_, amount, *_), times in lines.items() for _ in range(times)) == sum(
        amount for (_, amount, *_), times in transfers.items() for _ in range(times)
    )
    assert all(times == 1 for times in allocations.values())


def _story(told: Any, references: dict[int, str], chance: Random | None) -> tuple[Any, ...]:
    """Hand in all mails and files, in order or mixed up, and return the rows."""
    member = make_member("Alice Archer")
    account = make_account()
    memos = {}
    for amount, reference in references.items():
        memos[amount] = memo_of(expect(member, amount, reference=reference, purpose="invoice"))
    moved = as_money(told, memos)
    in_file = [
        one if named else one.but(number="")
        for one, (*_, named, _) in zip(moved, told, strict=True)
    ]
    mails = [one.mail() for one in moved]
    whole = file_of(in_file)
    acts: list[Any] = [(receive, mail) for mail in mails]
    if chance is None:
        acts.append((_import(account), whole))
    else:
        header, *body = whole.decode().split("\r\n")
        body = [line for line in body if line]
        acts += [(receive, mail) for mail in mails if chance.random() < 0.5]
        for _ in range(chance.randint(1, 3)):
            first, last = sorted(chance.sample(range(len(body) + 1), 2))
            part = "\r\n".join([header, *body[first:last], ""])
            if last > first:
                acts.append((_import(account), part.encode()))
        acts.append((_import(account), whole))
        chance.shuffle(acts)
    for act, content in acts:
        act(content)
    return rows()


def _import(account: Any) -> Any:
    return lambda content: importing.store(account, "a file", content, None)


def test_money_for_a_payment_that_two_transfers_name_is_counted_once(alice: User) -> None:
    expected = expect(alice)
    for number in ("100000001", "100000002"):
        receive(Money(memo=memo_of(expected), number=number).mail())
    assert Allocation.objects.count() == 1
    assert candidates.sure() == []


def test_a_known_payer_is_sure_and_a_stranger_is_not(alice: User) -> None:
    account = make_account()
    first = expect(alice)
    money = Money("J SMITH", memo=memo_of(first), number="100000001")
    receive(money.mail())
    importing.store(account, "a.csv", file_of([money]), None)
    second = expect(alice, 3100)
    importing.store(account, "b.csv", file_of([Money("J SMITH", 3100, "100000002")]), None)
    [(transfer, best)] = candidates.sure()
    assert best.awaited.pk == second.pk
    assert transfer.amount == 3100
    assert Allocation.objects.filter(state=AllocationState.CONFIRMED).count() == 1


def make_boss() -> User:
    """Return somebody who may match money."""
    policy()
    boss = make_member("Bea Boss", is_staff=True)
    boss.user_permissions.add(Permission.objects.get(codename="match_bank_transfer"))
    return boss


def test_the_rest_is_announced_too_and_asked_for_again_if_that_is_undone(alice: User) -> None:
    boss = make_boss()
    expected = expect(alice)
    receive(Money(memo="yoga", amount=2000, number="100000001").mail())
    first = BankTransfer.objects.get()
    allocating.allocate(first.pk, {expected.pk: 2000}, boss)
    assert state_of(expected) == ExpectedState.WAITING
    receive(Money(memo=memo_of(expected), amount=900, number="100000002").mail())
    assert state_of(expected) == ExpectedState.ANNOUNCED
    rest = Allocation.objects.get(state="proposed")
    allocating.undo(rest.pk, boss, "It was for something else")
    assert state_of(expected) == ExpectedState.WAITING


def test_a_part_that_counts_leaves_the_announced_rest_announced(alice: User) -> None:
    boss = make_boss()
    expected = expect(alice, 5000)
    receive(Money(memo=memo_of(expected), amount=5000, number="100000001").mail())
    proposed = Allocation.objects.get()
    proposed.amount = 3000
    proposed.save()
    receive(Money(memo="yoga", amount=1000, number="100000002").mail())
    other = BankTransfer.objects.exclude(pk=proposed.transfer_id).get()
    allocating.allocate(other.pk, {expected.pk: 1000}, boss)
    assert state_of(expected) == ExpectedState.ANNOUNCED


def test_a_payment_that_money_of_another_amount_names_neither_expires_nor_is_reminded(
    alice: User,
) -> None:
    now = timezone.now()
    expected = expect(alice, created_at=now - timedelta(days=6), expires_at=now)
    receive(Money(memo=memo_of(expected), amount=1000, on=now.date()).mail())
    ExpectedTransfer.objects.filter(pk=expected.pk).update(expires_at=now + timedelta(days=1))
    expecting.remind()
    assert not Message.objects.filter(kind="zelle_reminder").exists()
    ExpectedTransfer.objects.filter(pk=expected.pk).update(expires_at=now - timedelta(days=9))
    expecting.expire()
    assert state_of(expected) == ExpectedState.WAITING
    ExpectedTransfer.objects.filter(pk=expected.pk).update(expires_at=now - timedelta(days=15))
    expecting.expire()
    assert state_of(expected) == ExpectedState.EXPIRED, "a cent doesn't keep it open for ever"
