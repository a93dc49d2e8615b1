"""The weekly email with the numbers: for staff who turned it on, once, on Monday mornings."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from django.test import Client
from django.urls import reverse
from pytest_django import Settings

from billing.facts import daily
from billing.models import NumbersMail
from billing.tests import factories
from billing.tests.staff_world import auditor, superuser
from emails.models import Message
from emails.rendering import render_email
from portal.backoffice import weekly

pytestmark = pytest.mark.django_db
MONDAY = datetime(2026, 11, 30, 12, 4, tzinfo=UTC)  # 7:04 a.m. in New York


@pytest.fixture(autouse=True)
def _any_time(settings: Settings) -> None:
    """Mails about that Monday are news whenever the tests run."""
    settings.MESSAGE_MAX_AGE_HOURS = 10_000_000


def test_whoever_presses_the_button_gets_it_until_they_turn_it_off(client: Client) -> None:
    owner = superuser()
    client.force_login(owner)
    url = reverse("admin:billing_subscription_numbers_by_email")
    factories.make_payment()
    daily.rebuild()
    home = reverse("admin:index")
    assert "Email me these numbers every Monday" in client.get(home).content.decode()
    answer = client.post(url, {"on": "yes"}, follow=True)
    assert f"You’ll get these numbers at {owner.email} every Monday." in answer.content.decode()
    assert "You get these numbers by email every Monday." in answer.content.decode()
    assert NumbersMail.objects.get().user == owner
    client.post(url, {"on": "no"})
    assert not NumbersMail.objects.exists()
    assert client.get(url).status_code == 405
    client.force_login(factories.make_member("New Comer", is_staff=True))
    assert client.post(url, {"on": "yes"}).status_code == 403


@pytest.mark.parametrize(
    ("now", "count"),
    [
        (MONDAY, 1),
        (datetime(2026, 11, 30, 11, 59, tzinfo=UTC), 0),  # before seven
        (datetime(2026, 11, 30, 2, tzinfo=UTC), 0),  # Sunday evening in New York
        (datetime(2026, 12, 1, 4, 30, tzinfo=UTC), 1),  # Monday night there
        (datetime(2026, 12, 1, 12, tzinfo=UTC), 0),
    ],
)
def test_it_goes_out_on_mondays_once(now: datetime, count: int) -> None:
    NumbersMail.objects.create(user=superuser())
    assert weekly.send(now) == count
    assert weekly.send(now) == 0
    assert Message.objects.count() == count


def test_only_those_who_may_see_money_get_it() -> None:
    left = factories.make_member("Left Staff", is_staff=False)
    unseeing = factories.make_member("New Comer", is_staff=True)
    for user in (left, unseeing, auditor()):
        NumbersMail.objects.create(user=user)
    assert weekly.send(MONDAY) == 1


def test_it_has_homes_numbers_and_what_needs_somebody() -> None:
    NumbersMail.objects.create(user=superuser())
    payment = factories.make_payment(amount=4200, paid_at=datetime(2026, 11, 5, 17, tzinfo=UTC))
    factories.make_dispute(payment, evidence_due_at=datetime(2026, 12, 8, 17, tzinfo=UTC))
    daily.rebuild()
    weekly.send(MONDAY)
    mail = render_email(Message.objects.get())
    assert mail.subject == "Your week in numbers: MRR $0.00"
    for said in (
        "What needs you first:",
        "1 dispute to answer",
        "Nov 2026, with the change",
        "Received: $42.00",
        "Churn of members: — (no members at the start)",
        "where you can turn it off",
    ):
        assert said in mail.text, said
