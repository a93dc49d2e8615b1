"""All of the bank's money: filters, search, sums that tie to balances, export, and each page."""

from __future__ import annotations

from datetime import date, timedelta
from random import Random
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from billing.bank import references
from billing.core.bank_statuses import AllocationState
from billing.core.statuses import ZELLE, RefundState
from billing.facts.bank_balances import ties
from billing.models import Allocation, BankAccount, BankFile, BankLine, BankTransfer, Refund
from billing.tests import factories, staff_world
from billing.tests.admin.bank.desk import (
    DAY,
    PREFIX,
    account,
    awaits,
    came,
    mail,
    money,
    on_the_account,
    page,
    row,
    terms,
)
from common.money import Money
from common.staff import show
from portal.models import Download
from testing.thorough import examples

pytestmark = pytest.mark.django_db
LIST = "/staff/billing/banktransfer/"


@pytest.fixture
def boss(client: Client) -> Client:
    client.force_login(staff_world.manager())
    return client


@pytest.fixture
def some(db: None) -> dict[str, BankTransfer]:
    """One transfer of each kind."""
    names = ["MATCHED", "PARTLY", "OPEN", "ASIDE"]
    rows = {
        name: money(name, 1000 * place, f"2725062504{place}")
        for place, name in enumerate(names, start=1)
    }
    user = factories.make_member()
    for name, cents in (("MATCHED", 1000), ("PARTLY", 500)):
        Allocation.objects.create(
            transfer=rows[name],
            expected=awaits(user, cents, state="canceled"),
            amount=cents,
            state=AllocationState.CONFIRMED,
        )
    BankTransfer.objects.filter(pk=rows["ASIDE"].pk).update(
        set_aside_at="2026-11-05T10:00Z", set_aside_because="A tip"
    )
    rows["ANNOUNCED"] = BankTransfer.objects.create(
        direction="in", amount=5000, currency="usd", name="ANNOUNCED", memo="for the mat",
        on=DAY - timedelta(days=9), mail=mail("verified", transaction="998877665544"),
    )  # fmt: skip
    on_the_account(row("Zelle payment to OUT GOING 27250699999", -1500, 3000))
    rows["OUT GOING"] = BankTransfer.objects.get(direction="out")
    payment = factories.make_payment(factories.make_customer(user), card_brand=ZELLE)
    Refund.objects.create(
        payment=payment, customer=payment.customer, amount=1500, amount_asked=1500, currency="usd",
        origin="staff", state=RefundState.SUCCEEDED, reference="27250699999",
        created_at=timezone.now(),
    )  # fmt: skip
    return rows


@pytest.mark.parametrize(
    ("query", "names"),
    [
        ("way=out", {"OUT GOING"}),
        ("way=in", {"MATCHED", "PARTLY", "OPEN", "ASIDE", "ANNOUNCED"}),
        ("told=announced", {"ANNOUNCED"}),
        ("told=account", {"MATCHED", "PARTLY", "OPEN", "ASIDE", "OUT GOING"}),
        ("standing=matched", {"MATCHED"}),
        ("standing=partly", {"PARTLY"}),
        ("standing=open", {"PARTLY", "OPEN", "ANNOUNCED"}),
        ("standing=aside", {"ASIDE"}),
        ("standing=refund", {"OUT GOING"}),
        ("on_to=2026-10-31", {"ANNOUNCED"}),
        ("on_from=2026-11-04&on_to=2026-11-04&way=out", {"OUT GOING"}),
        ("q=match", {"MATCHED"}),
        ("q=the+mat", {"ANNOUNCED"}),
        ("q=998877665544", {"ANNOUNCED"}),
        ("q=27250625042", {"PARTLY"}),
        ("q=$30.00", {"OPEN"}),
        ("q=nobody", set()),
    ],
)
def test_each_filter_and_search_finds_its_rows(
    boss: Client, some: dict[str, BankTransfer], query: str, names: set[str]
) -> None:
    answer = boss.get(f"{LIST}?{query}")
    found = {one.name for one in answer.context["cl"].result_list}
    assert found == names


def test_sums_tie_to_the_files_balance_column(boss: Client) -> None:
    on_the_account(
        row("COFFEE", -500, 114_500),
        row("Zelle payment to BOB 27250600001", -2000, 115_000),
        came("JANE DOE", 5000, 117_000, "27250600002"),
        row("DEPOSIT", 12_000, 112_000),
    )
    shown = page(boss, LIST)
    for words in ("$1,000.00", "$50.00", "−$20.00", "$115.00", "$1,145.00", "No file is missing."):
        assert words in shown, words
    [tie] = ties()
    assert tie.is_whole
    assert (tie.opening, tie.closing) == (Money(100_000, "usd"), Money(114_500, "usd"))


def test_a_missing_file_is_said_plainly(boss: Client) -> None:
    on_the_account(came("A", 100, 10_100, "27250600001", date(2026, 9, 1)))
    on_the_account(came("B", 100, 30_100, "27250600002", date(2026, 11, 1)))
    shown = page(boss, LIST)
    assert (
        "A file is missing: the balance is $101.00 on Sep 1, 2026, and goes on with $300.00 on"
        " Nov 1, 2026. The lines between come to $199.00."
    ) in shown
    on_the_account(row("RENT IN", 19_900, 30_000, date(2026, 10, 1)))
    assert "No file is missing." in page(boss, LIST)


def test_a_bank_without_balances_is_not_compared(boss: Client) -> None:
    mine = account("Plain")
    file = BankFile.objects.create(account=mine, name="x.csv", digest="0" * 64)
    BankLine.objects.create(
        account=mine, file=file, identity="x", number=1, posted_on=DAY, amount=5, kind="other"
    )
    assert "files have no balance" in page(boss, LIST)


@hypothesis_settings(max_examples=examples(few=15, many=150), deadline=None)
@given(
    amounts=st.lists(st.integers(-500, 500).filter(bool), min_size=2, max_size=25),
    missing=st.sets(st.integers(0, 24), max_size=3),
    seed=st.integers(0, 99),
)
def test_every_gap_is_found_in_whatever_order_lines_come(
    amounts: list[int], missing: set[int], seed: int
) -> None:
    BankLine.objects.all().delete()
    mine = BankAccount.objects.get_or_create(name="Any")[0]
    file = BankFile.objects.create(account=mine, name="x.csv", digest="0" * 64)
    balance, rows = 100_000, []
    for place, amount in enumerate(amounts):
        balance += amount
        if place in missing:
            continue
        on = date(2026, 1, 1) + timedelta(days=place // 3)
        rows.append(
            BankLine(
                account=mine, file=file, identity=f"{place}", number=place, posted_on=on,
                amount=amount, kind="other", balance=balance,
            )
        )  # fmt: skip
    Random(seed).shuffle(rows)
    BankLine.objects.bulk_create(rows)
    for tie in ties():
        assert tie.opening is not None
        assert tie.closing is not None
        moved = sum(one.amount for one in rows)
        unseen = sum(one.missing.amount for one in tie.gaps)
        assert tie.opening.amount + moved + unseen == tie.closing.amount
        if tie.is_whole:
            assert tie.opening.amount + moved == tie.closing.amount
        if not missing:
            assert tie.is_whole


def test_the_list_is_downloaded_with_its_filters_and_that_is_recorded(
    boss: Client, some: dict[str, BankTransfer]
) -> None:
    answer: Any = boss.get(f"{LIST}download/csv/?standing=partly")
    text = b"".join(answer.streaming_content).decode("utf-8-sig")
    head, only = text.splitlines()
    assert head.startswith("Date,Direction,Name,Memo,Currency,Amount,Counted,Left,Standing")
    assert only.startswith(
        "2026-11-04,In,PARTLY,,USD,20.00,5.00,15.00,Partly matched,2026-11-04,No"
    )
    taken = Download.objects.get()
    assert (taken.filters, taken.rows) == ("What became of it: Partly matched", 1)


def test_a_page_says_what_the_email_and_the_file_say(boss: Client) -> None:
    told = mail("verified", domain="chase.com", memo="HY-7K3P-4", transaction="27250600002")
    [one] = on_the_account(came("JANE DOE", 5000, 105_000, "27250600002"))
    BankTransfer.objects.filter(pk=one.pk).update(mail=told)
    shown = page(boss, show.page_of(one))
    for words in ("$50.00", "HY-7K3P-4", "Signed by", "chase.com", "27250600002", "$1,050.00"):
        assert words in shown, words
    assert "On the account" in shown
    assert "Nothing yet." in shown


def test_what_is_only_announced_says_so(boss: Client, some: dict[str, BankTransfer]) -> None:
    BankTransfer.objects.filter(name="ANNOUNCED").update(created_at="2026-01-05T10:00Z")
    shown = page(boss, show.page_of(some["ANNOUNCED"]))
    assert "No file has had it yet, so it isn’t proved." in shown
    assert "Import a newer file, or ask your bank." in shown


def test_money_that_went_out_has_no_buttons(boss: Client, some: dict[str, BankTransfer]) -> None:
    shown = page(boss, show.page_of(some["OUT GOING"]))
    assert "−$15.00" in shown
    assert "Refund of $15.00" in shown
    Refund.objects.all().delete()
    assert "No refund that we know." in page(boss, show.page_of(some["OUT GOING"]))
    assert "match_by_hand" not in shown
    assert "match_by_hand" in page(boss, show.page_of(some["OPEN"]))


def test_a_members_page_lists_their_payments_by_zelle(boss: Client) -> None:
    user, other = factories.make_member("Jane Doe"), factories.make_member("Bob Baker")
    awaits(user, 5000, "Guest pass")
    awaits(other, 6000, "Locker key")
    shown = page(boss, f"/staff/auth/user/{user.pk}/edit/")
    assert "Zelle payments" in shown
    assert "Guest pass" in shown
    assert "Locker key" not in shown


def test_lists_of_zelle_payments_are_searched_by_reference_and_person(boss: Client) -> None:
    user = factories.make_member("Jane Doe")
    wanted = awaits(user, 5000, "Guest pass")
    awaits(factories.make_member("Bob Baker"), 5000, "Locker key")
    terms()
    reference = references.shown(PREFIX, wanted.reference).lower()
    for term in (reference, reference.replace("-", " "), "jane", "guest"):
        found = boss.get("/staff/billing/expectedtransfer/", {"q": term}).context["cl"].result_list
        assert [one.pk for one in found] == [wanted.pk], term
