"""What the bank's money needs is on the staff's home, and counted in the sidebar."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.test import Client, RequestFactory
from django.urls import reverse
from django.utils import timezone

from billing.models import BankTransfer
from billing.tests import factories, staff_world
from billing.tests.admin.bank.desk import awaits, mail, money, page, terms
from common.staff import show
from portal.backoffice import navigation
from portal.backoffice.waiting import Bank, waiting

pytestmark = pytest.mark.django_db
HOME = "/staff/"


def badges() -> dict[str, str]:
    request = RequestFactory().get(HOME)
    request.user = staff_world.auditor()
    [entries] = [section["items"] for section in navigation.sidebar(request)]
    counted = {one["title"]: one["badge"] for one in entries if "badge" in one}
    request.path = reverse("admin:billing_bankfile_changelist")
    tabs = [tab["title"] for one in navigation.tabs(request) for tab in one["items"]]
    return counted | {tab: "" for tab in tabs if tab.endswith(")")}


def test_nothing_to_do_says_nothing() -> None:
    terms()
    assert waiting().bank == Bank()


def test_everything_that_needs_somebody_is_a_task_with_its_list(client: Client) -> None:
    terms(days_to_prove=4)
    user, now = factories.make_member("Jane Doe"), timezone.now()
    money("NOBODY WE KNOW", 6000)
    for days in (3, 5):
        BankTransfer.objects.create(
            direction="in", amount=100 + days, currency="usd", name="ANNOUNCED", on=now.date(),
            mail=mail("verified", transaction=f"{days}", message_id=f"{days}"),
        )  # fmt: skip
        newest = BankTransfer.objects.order_by("-pk")[:1].get()
        BankTransfer.objects.filter(pk=newest.pk).update(created_at=now - timedelta(days=days))
    mail("unverified")
    mail("unreadable", message_id="u")
    for minutes in (50, 70):
        awaits(
            user, 5000, state="confirmed", confirmed_at=now - timedelta(minutes=minutes),
        )  # fmt: skip
    bank = waiting().bank
    assert (bank.unmatched, bank.unproved, bank.unverified) == (3, 1, 1)
    assert (bank.unread, bank.not_booked, bank.to_match) == (1, 1, 3)
    client.force_login(staff_world.support())
    shown = page(client, HOME)
    for words in (
        "3 transfers wait to be matched with a payment, the oldest since",
        "1 transfer was announced by email, but no file of your account has had it in time.",
        "1 email claims that money came, and nothing proves that your bank sent it.",
        "1 email from your bank can’t be read, or repeats another.",
        "1 Zelle payment has been paid for over an hour, but Stripe’s books don’t have it.",
    ):
        assert words in shown, words
    assert badges() == {
        "Bank": "6",
        "Money to match (3)": "",
        "Zelle payments (1)": "",
        "Bank emails (2)": "",
    }


def test_days_to_prove_have_a_default_before_any_terms_are_saved(client: Client) -> None:
    row = BankTransfer.objects.create(
        direction="in", amount=100, currency="usd", name="X", on=timezone.now().date(),
        mail=mail("verified"),
    )  # fmt: skip
    BankTransfer.objects.filter(pk=row.pk).update(created_at=timezone.now() - timedelta(days=6))
    assert waiting().bank.unproved == 1
    client.force_login(staff_world.support())
    missing = client.get("/staff/billing/banktransfer/", {"told": "missing"})
    assert [one.pk for one in missing.context["cl"].result_list] == [row.pk]
    assert "Import a newer file, or ask your bank." in page(client, show.page_of(row))
    BankTransfer.objects.filter(pk=row.pk).update(created_at=timezone.now() - timedelta(days=4))
    assert waiting().bank.unproved == 0


def test_somebody_who_may_see_no_bank_money_sees_no_task(client: Client) -> None:
    money("NOBODY WE KNOW", 6000)
    client.force_login(factories.make_member("New Comer", is_staff=True))
    assert "to be matched" not in page(client, HOME)
