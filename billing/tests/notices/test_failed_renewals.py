"""Staff who turned it on hear right away that a renewal failed, the first time and the last."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from billing.core.statuses import Collection, InvoiceStatus
from billing.facts import daily
from billing.models import FailureMail, Invoice
from billing.notices import payments
from billing.notices.transitions import InvoicePaymentFailed
from billing.tests import factories
from billing.tests.staff_world import billing, superuser
from emails import rendering
from emails.catalog import Kind
from emails.models import Message

pytestmark = pytest.mark.django_db


def fail(**fields: Any) -> Invoice:
    """Let a charge of a renewal fail."""
    row = factories.make_subscription(factories.make_customer(factories.make_member("Nina Novak")))
    values: dict[str, Any] = {
        "status": InvoiceStatus.OPEN,
        "collection": Collection.FAILED,
        "subscription": row,
        "attempt_count": 1,
        "next_payment_attempt_at": timezone.now() + timedelta(days=3),
    }
    invoice = factories.make_invoice(row.customer, **values | fields)
    failed = factories.make_payment(
        invoice=invoice, status="requires_payment_method", failure_code="insufficient_funds"
    )
    payments.invoice_failed(InvoicePaymentFailed(invoice, failed, timezone.now()))
    return invoice


def told() -> list[Message]:
    return [*Message.objects.filter(kind=Kind.RENEWAL_FAILED)]


def test_who_turned_it_on_hears_it_once_and_what_follows() -> None:
    boss = superuser()
    FailureMail.objects.create(user=boss)
    FailureMail.objects.create(user=factories.make_member("No Longer", is_staff=False))
    FailureMail.objects.create(user=factories.make_member("Sees Nothing", is_staff=True))
    invoice = fail()
    [row] = told()
    assert (row.user, row.recipient) == (boss, boss.email)
    mail = rendering.render_email(row)
    assert mail.subject == "Renewal failed: $29.00 from Nina Novak"
    assert "Stripe tries again on" in mail.text
    assert "Charged to: Visa ending in 4242" in mail.text
    assert reverse("admin:billing_invoice_change", args=[invoice.pk]) in mail.html
    assert "where you can turn it off" in mail.text


def test_nobody_hears_it_unless_they_want_it() -> None:
    superuser()
    fail()
    assert told() == []


@pytest.mark.parametrize(
    ("fields", "subject"),
    [
        ({"attempt_count": 2}, ""),
        (
            {"attempt_count": 4, "next_payment_attempt_at": None, "auto_advance": False},
            "Last try failed: $29.00 from ",
        ),
        ({"billing_reason": "subscription_create"}, ""),
        ({"subscription": None, "billing_reason": "manual"}, ""),
    ],
)
def test_only_the_first_and_the_last_try_of_a_renewal_are_news(
    fields: dict[str, Any], subject: str
) -> None:
    FailureMail.objects.create(user=billing())
    fail(**fields)
    said = [row.subject for row in told()]
    assert [one.startswith(subject) for one in said] == ([True] if subject else [])


def test_whoever_presses_the_button_gets_it_until_they_turn_it_off(client: Client) -> None:
    boss = superuser()
    client.force_login(boss)
    url = reverse("admin:billing_subscription_failures_by_email")
    factories.make_payment()
    daily.rebuild()
    button = "Email me as soon as a renewal fails"
    assert button in client.get(reverse("admin:index")).content.decode()
    answer = client.post(url, {"on": "yes"}, follow=True).content.decode()
    assert "You get an email as soon as a renewal fails." in answer
    assert button not in answer
    assert FailureMail.objects.get().user == boss
    client.post(url, {"on": "no"})
    assert not FailureMail.objects.exists()
    assert client.get(url).status_code == 405
