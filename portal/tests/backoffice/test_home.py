"""The numbers on the staff's home page: correct, from the right rows, in few queries."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone
from pytest_django import Settings

from billing.core.statuses import (
    DisputeStatus,
    EventState,
    InvoiceStatus,
    PaymentStatus,
    SubscriptionStatus,
)
from billing.models import Reconciliation
from billing.tests import factories, staff_world
from billing.tests.staff_world import auditor, make_failed_event, make_message, superuser
from common.money import Money
from common.staff import show
from portal.backoffice.home import business, facts, income
from portal.backoffice.waiting import waiting

pytestmark = pytest.mark.django_db
DAY = timedelta(days=1)


def home(client: Client) -> str:
    client.force_login(superuser())
    return str(client.get(reverse("admin:index")).content.decode())


def make_worker(seconds_ago: int = 0) -> None:
    with connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO procrastinate_workers (last_heartbeat)"
            " VALUES (now() - make_interval(secs => %s))",
            [seconds_ago],
        )


def make_check(**fields: Any) -> None:
    now = timezone.now()
    Reconciliation.objects.create(**{"started_at": now, "finished_at": now} | fields)


def test_members_are_counted_by_how_they_stand() -> None:
    factories.make_subscription()
    factories.make_subscription(cancel_at_period_end=True)
    factories.make_subscription(status=SubscriptionStatus.TRIALING)
    factories.make_subscription(status=SubscriptionStatus.PAST_DUE)
    factories.make_subscription(status=SubscriptionStatus.CANCELED)
    members = business.business()
    assert (members.active, members.trials, members.ending, members.payment_failed) == (
        2,
        1,
        1,
        1,
    )


def test_a_months_memberships_are_those_that_pay_each_in_its_currency() -> None:
    factories.make_subscription(amount=2900)
    factories.make_subscription(amount=12_000, interval="year")
    factories.make_subscription(amount=900, currency="eur", status=SubscriptionStatus.PAST_DUE)
    factories.make_subscription(amount=5000, status=SubscriptionStatus.TRIALING)
    assert business.business().monthly == [Money(3900, "usd"), Money(900, "eur")]


@pytest.mark.parametrize(
    ("amount", "interval", "count", "monthly"),
    [
        (2900, "month", 1, 2900),
        (9000, "month", 3, 3000),
        (12_000, "year", 1, 1000),
        (700, "week", 1, 3042),
        (100, "day", 1, 3042),
    ],
)
def test_any_interval_comes_to_so_much_a_month(
    amount: int, interval: str, count: int, monthly: int
) -> None:
    assert business.monthly_amount(amount, interval, count) == monthly


def test_what_was_received_is_less_refunds_and_only_lately() -> None:
    factories.make_payment(amount=2900, amount_refunded=900)
    factories.make_payment(amount=5000, paid_at=timezone.now() - timedelta(days=32))
    factories.make_payment(amount=7000, status=PaymentStatus.REQUIRES_PAYMENT_METHOD)
    assert income.income().recent == [Money(2000, "usd")]


def test_the_last_thirty_days_are_whole_days_of_the_readers_zone() -> None:
    zone = ZoneInfo("America/New_York")
    now = datetime(2026, 3, 31, 15, tzinfo=zone)
    midnight = datetime(2026, 3, 1, tzinfo=zone)  # 30 days before, the day of the list's filter
    factories.make_payment(amount=100, paid_at=midnight)
    # Still the day before in New York, though it is the first of March in UTC.
    factories.make_payment(amount=3, paid_at=midnight - timedelta(seconds=1))
    factories.make_payment(amount=20, paid_at=datetime(2026, 2, 28, 23, 59, 59, tzinfo=UTC))
    with timezone.override(zone):
        assert income.income(now).recent == [Money(100, "usd")]
    with timezone.override(UTC):
        assert income.income(now).recent == [Money(103, "usd")]


@pytest.mark.parametrize("is_large", [False, True])
def test_what_a_bank_took_back_did_not_come(
    monkeypatch: pytest.MonkeyPatch, is_large: bool
) -> None:
    monkeypatch.setattr(income, "LARGE", -1 if is_large else 1000)
    now = timezone.now()
    factories.make_payment(amount=2900)
    factories.make_dispute(factories.make_payment(amount=1000), status=DisputeStatus.LOST)
    factories.make_dispute(factories.make_payment(amount=500), status=DisputeStatus.NEEDS_RESPONSE)
    factories.make_dispute(factories.make_payment(amount=70), status=DisputeStatus.WON)
    old = factories.make_payment(amount=8000, amount_refunded=1000, paid_at=now - 45 * DAY)
    factories.make_dispute(old, status=DisputeStatus.LOST, amount=3000)
    earned = income.income()
    assert earned.recent == [Money(2900 + 500 + 70, "usd")]
    assert sum(one.income.amount for one in earned.months) == 2900 + 500 + 70 + 4000


def test_income_is_told_for_twelve_months() -> None:
    today = timezone.localtime().replace(day=15)
    factories.make_payment(amount=2900, paid_at=today)
    factories.make_payment(amount=1000, paid_at=today.replace(year=today.year - 2))
    months = income.income().months
    assert len(months) == 12
    assert (months[-1].start, months[-1].income) == (
        today.date().replace(day=1),
        Money(2900, "usd"),
    )
    assert not any(month.income for month in months[:-1])


def test_queues_tell_what_waits_since_when_and_what_failed() -> None:
    old = timezone.now() - timedelta(hours=2)
    factories.make_event(state=EventState.PENDING, received_at=old)
    factories.make_event(state=EventState.RETRYING)
    make_failed_event()
    factories.make_event()
    make_message(None, state="queued")
    counts = waiting()
    assert (counts.events.waiting, counts.events.failed, counts.events.oldest) == (2, 1, old)
    assert (counts.messages.waiting, counts.messages.failed) == (1, 0)


def test_a_worker_is_alive_while_its_heart_beats(settings: Settings) -> None:
    assert not facts.integration(timezone.now()).worker_is_alive
    make_worker(settings.STALLED_WORKER_SECONDS + 5)
    assert not facts.integration(timezone.now()).worker_is_alive
    make_worker()
    assert facts.integration(timezone.now()).worker_is_alive


def test_a_failed_check_is_no_good_check() -> None:
    make_check(events_seen=1)
    make_check(finished_at=None, error="Stripe was away")
    good = facts.integration(timezone.now()).last_good_check
    assert good
    assert good.events_seen == 1


def test_home_says_when_nothing_is_wrong(client: Client, settings: Settings) -> None:
    settings.STRIPE_WEBHOOK_SECRETS = ["whsec_1"]
    make_worker()
    make_check()
    factories.make_subscription(factories.make_customer(factories.make_member()))
    assert "Nothing: no payment, event or message is in trouble." in home(client)


def test_home_says_first_what_needs_somebody(client: Client, settings: Settings) -> None:
    settings.STRIPE_WEBHOOK_SECRETS = []
    customer = factories.make_customer(factories.make_member("Penny Due"))
    factories.make_subscription(customer, status=SubscriptionStatus.PAST_DUE)
    factories.make_invoice(customer, status=InvoiceStatus.OPEN)
    make_failed_event(error="No such price")
    make_message(None, state="failed", error="Mailbox full")
    long_ago = timezone.now() - timedelta(hours=1)
    factories.make_event(state=EventState.PENDING, received_at=long_ago)
    page = home(client)
    for said in [
        "STRIPE_WEBHOOK_SECRETS is not set",
        "No worker has been heard of",
        "The last payment of 1 member failed.",
        "1 webhook event could not be processed.",
        "1 message could not be delivered.",
        "has been waiting for",
        "Missed events have not been looked for yet.",
        "Penny Due",
        "No such price",
        "Mailbox full",
    ]:
        assert said in page, said


@pytest.mark.slow
def test_each_number_is_a_link_to_rows_that_a_list_accepts(client: Client) -> None:
    staff_world.make_world()
    make_failed_event()
    client.force_login(superuser())
    context = client.get(reverse("admin:index")).context
    for number in [*context["home"].business, *context["home"].integration]:
        answer = client.get(number.url)
        assert answer.status_code == 200, number.url


def test_an_auditor_sees_it_all_and_newcomers_of_the_staff_nothing(client: Client) -> None:
    staff_world.make_world()
    client.force_login(auditor())
    said = client.get(reverse("admin:index")).context["home"]
    assert said.business
    assert said.integration
    client.force_login(factories.make_member("New Comer", is_staff=True))
    page = client.get(reverse("admin:index"))
    assert page.status_code == 200
    said = page.context["home"]
    assert not [*said.tasks, *said.business, *said.integration, *said.troubles]
    assert "Subscriptions" not in page.content.decode()


def test_a_dispute_to_answer_is_the_first_task_with_its_deadline(client: Client) -> None:
    due = timezone.now() + timedelta(days=4)
    factories.make_dispute(evidence_due_at=due)
    factories.make_dispute(evidence_due_at=due + timedelta(days=3))
    factories.make_dispute(evidence_due_at=due - timedelta(days=9), status="lost")
    disputes = waiting().disputes
    assert (disputes.to_answer, disputes.due_at) == (2, due)
    page = home(client)
    assert f"2 disputes to answer, the first: answer by {show.day(due)}." in page
    assert f"{reverse('admin:billing_dispute_changelist')}?stage=answer" in page


def test_no_dispute_is_no_task(client: Client) -> None:
    factories.make_dispute(status="under_review")
    assert "to answer" not in home(client)


def test_figures_follow_the_clock_of_a_server_that_stands_in_for_stripe(
    client: Client, settings: Settings
) -> None:
    ahead = timezone.now() + timedelta(days=90)
    factories.make_event(created_at=ahead)
    factories.make_payment(amount=4200, paid_at=ahead - timedelta(days=1), created_at=ahead)
    settings.STRIPE_API_BASE = ""
    page = home(client)
    assert "clock of the sandbox" not in page
    settings.STRIPE_API_BASE = "http://127.0.0.1:9"
    page = home(client)
    assert f"these figures are as of {show.day(ahead)}" in page
    assert "$42.00" in page


def test_income_of_a_large_table_is_the_same_and_kept_for_an_hour(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    now = timezone.now()
    for days in (1, 20, 40, 100, 300):
        factories.make_payment(amount=1000, paid_at=now - timedelta(days=days))
    expected = income.income()
    monkeypatch.setattr(income, "LARGE", -1)
    assert income.income() == expected
    factories.make_payment(amount=500, paid_at=now - timedelta(days=2))
    factories.make_payment(amount=700, paid_at=now - timedelta(days=100))
    with CaptureQueriesContext(connection) as seen:
        earned = income.income()
    assert earned.recent == [Money(2500, "usd")]
    total = sum(month.income.amount for month in earned.months)
    assert total == sum(month.income.amount for month in expected.months) + 500
    assert sum("billing_payment" in query["sql"] for query in seen.captured_queries) == 2
