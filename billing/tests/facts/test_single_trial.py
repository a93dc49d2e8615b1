"""The free trial is given once to a person, whatever account or address they come with."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from functools import partial
from io import StringIO
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.core.management import call_command
from django.test import Client
from django.urls import reverse
from pytest_django import Settings

from billing import tasks
from billing.membership import checkout, free_time
from billing.models import Checkout, Subscription, TrialRecord
from billing.sync import catalog, refresh
from billing.tests.altered_stripe import Json, altered
from billing.tests.life import GOOD_CARD, deliver, know_the_plan, paid_member, subscribe
from billing.tests.staff_world import superuser
from common.staff import show
from conftest import Sandbox, run_jobs
from emails.models import Message
from members.accounts import open_account
from members.corrections import confirm_email, propose_email
from members.tests import actors
from portal.backoffice import problems
from portal.backoffice.close_account import close_account
from testing.made_once import made_once
from testing.own_database import at_once

ALICE = "alice@example.com"
GONE = "The free trial is for new members, and this email address had a membership before"
FREE = "Start your 14 free days"


@pytest.fixture
def trial(sandbox: Sandbox, settings: Settings) -> str:
    """The plan's price, whose first 14 days are free."""
    price = price_with_trial(sandbox)
    settings.STRIPE_PRICE_ID = price
    know_the_plan(sandbox)
    return price


@made_once
def price_with_trial(sandbox: Sandbox) -> str:
    price = sandbox.stripe.v1.prices.create(
        {
            "currency": "usd",
            "unit_amount": 2900,
            "recurring": {"interval": "month"},
            "product": "prod_membership",
            "metadata": {"trial_days": "14"},
        }
    )
    return price.id


def somebody(email: str = ALICE) -> User:
    return open_account(email, "Alice Archer", actors.PASSWORD)


@made_once
def member(sandbox: Sandbox, email: str = ALICE) -> User:
    """Return somebody who is on their first trial."""
    user = somebody(email)
    subscribe(sandbox, user)
    deliver(sandbox.events())
    assert Subscription.objects.for_user(user).get().status == "trialing"
    return user


def leave(user: User) -> None:
    """Close an account; its customer is deleted at Stripe."""
    close_account(user)
    tasks.tell_stripe_of_changes(0)
    run_jobs()


def joins(sandbox: Sandbox, user: User) -> str:
    """Let a user press the button and pay; return the state of what they have then."""
    subscribe(sandbox, user)
    deliver(sandbox.events())
    return Subscription.objects.for_user(user).latest("pk").status


def page_of(user: User) -> str:
    client = Client()
    client.force_login(user)
    return client.get("/membership/").content.decode()


def staff_page(user: User) -> str:
    client = Client()
    client.force_login(superuser())
    return client.get(reverse("admin:auth_user_change", args=[user.pk])).content.decode()


@pytest.mark.slow
@pytest.mark.django_db
@pytest.mark.parametrize(
    ("first", "later"),
    [
        (ALICE, ALICE),
        (ALICE, "Alice@EXAMPLE.com"),
        ("alice@żółw.example", "alice@xn--w-uga1v8h.example"),
        (ALICE, "alice+1@example.com"),
        ("alice+yoga@example.com", "alice@example.com"),
        ("alice+a@example.com", "alice+b@example.com"),
    ],
)
def test_who_closed_the_account_comes_back_without_a_trial(
    sandbox: Sandbox, trial: str, first: str, later: str
) -> None:
    leave(member(sandbox, first))
    again = somebody(later)
    page = page_of(again)
    assert "free" not in page
    assert "Subscribe for $29.00" in page
    assert joins(sandbox, again) == "active"


@pytest.mark.slow
@pytest.mark.django_db
def test_plus_addresses_are_several_people_where_the_setting_says_so(
    sandbox: Sandbox, trial: str, settings: Settings
) -> None:
    leave(member(sandbox, "alice+yoga@example.com"))
    settings.TRIAL_SHARED_BY_PLUS_ADDRESSES = False
    assert FREE in page_of(somebody())
    assert joins(sandbox, User.objects.get(email=ALICE)) == "trialing"
    assert FREE not in page_of(somebody("Alice+Yoga@example.com"))
    # And what was kept meanwhile counts either way.
    settings.TRIAL_SHARED_BY_PLUS_ADDRESSES = True
    assert FREE not in page_of(somebody("alice+two@example.com"))


@pytest.mark.slow
@pytest.mark.django_db
def test_other_people_get_their_trial(sandbox: Sandbox, trial: str) -> None:
    member(sandbox)
    for other in ("alicia@example.com", "alice@example.org", "malice@example.com"):
        assert FREE in page_of(somebody(other))
        assert joins(sandbox, User.objects.get(email=other)) == "trialing"


@pytest.mark.slow
@pytest.mark.django_db
def test_who_was_a_member_without_a_trial_is_not_new_either(
    sandbox: Sandbox, settings: Settings, trial: str
) -> None:
    settings.STRIPE_PRICE_ID = "price_membership_monthly"
    user = somebody()
    assert joins(sandbox, user) == "active"
    leave(user)
    settings.STRIPE_PRICE_ID = trial
    assert FREE not in page_of(somebody())
    assert "Not offered: another account with this email address was a member from" in (
        staff_page(User.objects.get(email=ALICE))
    )


def by_themselves(user: User, email: str) -> None:
    client = actors.fresh(user)
    actors.post(client, "account_reauthenticate", password=actors.PASSWORD)
    actors.post(client, "account_email", action_add="add", email=email)
    actors.enter_email_code(client, email)


def by_staff(user: User, email: str) -> None:
    propose_email(user, email)
    link = Message.objects.filter(kind="address_link").latest("pk").context["url"]
    confirm_email(link.rstrip("/").rpartition("/")[2])


@pytest.mark.slow
@pytest.mark.django_db
@pytest.mark.parametrize("change", [by_themselves, by_staff])
def test_a_changed_address_makes_nobody_new(
    sandbox: Sandbox, trial: str, change: Callable[[User, str], None]
) -> None:
    user = member(sandbox)
    change(user, "second@example.com")
    user.refresh_from_db()
    assert user.email == "second@example.com"
    change(user, "third@example.com")
    for freed in (ALICE, "second@example.com"):
        assert FREE not in page_of(somebody(freed))
    # Nor does it help whoever has had their trial in another account.
    again = User.objects.get(email=ALICE)
    change(again, "fourth@example.com")
    again.refresh_from_db()
    assert again.email == "fourth@example.com"
    assert FREE not in page_of(again)
    assert joins(sandbox, again) == "active"


def had_at_stripe(sandbox: Sandbox, email: str, **more: Any) -> str:
    """Make a customer in Stripe's dashboard who has a membership; return their id."""
    customer = sandbox.stripe.v1.customers.create({"email": email})
    sandbox.control(f"customers/{customer.id}/card", card=GOOD_CARD)
    items = more.pop("items", [{"price": "price_membership_monthly"}])
    made = {"customer": customer.id, "items": items, **more}
    subscription = sandbox.stripe.v1.subscriptions.create(made)  # type: ignore[arg-type]
    sandbox.stripe.v1.subscriptions.cancel(subscription.id)
    return customer.id


@pytest.mark.slow
@pytest.mark.django_db
@pytest.mark.parametrize("spelled", [ALICE, "Alice@Example.com", "alice+old@example.com"])
@pytest.mark.parametrize("trial_days", [0, 7])
def test_another_customer_with_the_address_at_stripe_had_it(
    sandbox: Sandbox, trial: str, spelled: str, trial_days: int
) -> None:
    catalog.sync_plan("price_membership_monthly")
    more = {"trial_period_days": trial_days} if trial_days else {}
    had_at_stripe(sandbox, spelled, **more)
    if spelled != ALICE:
        # Stripe minds how an address is spelled; we know of such by their events.
        deliver(sandbox.events())
    user = somebody()
    client = Client()
    client.force_login(user)
    assert FREE in client.get("/membership/").content.decode()
    # What was offered is not taken away unsaid.
    said = client.post("/membership/subscribe/", {"trial": "offered"}, follow=True)
    page = said.content.decode()
    assert GONE in page
    assert FREE not in page
    assert not Checkout.objects.exists()
    assert client.post("/membership/subscribe/").status_code == 302
    assert Checkout.objects.get().trial_days == 0
    assert joins(sandbox, user) == "active"


@pytest.mark.slow
@pytest.mark.django_db
def test_a_locker_at_stripe_is_no_membership(sandbox: Sandbox, trial: str) -> None:
    price = sandbox.stripe.v1.prices.create(
        {
            "currency": "usd",
            "unit_amount": 900,
            "recurring": {"interval": "month"},
            "product_data": {"name": "Locker rental"},
        }
    )
    had_at_stripe(sandbox, ALICE, items=[{"price": price.id}], trial_period_days=7)
    assert joins(sandbox, somebody()) == "trialing"


@pytest.mark.slow
@pytest.mark.django_db
def test_a_question_that_fails_stops_no_purchase(
    sandbox: Sandbox, trial: str, settings: Settings
) -> None:
    had_at_stripe(sandbox, ALICE, items=[{"price": trial}])
    asked = []

    def break_lists(answer: Json) -> Json:
        if answer["object"] == "list" and answer["url"] == "/v1/customers":
            asked.append(answer)
            return {"object": "list"}
        return answer

    user = somebody()
    with altered(sandbox, settings, break_lists):
        assert checkout.start_membership(user, expects_trial=True)
    assert asked
    assert Checkout.objects.get().trial_days == 14


@pytest.mark.slow
@pytest.mark.django_db
def test_a_page_that_was_left_is_no_trial(sandbox: Sandbox, trial: str) -> None:
    first = somebody()
    checkout.start_membership(first)
    assert not TrialRecord.objects.exists()
    leave(first)
    assert joins(sandbox, somebody()) == "trialing"


@pytest.mark.slow
@pytest.mark.django_db
def test_a_page_left_open_has_no_trial_any_more_once_it_was_used(
    sandbox: Sandbox, trial: str
) -> None:
    early = somebody("alice+early@example.com")
    left_open = checkout.start_membership(early)
    member(sandbox)
    assert checkout.start_membership(early) != left_open
    assert joins(sandbox, early) == "active"


@pytest.mark.slow
@pytest.mark.django_db
def test_a_trial_that_came_by_import_or_repair_counts(sandbox: Sandbox, trial: str) -> None:
    user = somebody()
    customer = had_at_stripe(sandbox, ALICE, items=[{"price": trial}], trial_period_days=7)
    call_command("import_from_stripe", stdout=StringIO())
    assert user.customers.get().stripe_id == customer
    assert FREE not in page_of(user)
    leave(user)
    assert FREE not in page_of(somebody())

    bob = somebody("bob@example.com")
    subscribe(sandbox, bob)
    call_command("reconcile", "--repair", stdout=StringIO())
    run_jobs()
    assert Subscription.objects.for_user(bob).get().status == "trialing"
    leave(bob)
    assert FREE not in page_of(somebody("bob@example.com"))
    assert not Subscription.objects.filter(is_second_trial=True).exists()


@pytest.mark.slow
@pytest.mark.django_db
def test_digests_outlive_the_key_and_say_nothing_without_it(
    sandbox: Sandbox, trial: str, settings: Settings
) -> None:
    settings.SECRET_KEY, old = "k" * 60, settings.SECRET_KEY
    settings.SECRET_KEY_FALLBACKS = [old]
    leave(member(sandbox))
    gone = {row.digest for row in TrialRecord.objects.all()}
    assert all(len(digest) == 64 and int(digest, 16) for digest in gone)
    bob = member(sandbox, "bob@example.com")

    settings.SECRET_KEY, settings.SECRET_KEY_FALLBACKS = "n" * 60, []
    assert FREE in page_of(somebody("alice+0@example.com"))
    settings.SECRET_KEY_FALLBACKS = ["k" * 60]
    assert FREE not in page_of(somebody("alice+1@example.com"))
    # Overnight whoever is here is kept under the new key.
    tasks.remember_trials(0)
    settings.SECRET_KEY_FALLBACKS = []
    leave(bob)
    assert FREE not in page_of(somebody("bob@example.com"))


@pytest.mark.django_db
def test_what_was_changed_past_the_pages_is_kept_overnight(sandbox: Sandbox, trial: str) -> None:
    user = member(sandbox)
    TrialRecord.objects.all().delete()
    User.objects.filter(pk=user.pk).update(email="by-hand@example.com")
    tasks.remember_trials(0)
    tasks.remember_trials(0)
    User.objects.filter(pk=user.pk).update(email="another@example.com")
    assert FREE not in page_of(somebody("by-hand@example.com"))
    user.refresh_from_db()
    assert "Used on" in staff_page(user)


@pytest.mark.django_db
def test_a_first_payment_that_never_came_is_no_trial(sandbox: Sandbox, trial: str) -> None:
    user = member(sandbox)
    Subscription.objects.update(status="incomplete_expired")
    TrialRecord.objects.all().delete()
    tasks.remember_trials(0)
    assert not TrialRecord.objects.exists()
    assert FREE in page_of(user)


def two_open_pages(sandbox: Sandbox) -> tuple[User, User]:
    """Return two accounts of one person that have both paid by a page with free days."""
    people = (somebody(), somebody("alice+2@example.com"))
    for user in people:
        checkout.start_membership(user)
    for user in people:
        session_id = Checkout.objects.for_user(user).get().session_id
        sandbox.control(f"checkout/{session_id}/complete", card=GOOD_CARD, authenticate=True)
    return people


@pytest.mark.slow
@pytest.mark.django_db
def test_two_pages_at_once_give_two_trials_and_staff_are_told(
    sandbox: Sandbox, trial: str, settings: Settings
) -> None:
    settings.STAFF_EMAIL = ["team@example.com"]
    first, second = two_open_pages(sandbox)
    deliver(sandbox.events())
    deliver(sandbox.events())
    assert not Subscription.objects.for_user(first).get().is_second_trial
    row = Subscription.objects.for_user(second).get()
    assert row.is_second_trial
    problems.watch()
    problems.watch()
    assert Message.objects.filter(kind="problem_found").count() == 1
    staff = Client()
    staff.force_login(superuser())
    home = staff.get("/staff/").content.decode()
    assert "Somebody started a second free trial from another account" in home
    assert reverse("admin:billing_subscription_change", args=[row.pk]) in home
    page = staff.get(reverse("admin:billing_subscription_change", args=[row.pk]))
    assert "a second one of the same person" in page.content.decode()
    sandbox.stripe.v1.subscriptions.cancel(row.stripe_id)
    deliver(sandbox.events())
    assert "second free trial" not in staff.get("/staff/").content.decode()


@pytest.mark.usefixtures("own_database")
def test_two_trials_read_at_the_same_moment_are_one_first_and_one_second(
    sandbox: Sandbox, trial: str
) -> None:
    people = two_open_pages(sandbox)
    trials = sandbox.stripe.v1.subscriptions.list().data
    outcomes = at_once([partial(refresh.sync_subscription, one.id) for one in trials] * 2)
    assert [one for one in outcomes if isinstance(one, Exception)] == []
    rows = [Subscription.objects.for_user(user).get() for user in people]
    assert sorted(row.is_second_trial for row in rows) == [False, True]


@pytest.mark.slow
@pytest.mark.django_db
def test_a_trial_that_staff_start_in_stripes_dashboard_is_their_decision(
    sandbox: Sandbox, trial: str
) -> None:
    leave(member(sandbox))
    again = somebody()
    customer = checkout.customer_of(again)
    sandbox.control(f"customers/{customer.stripe_id}/card", card=GOOD_CARD)
    sandbox.stripe.v1.subscriptions.create(
        {"customer": customer.stripe_id, "items": [{"price": trial}], "trial_period_days": 14}
    )
    deliver(sandbox.events())
    row = Subscription.objects.for_user(again).get()
    assert (row.status, row.is_second_trial) == ("trialing", False)


@pytest.mark.slow
@pytest.mark.django_db
def test_staff_see_why_there_is_no_trial(sandbox: Sandbox, trial: str) -> None:
    user = somebody()
    assert "Not used" in staff_page(user)
    assert joins(sandbox, user) == "trialing"
    assert "Used on" in staff_page(user)
    leave(user)
    again = staff_page(somebody("alice+new@example.com"))
    assert "in another account with this email address" in again


def give_ten_days(sandbox: Sandbox, user: User) -> None:
    row = Subscription.objects.for_user(user).get()
    until = row.current_period_end + timedelta(days=10)
    free_time.give(row, row.current_period_end, until, superuser())
    deliver(sandbox.events())
    assert Subscription.objects.for_user(user).get().is_in_free_time


@pytest.mark.slow
@pytest.mark.django_db
def test_free_time_is_not_a_used_trial(sandbox: Sandbox) -> None:
    alice = paid_member(sandbox)
    give_ten_days(sandbox, alice)
    began = Subscription.objects.get().started_at
    shown = staff_page(alice)
    assert f"Not offered: a member since {show.day(began)}" in shown
    assert "Used on" not in shown
    # Kept by an earlier version, which took it for one.
    TrialRecord.objects.update(had_trial=True)
    tasks.remember_trials(0)
    assert not TrialRecord.objects.filter(had_trial=True).exists()
    again = alice.email.replace("@", "+again@")
    leave(alice)
    again = staff_page(somebody(again))
    assert "Not offered: another account with this email address was a member from" in again


@pytest.mark.slow
@pytest.mark.django_db
def test_a_trial_stays_used_after_free_time(sandbox: Sandbox, trial: str) -> None:
    alice = member(sandbox)
    sandbox.control("clock", advance_seconds=20 * 86_400)
    deliver(sandbox.events())
    give_ten_days(sandbox, alice)
    tasks.remember_trials(0)
    assert "Used on" in staff_page(alice)
    assert not TrialRecord.objects.filter(had_trial=False).exists()
