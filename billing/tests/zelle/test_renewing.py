"""A membership paid by Zelle goes on, changes its way to pay, and ends unpaid."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import Client
from django.utils import timezone
from pytest_django import Settings

from billing.core.bank_statuses import ExpectedState
from billing.core.statuses import InvoiceStatus
from billing.membership.cancellation import MembershipError
from billing.models import (
    BankMail,
    BankTransfer,
    ExpectedTransfer,
    Invoice,
    Payment,
    Plan,
    Subscription,
)
from billing.stripe import gateway
from billing.sync import catalog
from billing.tests.factories import PRICE_ID, make_member
from billing.tests.life import deliver, paid_member
from billing.tests.zelle.bank import expect, pay, staff
from billing.tests.zelle.world import make_terms, make_transfer
from billing.zelle import allocating, booking, ending, expecting, missing, way
from conftest import Sandbox, run_jobs
from emails.models import Message

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _prices(sandbox: Sandbox, settings: Settings) -> None:
    settings.ZELLE_PRICE_ID = PRICE_ID
    make_terms()


def renew(sandbox: Sandbox) -> Invoice:
    sandbox.control("clock", advance="renewal")
    deliver(sandbox.events())
    run_jobs()
    return Invoice.objects.latest("created_at")


def other_way(user: User) -> way.OtherWay:
    row = Subscription.objects.for_user(user).get()
    found = way.other_way(row, list(Plan.objects.all()), list(Plan.objects.all()))
    assert found
    return found


def by_zelle(sandbox: Sandbox) -> User:
    member = make_member("Alice Archer")
    pay(expect(member, purpose="membership", price_id=PRICE_ID), staff("Mia Manager"))
    deliver(sandbox.events())
    return member


def test_from_card_to_zelle_nothing_is_charged_and_the_next_invoice_is_sent(
    sandbox: Sandbox,
) -> None:
    alice = paid_member(sandbox)
    assert other_way(alice).is_zelle
    way.change(alice, other_way(alice))
    assert Payment.objects.filter(customer__user=alice).count() == 1
    invoice = renew(sandbox)
    assert (invoice.status, invoice.is_sent) == (InvoiceStatus.OPEN, True)
    expected = ExpectedTransfer.objects.get(invoice=invoice)
    assert expected.amount == invoice.amount_remaining
    assert Subscription.objects.get().is_live
    assert len(sandbox.stripe.v1.subscriptions.list().data) == 1


def test_back_to_the_card_needs_one(sandbox: Sandbox) -> None:
    alice = paid_member(sandbox)
    way.change(alice, other_way(alice))
    assert not other_way(alice).is_zelle
    way.change(alice, other_way(alice))
    invoice = renew(sandbox)
    assert (invoice.status, invoice.is_sent) == (InvoiceStatus.PAID, False)
    assert invoice.amount_paid_outside == 0
    assert Payment.objects.filter(customer__user=alice, status="succeeded").count() == 2


def test_who_never_had_a_card_adds_one_first(sandbox: Sandbox) -> None:
    alice = by_zelle(sandbox)
    found = other_way(alice)
    assert not found.is_zelle
    assert found.why_not == str(way.NO_CARD)
    with pytest.raises(MembershipError, match="Add a card"):
        way.change(alice, found)


def test_changing_twice_in_two_tabs_is_one_change(sandbox: Sandbox) -> None:
    alice = paid_member(sandbox)
    chosen = other_way(alice)
    way.change(alice, chosen)
    way.change(alice, chosen)
    assert Subscription.objects.get().is_sent


def test_it_ends_if_the_renewal_is_not_paid_in_time(sandbox: Sandbox) -> None:
    alice = by_zelle(sandbox)
    invoice = renew(sandbox)
    ending.end_unpaid()
    assert Subscription.objects.get().is_live, "not before the days of grace are over"
    Invoice.objects.filter(pk=invoice.pk).update(due_at=timezone.now() - timedelta(minutes=1))
    ending.end_unpaid()
    deliver(sandbox.events())
    assert not Subscription.objects.get().is_live
    invoice.refresh_from_db()
    assert invoice.status == InvoiceStatus.VOID
    assert not ExpectedTransfer.objects.open().filter(user=alice).exists()
    assert Message.objects.filter(user=alice, kind__contains="ended").exists()


def test_it_does_not_end_while_money_is_on_its_way(sandbox: Sandbox) -> None:
    by_zelle(sandbox)
    invoice = renew(sandbox)
    Invoice.objects.filter(pk=invoice.pk).update(due_at=timezone.now() - timedelta(minutes=1))
    rows = ExpectedTransfer.objects.filter(invoice=invoice)
    rows.update(said_sent_at=timezone.now() - timedelta(days=4))
    ending.end_unpaid()
    assert Subscription.objects.get().is_live
    rows.update(said_sent_at=timezone.now() - timedelta(days=6))
    ending.end_unpaid()
    assert not Subscription.objects.get().is_live


@pytest.mark.parametrize("how", ["void", "cash"])
def test_money_for_an_invoice_that_was_settled_meanwhile_can_be_freed(
    sandbox: Sandbox, how: str
) -> None:
    alice, manager = by_zelle(sandbox), staff("Nora Manager")
    invoice = renew(sandbox)
    row = ExpectedTransfer.objects.get(invoice=invoice)
    transfer = make_transfer(row.amount)
    [match] = allocating.allocate(transfer.pk, {row.pk: row.amount}, manager)
    if how == "void":
        sandbox.stripe.v1.invoices.void_invoice(invoice.stripe_id)
    else:
        sandbox.stripe.v1.invoices.pay(invoice.stripe_id, {"paid_out_of_band": True})
    with pytest.raises(gateway.StripeError):
        booking.book(row.pk)
    row.refresh_from_db()
    assert row.problem.startswith("Its invoice was paid another way, or is void.")
    allocating.undo(match.pk, manager, "Paid in cash")
    row.refresh_from_db()
    assert (row.state, row.booked_at) == (ExpectedState.CANCELED, None)
    assert list(BankTransfer.objects.unmatched()) == [transfer]
    run_jobs()
    assert Payment.objects.filter(customer__user=alice, card_brand="zelle").count() == 1


def test_who_says_again_and_again_that_it_is_sent_gains_five_days_at_most(sandbox: Sandbox) -> None:
    alice = by_zelle(sandbox)
    invoice = renew(sandbox)
    due = timezone.now() - timedelta(days=4)
    Invoice.objects.filter(pk=invoice.pk).update(due_at=due)
    row = ExpectedTransfer.objects.get(invoice=invoice)
    expecting.say_sent(alice, row.pk, "ALICE ARCHER")
    ending.end_unpaid()
    assert Subscription.objects.get().is_live
    Invoice.objects.filter(pk=invoice.pk).update(due_at=due - timedelta(days=2))
    expecting.say_not_sent(alice, row.pk)
    expecting.say_sent(alice, row.pk, "ALICE ARCHER")
    ending.end_unpaid()
    assert not Subscription.objects.get().is_live


def test_a_part_of_the_money_keeps_it_some_days_and_all_of_it_for_good(sandbox: Sandbox) -> None:
    by_zelle(sandbox)
    invoice = renew(sandbox)
    row = ExpectedTransfer.objects.get(invoice=invoice)
    transfer, manager = make_transfer(100), staff("Nora Manager")
    allocating.allocate(transfer.pk, {row.pk: 100}, manager)
    now = timezone.now()
    for days, is_over in ((4, False), (6, True)):
        invoice.due_at = now - timedelta(days=days)
        assert ending.is_given_up(invoice, now) is is_over
    rest = make_transfer(row.amount - 100)
    allocating.allocate(rest.pk, {row.pk: row.amount - 100}, manager)
    assert not ending.is_given_up(invoice, now)


def test_a_membership_by_card_is_left_to_stripe(sandbox: Sandbox) -> None:
    alice = paid_member(sandbox)
    Invoice.objects.update(status=InvoiceStatus.OPEN, due_at=timezone.now(), amount_remaining=1)
    ending.end_unpaid()
    assert Subscription.objects.for_user(alice).get().is_live


def test_a_membership_that_is_billed_in_the_dashboard_is_not_ended_though_its_price_is_the_same(
    sandbox: Sandbox,
) -> None:
    alice = paid_member(sandbox)
    row = Subscription.objects.get()
    sent: Any = {"collection_method": "send_invoice", "days_until_due": 14}
    sandbox.stripe.v1.subscriptions.update(row.stripe_id, sent)
    invoice = renew(sandbox)
    assert not ExpectedTransfer.objects.filter(user=alice).exists()
    Invoice.objects.filter(pk=invoice.pk).update(due_at=timezone.now() - timedelta(minutes=1))
    ending.end_unpaid()
    assert Subscription.objects.get().is_live


def test_staff_hear_once_of_money_that_never_reached_the_account(settings: Settings) -> None:
    settings.STAFF_EMAIL = ["staff@harbor.example"]
    row = make_transfer(2900, name="SAM DOE")
    mail_only = BankTransfer.objects.filter(pk=row.pk)
    mail = BankMail.objects.create(digest="1", message_id="1", state="verified", name="SAM DOE")
    mail_only.update(mail=mail, line=None, created_at=timezone.now() - timedelta(days=6))
    missing.tell()
    missing.tell()
    [message] = Message.objects.filter(kind="money_missing")
    assert message.context["payer"] == "SAM DOE"
    assert message.context["days"] == 6


def test_the_prices_for_zelle_are_read(sandbox: Sandbox, settings: Settings) -> None:
    settings.ZELLE_PRICE_ID = PRICE_ID
    catalog.sync_current_plan()
    assert Plan.objects.filter(stripe_id=PRICE_ID).exists()


def test_the_page_offers_the_other_way_and_an_old_page_changes_nothing_back(
    sandbox: Sandbox, client: Client
) -> None:
    alice = paid_member(sandbox)
    client.force_login(alice)
    catalog.sync_current_plan()
    page = client.get("/membership/").content.decode()
    assert "Pay by Zelle instead" in page
    assert "Nothing is charged today" in page
    client.post("/membership/way/", {"way": "zelle"})
    assert Subscription.objects.get().is_sent
    page = client.get("/membership/").content.decode()
    assert "You now pay by Zelle." in page
    assert "Pay by card instead" in page
    answer = client.post("/membership/way/", {"way": "zelle"}, follow=True)
    assert "This has already changed" in answer.content.decode()
    assert Subscription.objects.get().is_sent
