"""The daily email about yesterday: for staff who turned it on, once, if anything happened."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest
from django.test import Client
from django.urls import reverse

from billing.facts import daily
from billing.models import DayMail, MemberSpan
from billing.tests import factories
from billing.tests.staff_world import superuser
from emails.models import Message, MessageState
from emails.rendering import render_email
from portal.backoffice import yesterday

pytestmark = pytest.mark.django_db


def morning() -> datetime:
    """Return eight in the morning of the business's day."""
    return datetime.now(daily.zone()).replace(hour=8, minute=0)


def noon_before() -> datetime:
    return (morning() - timedelta(days=1)).replace(hour=12)


def failed(kind: str, **fields: object) -> Message:
    """Make a message that was given up yesterday."""
    values = {"channel": "email", "recipient": "x@example.com", "state": MessageState.FAILED}
    number = Message.objects.count()
    row = Message.objects.create(
        kind=kind, dedupe_key=f"{kind}:{number}", sending_at=noon_before(), **values | fields
    )
    Message.objects.filter(pk=row.pk).update(created_at=noon_before())
    return row


def span(name: str, membership: str) -> None:
    """Count somebody as having come or gone yesterday."""
    subscription = factories.make_subscription(factories.make_customer(factories.make_member(name)))
    MemberSpan.objects.create(
        user=subscription.customer.user,
        currency="usd",
        day=noon_before().date(),
        mrr_before=0,
        mrr=0,
        was_member=membership == "lost",
        is_member=membership != "lost",
        membership=membership,
    )


def test_it_says_what_happened_once_and_not_that_it_failed_itself() -> None:
    DayMail.objects.create(user=superuser())
    span("Nina Novak", "new")
    span("Omar Olsen", "lost")
    pia = factories.make_member("Pia Park")
    failed("payment_failed", user=pia, context={"amount": "$29.00", "reason": "No money."})
    failed("yesterday")
    assert yesterday.send(morning()) == 1
    assert yesterday.send(morning()) == 0
    mail = render_email(Message.objects.filter(kind="yesterday").latest("pk"))
    assert mail.subject == (
        "Yesterday: 1 new member, 1 lost member, 1 failed payment, 1 failed message"
    )
    for said in (
        "- Nina Novak: Membership",
        "- Omar Olsen: canceled",
        "- Pia Park: $29.00. No money.",
        "- Payment failed by email: 1",
        "where you can turn it off",
    ):
        assert said in mail.text, said


def test_nothing_is_sent_at_night_after_a_quiet_day_or_to_others() -> None:
    assert yesterday.send(morning()) == 0
    DayMail.objects.create(user=superuser())
    assert yesterday.send(morning()) == 0
    DayMail.objects.create(user=factories.make_member("New Comer", is_staff=True))
    failed("welcome")
    assert yesterday.send(morning().replace(hour=6)) == 0
    assert yesterday.send(morning()) == 1


def test_whoever_presses_the_button_gets_it_until_they_turn_it_off(client: Client) -> None:
    owner = superuser()
    client.force_login(owner)
    url = reverse("admin:billing_subscription_day_by_email")
    factories.make_payment()
    daily.rebuild()
    assert "Email me each morning" in client.get(reverse("admin:index")).content.decode()
    answer = client.post(url, {"on": "yes"}, follow=True).content.decode()
    assert "You get an email each morning" in answer
    assert DayMail.objects.get().user == owner
    client.post(url, {"on": "no"})
    assert not DayMail.objects.exists()
    assert client.get(url).status_code == 405
