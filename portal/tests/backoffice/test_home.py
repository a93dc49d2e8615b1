"""The numbers on the staff's home page: correct, from the right rows, in few queries."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.urls import reverse
from django.utils import timezone
from pytest_django import Settings

from billing.core.statuses import (
    EventState,
    InvoiceStatus,
    SubscriptionStatus,
)
from billing.facts import daily
from billing.models import Reconciliation
from billing.tests import factories, staff_world
from billing.tests.staff_world import auditor, make_failed_event, make_message, superuser
from common.staff import show
from portal.backoffice.home import business, facts
from portal.backoffice.waiting import waiting

pytestmark = pytest.mark.django_db


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
    assert (members.active, members.trials, members.ending) == (2, 1, 1)
    assert members.payment_failed == 1


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
    daily.refresh_all()
    settings.STRIPE_API_BASE = ""
    page = home(client)
    assert "clock of the sandbox" not in page
    settings.STRIPE_API_BASE = "http://127.0.0.1:9"
    page = home(client)
    assert f"these figures are as of {show.day(ahead)}" in page
    assert "$42.00" in page
