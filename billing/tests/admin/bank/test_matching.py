"""Money is matched with payments: the sure ones together, the others one by one, or by hand."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from billing.bank import matching
from billing.bank.matching import Reason
from billing.bank.references import shown as shown_reference
from billing.core.bank_statuses import AllocationState, ExpectedState
from billing.models import Allocation, BankTransfer, ExpectedTransfer
from billing.tests import factories, refund_world, staff_world
from billing.tests.admin.bank.desk import (
    MATCH,
    PREFIX,
    awaits,
    came,
    money,
    on_the_account,
    page,
    said,
    terms,
)
from billing.tests.staff_world import signed_in_now
from common.staff import show

pytestmark = pytest.mark.django_db


@pytest.fixture
def boss() -> Client:
    return signed_in_now(staff_world.manager())


@pytest.fixture(autouse=True)
def _terms() -> None:
    terms()


@pytest.fixture
def jane() -> User:
    return factories.make_member("Jane Doe")


def hand(row: BankTransfer) -> str:
    return reverse("admin:billing_banktransfer_hand", args=[row.pk])


def state_of(row: ExpectedTransfer) -> str:
    return ExpectedTransfer.objects.get(pk=row.pk).state


def test_sure_ones_are_matched_together_with_one_click(boss: Client, jane: User) -> None:
    ada = factories.make_member("Ada Byron")
    wanted = [awaits(jane, 5000), awaits(ada, 7000, "Key deposit")]
    rows = [money("JANE DOE", 5000, "27250625041"), money("ADA BYRON", 7000, "27250625042")]
    shown = page(boss, MATCH)
    keys = [f"{row.pk}:{one.pk}" for row, one in zip(rows, wanted, strict=True)]
    for key in keys:
        assert f'name="sure" value="{key}" checked' in shown
    assert "The payer has the name that we expect." in shown
    assert "The amount is exactly what&#x27;s due." in shown
    assert not Allocation.objects.exists()
    done = page(boss, MATCH, sure=keys)
    assert "JANE DOE: $50.00 counts now." in done
    assert "All money is matched." in done
    assert [state_of(one) for one in wanted] == [ExpectedState.CONFIRMED] * 2
    again = page(boss, MATCH, sure=keys)
    assert "Nothing was chosen, or it&#x27;s matched already." in again
    assert Allocation.objects.count() == 2


def test_only_the_checked_ones_are_matched(boss: Client, jane: User) -> None:
    ada = factories.make_member("Ada Byron")
    kept, wanted = awaits(jane, 5000), awaits(ada, 7000)
    money("JANE DOE", 5000, "27250625041")
    row = money("ADA BYRON", 7000, "27250625042")
    page(boss, MATCH, sure=[f"{row.pk}:{wanted.pk}"])
    assert (state_of(kept), state_of(wanted)) == (ExpectedState.WAITING, ExpectedState.CONFIRMED)


def test_a_key_that_is_not_sure_matches_nothing(boss: Client, jane: User) -> None:
    wanted = awaits(jane, 5000)
    row = money("SOMEBODY ELSE", 5000)
    page(boss, MATCH, sure=[f"{row.pk}:{wanted.pk}", "x:y", "1", ""])
    assert not Allocation.objects.exists()


def test_a_doubtful_one_is_shown_with_its_reasons_and_chosen(boss: Client, jane: User) -> None:
    wanted = awaits(jane, 5000)
    row = money("JANE D SMITH", 5000)
    shown = page(boss, MATCH)
    assert "% match" in shown
    assert "Match with Jane Doe" in shown
    page(boss, MATCH, one=f"{row.pk}:{wanted.pk}")
    assert state_of(wanted) == ExpectedState.CONFIRMED


def test_too_little_counts_and_the_rest_is_awaited_from_a_second_transfer(
    boss: Client, jane: User
) -> None:
    wanted = awaits(jane, 5000)
    first = money("JANE DOE", 3000, "27250625041")
    shown = page(boss, MATCH)
    assert "It&#x27;s less than what&#x27;s due." in shown
    assert "$20.00 will still be due" in shown
    page(boss, MATCH, one=f"{first.pk}:{wanted.pk}")
    assert state_of(wanted) == ExpectedState.WAITING
    second = money("JANE DOE", 2000, "27250625042")
    assert f'name="sure" value="{second.pk}:{wanted.pk}"' in page(boss, MATCH)
    page(boss, MATCH, sure=[f"{second.pk}:{wanted.pk}"])
    assert state_of(wanted) == ExpectedState.CONFIRMED


def test_money_that_names_a_paid_payment_says_so(boss: Client, jane: User) -> None:
    paid = awaits(jane, 5000, "Key deposit", state="confirmed", confirmed_at=timezone.now())
    row = money("JANE DOE", 5000)
    assert "It names" not in page(boss, MATCH)
    BankTransfer.objects.filter(pk=row.pk).update(memo=f"key hy {paid.reference.lower()}")
    shown = page(boss, MATCH)
    assert "Key deposit of Jane Doe, which is confirmed" in shown
    assert show.page_of(paid) in shown


def test_of_too_much_the_rest_is_left_and_can_be_set_aside(boss: Client, jane: User) -> None:
    wanted = awaits(jane, 5000)
    row = money("JANE DOE", 6000)
    assert "$10.00 of the money will be left" in page(boss, MATCH)
    page(boss, MATCH, one=f"{row.pk}:{wanted.pk}")
    assert state_of(wanted) == ExpectedState.CONFIRMED
    assert "$10.00 left" in page(boss, MATCH)
    aside = reverse("admin:billing_banktransfer_set_aside", args=[row.pk])
    shown = page(boss, aside, _form_submitted="on", because="A tip for the teacher")
    assert "A tip for the teacher" in shown
    assert "Partly matched, rest set aside" in shown
    assert "All money is matched." in page(boss, MATCH)
    back = reverse("admin:billing_banktransfer_bring_back", args=[row.pk])
    page(boss, back, _form_submitted="on")
    assert "$10.00 left" in page(boss, MATCH)


def test_setting_aside_takes_a_reason(boss: Client) -> None:
    row = money("NOBODY WE KNOW", 6000)
    aside = reverse("admin:billing_banktransfer_set_aside", args=[row.pk])
    page(boss, aside, _form_submitted="on", because=" ")
    assert BankTransfer.objects.get().set_aside_at is None


def test_one_transfer_is_split_over_two_payments_by_hand(boss: Client, jane: User) -> None:
    ada = factories.make_member("Ada Byron")
    mine, hers = awaits(jane, 5000), awaits(ada, 4000, "Key deposit")
    row = money("THE BYRON FAMILY", 9000)
    found = page(boss, hand(row), q="ada", search="1")
    assert "Key deposit" in found
    typed: dict[str, Any] = {"pick": [mine.pk, hers.pk], "match": "1"}
    typed |= {f"amount_{mine.pk}": "50.00", f"amount_{hers.pk}": "40"}
    done = page(boss, hand(row), **typed)
    assert "$50.00 counts now." in done
    assert "$40.00 counts now." in done
    assert {state_of(mine), state_of(hers)} == {ExpectedState.CONFIRMED}


@pytest.mark.parametrize(
    "term", ["doe", "jane", "Workshop", "50.00", "$50", "reference", "Jane Q. Payer"]
)
def test_payments_are_found_by_whatever_is_known_of_them(
    boss: Client, jane: User, term: str
) -> None:
    wanted = awaits(jane, 5000, "Workshop fee", payer_name="Jane Q. Payer")
    row = money("SOMEBODY ELSE", 123_456)
    if term == "reference":
        term = shown_reference(PREFIX, wanted.reference).lower()
    assert f'id="pick-{wanted.pk}"' in page(boss, hand(row), q=term, search="1")


def test_a_member_who_awaits_nothing_is_shown_as_such(boss: Client, jane: User) -> None:
    row = money("JANE DOE", 5000)
    shown = page(boss, hand(row), q="jane", search="1")
    assert "No awaited payment matches “jane”." in shown
    assert "No payment is awaited from these members." in shown
    assert f"/staff/auth/user/{jane.pk}/change/" in shown


def test_what_was_chosen_stays_chosen_over_a_search_and_an_error(boss: Client, jane: User) -> None:
    wanted = awaits(jane, 5000)
    row = money("SOMEBODY ELSE", 9000)
    typed = {"pick": [wanted.pk], f"amount_{wanted.pk}": "12,3"}
    shown = page(boss, hand(row), **typed, q="nobody", search="1")
    assert f'value="{wanted.pk}" checked' in shown
    refused = said(boss, hand(row), typed | {"match": "1"}, 422)
    assert "Enter an amount, like $40.00." in refused
    assert 'value="12,3"' in refused
    over = said(boss, hand(row), {**typed, f"amount_{wanted.pk}": "60.00", "match": "1"}, 422)
    assert "Of this payment $50.00 is still to come." in over
    assert not Allocation.objects.exists()


def test_nothing_chosen_is_refused(boss: Client) -> None:
    row = money("SOMEBODY ELSE", 9000)
    assert "Choose a payment" in said(boss, hand(row), {"match": "1"}, 422)


def test_a_match_is_undone_with_a_reason_and_its_history_stays(boss: Client, jane: User) -> None:
    wanted = awaits(jane, 5000)
    row = money("JANE DOE", 3000)
    page(boss, MATCH, one=f"{row.pk}:{wanted.pk}")
    made = Allocation.objects.get()
    undo = reverse("admin:billing_allocation_undo", args=[made.pk])
    assert undo in page(boss, f"/staff/billing/banktransfer/{row.pk}/change/")
    shown = page(boss, undo, _form_submitted="on", because="It was her sister’s.")
    assert "Undone" in shown
    assert "by Mona Manager: It was her sister’s." in shown
    assert Allocation.objects.get().state == AllocationState.UNDONE
    assert "JANE DOE" in page(boss, MATCH)


def test_large_amounts_take_two_people(boss: Client, jane: User) -> None:
    refund_world.policy()
    wanted = awaits(jane, 20_000)
    row = money("JANE DOE", 20_000)
    done = page(boss, MATCH, sure=[f"{row.pk}:{wanted.pk}"])
    assert "You confirmed $200.00. Someone else must, too." in done
    assert "Mona Manager confirmed it. Someone else must, too." in done
    made = Allocation.objects.get()
    assert made.state == AllocationState.PROPOSED
    shown = page(boss, f"/staff/billing/banktransfer/{row.pk}/change/")
    assert "To confirm" in shown
    assert reverse("admin:billing_allocation_undo", args=[made.pk]) in shown
    assert reverse("admin:billing_allocation_confirm", args=[made.pk]) not in shown
    assert f'name="proposed" value="{made.pk}"' not in done
    page(boss, MATCH, proposed=[made.pk])
    assert Allocation.objects.get().state == AllocationState.PROPOSED
    other = signed_in_now(staff_world.superuser())
    assert f'name="proposed" value="{made.pk}" checked' in page(other, MATCH)
    page(other, MATCH, proposed=[made.pk])
    assert state_of(wanted) == ExpectedState.CONFIRMED
    shown = page(other, f"/staff/billing/banktransfer/{row.pk}/change/")
    assert "Mona Manager and Sam Super" in shown


def test_nobody_matches_their_own_payment() -> None:
    mona = staff_world.manager()
    client = signed_in_now(mona)
    wanted = awaits(mona, 5000)
    row = money("MONA MANAGER", 5000)
    done = page(client, MATCH, sure=[f"{row.pk}:{wanted.pk}"])
    assert "Nobody decides about their own payment." in done
    assert not Allocation.objects.exists()


def test_matching_takes_a_recent_sign_in(jane: User, client: Client) -> None:
    wanted = awaits(jane, 5000)
    row = money("JANE DOE", 5000)
    user = staff_world.manager()
    user.set_password("x")
    user.save()
    client.force_login(user)
    for url, typed in (
        (MATCH, {"sure": f"{row.pk}:{wanted.pk}"}),
        (hand(row), {"pick": wanted.pk, "match": "1"}),
    ):
        assert "reauthenticate" in client.post(url, typed)["Location"]
    assert not Allocation.objects.exists()


@pytest.mark.parametrize("who", [staff_world.support, staff_world.auditor])
def test_others_see_what_waits_and_match_nothing(who: Any, jane: User) -> None:
    wanted = awaits(jane, 5000)
    row = money("JANE DOE", 5000)
    client = signed_in_now(who())
    shown = page(client, MATCH)
    assert "Matching it takes a permission that you don’t have." in shown
    assert "checkbox" not in shown.split("staff-card")[1]
    assert client.post(MATCH, {"sure": f"{row.pk}:{wanted.pk}"}).status_code == 403
    assert client.get(hand(row)).status_code == 403
    assert client.post(hand(row), {"match": "1"}).status_code == 403


def test_the_page_opens_however_much_waits(boss: Client, jane: User) -> None:
    awaits(jane, 5000)
    for number in range(55):
        money(f"PAYER {number}", 100 + number, f"{27250625000 + number}")
    shown = page(boss, MATCH)
    assert "5 more come once these are matched." in shown


def test_every_reason_has_a_sentence() -> None:
    from billing.admin.bank import words

    assert set(words.REASONS) == set(Reason)
    assert words.sentences([matching.Reason.REFERENCE]) == [
        ("The memo has this payment's reference.", False)
    ]


OLDER = "/staff/billing/allocation/older/"


def test_older_money_is_set_aside_together_after_saying_how_much(boss: Client, jane: User) -> None:
    on_the_account(
        *(
            came(f"OLD {place}", 1000, 50_000 + 1000 * place, f"2725060000{place}", on)
            for place, on in enumerate([date(2025, 1, 1), date(2025, 6, 1), date(2026, 11, 1)], 1)
        )
    )
    wanted = awaits(jane, 1000)
    first = BankTransfer.objects.get(on=date(2025, 1, 1))
    page(boss, hand(first), pick=wanted.pk, match="1", **{f"amount_{wanted.pk}": "10"})
    assert "Set older money aside together" in page(boss, MATCH)
    typed = {"day": "2026-11-01", "because": "From the old shop"}
    shown = page(boss, OLDER, **typed, check="1")
    assert "1 transfer of $10.00 in all, from before Nov 1, 2026, is set aside then." in shown
    assert not BankTransfer.objects.exclude(set_aside_at=None).exists()
    done = page(boss, OLDER, **typed, yes="1")
    assert "1 transfer from before Nov 1, 2026 set aside." in done
    aside = BankTransfer.objects.exclude(set_aside_at=None).get()
    assert (aside.on, aside.set_aside_because) == (date(2025, 6, 1), "From the old shop")
    assert "No unmatched money came before" in page(boss, OLDER, **typed, check="1")
    assert "Choose a day." in said(boss, OLDER, {"day": "", "because": "x"}, 422)
    assert "Enter a valid date." in said(boss, OLDER, {"day": "32/1", "because": "x"}, 422)


def test_only_those_who_match_set_older_money_aside() -> None:
    client = signed_in_now(staff_world.support())
    assert client.get(OLDER).status_code == 403
    assert client.post(OLDER, {"day": "2026-11-01", "because": "x", "yes": "1"}).status_code == 403
