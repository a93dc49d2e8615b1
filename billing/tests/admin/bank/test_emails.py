"""Emails that don't count are listed with their reason, in red if they claim to be a bank's."""

from __future__ import annotations

import pytest
from django.contrib.admin.models import LogEntry
from django.test import Client
from django.urls import reverse

from billing.admin.bank.mails import looks_forged
from billing.models import BankMail
from billing.tests import staff_world
from billing.tests.admin.bank.desk import mail, page
from common.staff import show

pytestmark = pytest.mark.django_db
LIST = "/staff/billing/bankmail/"
LOOK = f"{LIST}?needs=look"


@pytest.fixture
def boss(client: Client) -> Client:
    client.force_login(staff_world.manager())
    return client


def test_what_does_not_count_is_listed_with_its_reason(boss: Client) -> None:
    mail("verified", problem="", transaction="1")
    mail("unreadable", problem="The amount is missing.", subject="UNREADABLE ONE", amount=None)
    mail("repeated", problem="", name="REPEATED ONE")
    mail("unverified", problem="It has no valid signature.", name="FORGED ONE")
    shown = page(boss, LOOK)
    assert len(boss.get(LOOK).context["cl"].result_list) == 3
    for words in (
        "The amount is missing.",
        "an earlier email told of the same transfer",
        "It has no valid signature.",
        "May be forged",
    ):
        assert words in shown, words


@pytest.mark.parametrize(
    ("sender", "is_forged"),
    [
        ("Chase <no.reply.alerts@chase.com>", True),
        ("CHASE <alerts@chase-alerts.example>", True),
        ("alerts@cháse.example", False),
        ("Aunt Mary <mary@example.com>", False),
    ],
)
def test_an_email_that_claims_to_be_the_banks_is_marked(
    boss: Client, sender: str, is_forged: bool
) -> None:
    row = mail(sender=sender)
    assert looks_forged(row) is is_forged
    assert ("It claims to be from your bank" in page(boss, show.page_of(row))) is is_forged


def test_a_verified_one_is_never_marked() -> None:
    assert not looks_forged(mail("verified"))


def test_seen_ones_are_no_longer_new(boss: Client) -> None:
    row, other = mail(), mail("repeated", message_id="x")
    button = reverse("admin:billing_bankmail_seen", args=[row.pk])
    assert button in page(boss, show.page_of(row))
    assert "no longer shown as new" in page(boss, button, _form_submitted="on")
    assert button not in page(boss, show.page_of(row))
    chosen = {"action": "mark_seen", "_selected_action": [row.pk, other.pk]}
    assert "1 email marked as seen." in page(boss, LOOK, **chosen)
    assert not BankMail.objects.filter(seen_at=None).exists()
    assert "Every email counts, or was seen." in page(boss, LOOK)
    assert LogEntry.objects.filter(change_message="Seen.").count() == 2


def test_support_sees_them_and_marks_none(client: Client) -> None:
    client.force_login(staff_world.support())
    row = mail()
    assert "It claims to be from your bank" in page(client, show.page_of(row))
    button = reverse("admin:billing_bankmail_seen", args=[row.pk])
    assert client.post(button, {"_form_submitted": "on"}).status_code == 403
    assert BankMail.objects.get().seen_at is None
