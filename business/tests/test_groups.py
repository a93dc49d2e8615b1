"""Groups of settings: what staff saved wins over the environment, and each change is recorded."""

from __future__ import annotations

import html
from collections.abc import Callable
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from pytest_django import Settings

from billing.tests import factories
from billing.tests.staff_world import auditor, billing, signed_in_now, superuser, support
from billing.tests.staff_world import owner as owner_user
from business import kept, rules, versions
from business.models import RetentionVersion, SuggestionsVersion

pytestmark = pytest.mark.django_db

PAGE = "/staff/business/suggestionsversion/"


@pytest.fixture(autouse=True)
def environment(settings: Settings) -> None:
    """What the environment says."""
    settings.PAYMENT_CURRENCY = "usd"
    settings.PAYMENT_MINIMUM, settings.PAYMENT_MAXIMUM = 500, 200_000
    settings.PAYMENT_SUGGESTIONS = [2500, 5000]


@pytest.fixture
def owner() -> Client:
    """The browser of an owner who has just signed in."""
    return signed_in_now(owner_user())


def save(client: Client, amounts: str = "", *, based_on: int = 0, **fields: Any) -> Any:
    return client.post(PAGE, {"amounts": amounts, "based_on": based_on, **fields})


def text_of(answer: Any) -> str:
    return html.unescape(answer.content.decode())


def offered(member: User) -> str:
    client = Client()
    client.force_login(member)
    return text_of(client.get(reverse("billing:pay-amount")))


@pytest.mark.parametrize(
    ("who", "may_save"),
    [(superuser, True), (owner_user, True), (billing, False), (support, False), (auditor, False)],
)
def test_owners_change_rules_and_other_staff_read_them(
    who: Callable[[], User], may_save: bool
) -> None:
    client = signed_in_now(who())
    page = client.get(PAGE)
    assert page.status_code == 200
    assert "$25.00, $50.00" in text_of(page)
    assert "Environment (PAYMENT_SUGGESTIONS)" in text_of(page)
    # Its section's other pages are tabs.
    assert 'href="/staff/business/quiethoursversion/"' in text_of(page)
    assert ("What you leave empty" in text_of(page)) == may_save
    assert (save(client, "10").status_code == 302) == may_save
    assert SuggestionsVersion.objects.exists() == may_save


def test_what_staff_saved_wins_over_the_environment_and_what_they_emptied_is_its(
    owner: Client, settings: Settings
) -> None:
    assert rules.suggested_amounts() == [2500, 5000]
    assert save(owner, "10\n$1,250.50").status_code == 302
    assert rules.suggested_amounts() == [1000, 125_050]
    # A new value in the environment changes nothing now.
    settings.PAYMENT_SUGGESTIONS = [700]
    assert rules.suggested_amounts() == [1000, 125_050]
    page = text_of(owner.get(PAGE))
    assert "$10.00, $1,250.50" in page
    assert "Version 1" in page
    assert save(owner, "", based_on=1).status_code == 302
    assert rules.suggested_amounts() == [700]
    assert "Environment (PAYMENT_SUGGESTIONS)" in text_of(owner.get(PAGE))


def test_members_are_offered_what_was_saved_or_nothing(owner: Client) -> None:
    member = factories.make_member()
    assert "?amount=25.00" in offered(member)
    save(owner, "15\n80")
    page = offered(member)
    assert "?amount=15.00" in page
    assert "?amount=80.00" in page
    assert "?amount=25.00" not in page
    save(owner, "", based_on=1, none="on")
    assert rules.suggested_amounts() == []
    assert "?amount=15.00" not in offered(member)
    assert "none" in text_of(owner.get(PAGE))


def test_amounts_that_can_no_longer_be_paid_are_left_out(owner: Client, settings: Settings) -> None:
    save(owner, "10\n50\n1500")
    settings.PAYMENT_MINIMUM, settings.PAYMENT_MAXIMUM = 2000, 100_000
    assert rules.suggested_amounts() == [5000]


def test_amounts_of_another_currency_are_not_taken_for_this_one(
    owner: Client, settings: Settings
) -> None:
    save(owner, "10\n50")
    settings.PAYMENT_CURRENCY, settings.PAYMENT_SUGGESTIONS = "jpy", [3000]
    assert rules.suggested_amounts() == [3000]
    assert "Environment (PAYMENT_SUGGESTIONS)" in text_of(owner.get(PAGE))


@pytest.mark.parametrize(
    ("amounts", "fields", "said"),
    [
        ("ten", {}, "“ten”: Enter an amount"),
        ("4.99", {}, "Enter amounts from $5.00 to $2,000.00."),
        ("2001", {}, "Enter amounts from $5.00 to $2,000.00."),
        ("10\n10.00", {}, "Enter each amount once."),
        ("5\n6\n7\n8\n9\n10\n11", {}, "Enter 6 amounts at most."),
        ("10", {"none": "on"}, "Empty the amounts first"),
    ],
)
def test_what_members_could_not_pay_is_refused_in_a_sentence(
    owner: Client, amounts: str, fields: dict[str, Any], said: str
) -> None:
    answer = save(owner, amounts, **fields)
    assert answer.status_code == 400
    assert said in text_of(answer)
    assert not SuggestionsVersion.objects.exists()


def test_the_history_says_who_changed_what_from_what_to_what(owner: Client) -> None:
    save(owner, "10")
    save(owner, "10\n20", based_on=1)
    page = text_of(owner.get(PAGE))
    assert "Olga Owner" in page
    assert "<del>$10.00</del> → <ins>$10.00, $20.00</ins>" in page
    assert "<del>the environment’s</del> → <ins>$10.00</ins>" in page
    row = SuggestionsVersion.objects.get(version=1)
    one = text_of(owner.get(reverse("admin:business_suggestionsversion_change", args=[row.pk])))
    assert "$10.00" in one
    assert "Go back to this version" in one


def test_an_earlier_version_comes_back_through_the_form(owner: Client) -> None:
    save(owner, "10")
    save(owner, "20", based_on=1)
    first = SuggestionsVersion.objects.get(version=1)
    link = reverse("admin:business_suggestionsversion_open_again", args=[first.pk])
    answer = owner.get(link, follow=True)
    assert "These are the values of version 1" in text_of(answer)
    assert rules.suggested_amounts() == [2000]
    save(owner, "10.00", based_on=2, restores=1)
    assert rules.suggested_amounts() == [1000]
    assert SuggestionsVersion.objects.get(version=3).restores == 1
    # With other values it's no return.
    save(owner, "30", based_on=3, restores=1)
    assert SuggestionsVersion.objects.get(version=4).restores is None


@pytest.mark.parametrize("number", ["7", "x", "-1", "٣", "9" * 30])
def test_a_version_that_does_not_exist_changes_nothing(owner: Client, number: str) -> None:
    save(owner, "10")
    for name in ("version", "older"):
        page = owner.get(PAGE, {name: number})
        assert page.status_code == 200
        assert "10.00</textarea>" in text_of(page)


def test_of_two_who_save_the_second_sees_what_the_first_saved(owner: Client) -> None:
    save(owner, "10")
    answer = save(owner, "20", based_on=0)
    assert answer.status_code == 200
    assert "Not saved: someone saved version 1" in text_of(answer)
    assert "<ins>$10.00</ins>" in text_of(answer)
    assert rules.suggested_amounts() == [1000]
    assert save(owner, "20", based_on=1).status_code == 302


def test_the_same_again_makes_no_version(owner: Client) -> None:
    save(owner, "10")
    answer = owner.post(PAGE, {"amounts": "10.00", "based_on": 1}, follow=True)
    assert "Nothing has changed" in text_of(answer)
    assert SuggestionsVersion.objects.count() == 1


def test_it_takes_a_recent_sign_in_and_what_was_typed_is_kept() -> None:
    boss = owner_user()
    boss.set_password("a-quiet-place-at-the-desk")
    boss.save()
    client = Client()
    client.force_login(boss)
    answer = save(client, "10\n20")
    assert "reauthenticate" in answer["Location"]
    assert not SuggestionsVersion.objects.exists()
    client.post(answer["Location"], {"password": "a-quiet-place-at-the-desk"})
    page = text_of(client.get(PAGE))
    assert "Nothing has been saved yet" in page
    assert "10\n20</textarea>" in page


def test_pages_ask_the_database_once_in_ten_seconds_and_groups_stand_alone(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    rules.SUGGESTIONS.save({"currency": "USD", "amounts": [1000]}, None, based_on=0)
    with CaptureQueriesContext(connection) as asked:
        for _ in range(20):
            assert rules.suggested_amounts() == [1000]
    assert len([one for one in asked if "business_suggestionsversion" in one["sql"]]) == 1
    # Another process saves: this one hears of it when what it knows is too old.
    versions.save(SuggestionsVersion, {"currency": "USD", "amounts": [2000]}, None, based_on=1)
    versions.save(RetentionVersion, {"jobs": 60}, None, based_on=0)
    assert rules.suggested_amounts() == [1000]
    monkeypatch.setattr(kept, "MAX_AGE", 0.0)
    assert rules.suggested_amounts() == [2000]
    rules.RETENTION.forget()
    assert rules.jobs_kept().days == 60


def test_members_and_strangers_see_nothing_of_it() -> None:
    member = Client()
    member.force_login(factories.make_member())
    for client in (member, Client()):
        for answer in (client.get(PAGE), save(client, "10")):
            assert answer.status_code in {302, 403}
    assert not SuggestionsVersion.objects.exists()
