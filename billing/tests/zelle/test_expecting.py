"""Payments by Zelle are started once, replaced, reported, canceled, reminded of, and expired."""

from __future__ import annotations

import secrets
import threading
from collections.abc import Callable
from datetime import timedelta
from functools import partial
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.db import connections
from django.utils import timezone
from pytest_django import Settings

from billing.bank import references
from billing.core.bank_statuses import AllocationState, ExpectedState
from billing.core.statuses import RequestState
from billing.membership import checkout
from billing.models import (
    BankTransfer,
    Checkout,
    ExpectedTransfer,
    Invoice,
    Item,
    PaymentRequest,
    Plan,
)
from billing.payments import payment_requests, single_payments
from billing.sync import refresh
from billing.tests import factories
from billing.tests.life import GOOD_CARD, deliver, sign_up
from billing.tests.zelle.world import make_terms, receive
from billing.zelle import expecting
from billing.zelle.expecting import ZelleError
from conftest import Sandbox
from emails.models import Message

pytestmark = pytest.mark.django_db
TABS = 4
DAY = timedelta(days=1)
MONTHLY = "price_membership_monthly"


def make_request(user: User, **fields: Any) -> PaymentRequest:
    values = {"amount": 4000, "currency": "usd", "description": "Workshop fee"}
    return PaymentRequest.objects.create(user=user, sent_at=timezone.now(), **values | fields)


def sent_to(user: User, kind: str, channel: str = "email") -> list[dict[str, Any]]:
    rows = Message.objects.filter(user=user, kind=kind, channel=channel)
    return [row.context for row in rows.order_by("pk")]


def states(user: User) -> list[tuple[int, str]]:
    rows = ExpectedTransfer.objects.for_user(user).order_by("pk")
    return [(row.amount, row.state) for row in rows]


def test_a_started_payment_has_a_reference_an_end_and_one_mail() -> None:
    make_terms(days_to_pay=10)
    alice = factories.make_member()
    row = expecting.start_amount(alice, 2500, "Guest pass")
    again = expecting.start_amount(alice, 2500, "Guest pass")
    assert again.pk == row.pk
    assert references.is_valid(row.reference)
    assert (row.state, row.amount, row.currency) == ("waiting", 2500, "usd")
    assert row.description == "Guest pass"
    assert row.expires_at is not None
    assert timedelta(days=9.9) < row.expires_at - timezone.now() <= timedelta(days=10)
    [mail] = sent_to(alice, "zelle_started")
    assert mail["amount"] == "$25.00"
    assert mail["reference"] == references.shown("HY", row.reference)
    assert mail["to_address"] == "pay@harboryoga.example"


def test_another_amount_replaces_it_and_other_words_do_not() -> None:
    make_terms()
    alice = factories.make_member()
    first = expecting.start_amount(alice, 2500, "Mat")
    renamed = expecting.start_amount(alice, 2500, "Two mats")
    assert (renamed.pk, renamed.description) == (first.pk, "Two mats")
    second = expecting.start_amount(alice, 3000, "Mat")
    assert second.reference != first.reference
    assert states(alice) == [(2500, "canceled"), (3000, "waiting")]


@pytest.mark.parametrize("how", ["said", "proposed", "part"])
def test_an_amount_on_its_way_is_not_replaced(how: str) -> None:
    make_terms()
    alice = factories.make_member()
    row = expecting.start_amount(alice, 2500, "")
    if how == "said":
        expecting.say_sent(alice, row.pk, "A Archer")
    else:
        receive(row, 1000, "proposed" if how == "proposed" else "confirmed")
    with pytest.raises(ZelleError, match="is on its way"):
        expecting.start_amount(alice, 3000, "")
    assert len(states(alice)) == 1


@pytest.mark.parametrize(("cents", "words"), [(99, r"\$1.00"), (200_001, r"\$2,000.00")])
def test_an_amount_out_of_the_terms_is_refused(cents: int, words: str) -> None:
    make_terms()
    with pytest.raises(ZelleError, match=words):
        expecting.start_amount(factories.make_member(), cents, "")
    assert not ExpectedTransfer.objects.exists()


def test_what_is_not_taken_is_refused(settings: Settings) -> None:
    alice = factories.make_member()
    with pytest.raises(ZelleError, match="don’t take Zelle"):
        expecting.start_amount(alice, 2500, "")
    make_terms(takes_amounts=False)
    with pytest.raises(ZelleError, match="don’t take Zelle"):
        expecting.start_amount(alice, 2500, "")
    make_terms()
    settings.PAYMENT_CURRENCY = "eur"
    with pytest.raises(ZelleError, match="don’t take Zelle"):
        expecting.start_amount(alice, 2500, "")
    settings.PAYMENT_CURRENCY = "usd"
    settings.STRIPE_TAX, settings.STRIPE_TAX_BEHAVIOR = True, "exclusive"
    with pytest.raises(ZelleError, match="don’t take Zelle"):
        expecting.start_amount(alice, 2500, "")
    settings.STRIPE_TAX_BEHAVIOR = "inclusive"
    assert expecting.start_amount(alice, 2500, "").amount == 2500


def test_nobody_uses_up_the_references() -> None:
    make_terms()
    alice = factories.make_member()
    for number in range(30):
        expecting.start_amount(alice, 1000 + number, "")
    with pytest.raises(ZelleError, match="many Zelle payments today"):
        expecting.start_amount(alice, 5000, "")
    # What's open stays, and is found again.
    assert expecting.start_amount(alice, 1029, "").state == "waiting"
    assert expecting.start_amount(factories.make_member("Bob"), 5000, "").amount == 5000


def test_a_taken_reference_is_drawn_again(monkeypatch: pytest.MonkeyPatch) -> None:
    make_terms()
    alice, bob = factories.make_member(), factories.make_member("Bob")
    letters = iter("7K3P" * 2 + "8M4R")
    monkeypatch.setattr(secrets, "choice", lambda _: next(letters))
    first = expecting.start_amount(alice, 2500, "")
    second = expecting.start_amount(bob, 2500, "")
    assert (first.reference[:4], second.reference[:4]) == ("7K3P", "8M4R")


def at_once(clicks: list[Callable[[], ExpectedTransfer]]) -> list[ExpectedTransfer]:
    """Click in several tabs in the same moment; return where each leads."""
    barrier, rows = threading.Barrier(len(clicks)), []

    def click(act: Callable[[], ExpectedTransfer]) -> None:
        barrier.wait()
        try:
            rows.append(act())
        finally:
            connections.close_all()

    tabs = [threading.Thread(target=click, args=[act]) for act in clicks]
    for tab in tabs:
        tab.start()
    for tab in tabs:
        tab.join()
    return rows


@pytest.mark.django_db(transaction=True)
def test_tabs_that_start_the_same_at_once_get_one_reference_and_one_mail() -> None:
    make_terms()
    alice = factories.make_member()
    item = Item.objects.create(name="Key", amount=1000, currency="usd", for_everybody=True)
    rows = at_once([lambda: expecting.start_amount(alice, 2500, "Mat")] * TABS)
    assert len(rows) == TABS
    assert len({row.reference for row in rows}) == 1
    rows = at_once([lambda: expecting.start_item(alice, item.pk)] * TABS)
    assert len(rows) == TABS
    assert len({row.reference for row in rows}) == 1
    assert len(sent_to(alice, "zelle_started")) == 2


@pytest.mark.django_db(transaction=True)
def test_tabs_that_start_other_amounts_at_once_leave_one_open() -> None:
    make_terms()
    alice = factories.make_member()
    amounts = (1000, 2000, 3000)
    rows = at_once([partial(expecting.start_amount, alice, cents, "") for cents in amounts])
    assert sorted(row.amount for row in rows) == [1000, 2000, 3000]
    assert sorted(state for _, state in states(alice)) == ["canceled", "canceled", "waiting"]


def test_a_request_is_started_once_and_by_its_member_alone() -> None:
    make_terms()
    alice, bob = factories.make_member(), factories.make_member("Bob Baker")
    request = make_request(alice)
    row = expecting.start_request(alice, request.pk)
    assert expecting.start_request(alice, request.pk).pk == row.pk
    assert (row.request, row.amount, row.description) == (request, 4000, "Workshop fee")
    with pytest.raises(ZelleError, match="couldn’t find"):
        expecting.start_request(bob, request.pk)
    # A second request has its own.
    assert expecting.start_request(alice, make_request(alice, amount=500).pk).pk != row.pk


def test_a_request_that_cannot_be_paid_cannot_be_started() -> None:
    make_terms()
    alice = factories.make_member()
    for fields, words in (
        ({"state": RequestState.CANCELED}, "withdrawn"),
        ({"state": RequestState.PAID}, "already paid this"),
        ({"expires_at": timezone.now() - DAY}, "expired"),
    ):
        with pytest.raises(ZelleError, match=words):
            expecting.start_request(alice, make_request(alice, **fields).pk)
    make_terms(takes_requests=False)
    with pytest.raises(ZelleError, match="don’t take Zelle"):
        expecting.start_request(alice, make_request(alice).pk)


def test_an_item_is_started_at_its_price() -> None:
    make_terms()
    alice = factories.make_member()
    item = Item.objects.create(name="Key", amount=1000, currency="usd", for_everybody=True)
    row = expecting.start_item(alice, item.pk)
    assert expecting.start_item(alice, item.pk).pk == row.pk
    assert (row.description, row.amount) == ("Key", 1000)
    Item.objects.update(is_active=False)
    with pytest.raises(ZelleError, match="isn’t for sale"):
        expecting.start_item(alice, item.pk)


def test_a_request_paid_by_card_meanwhile_is_not_awaited(sandbox: Sandbox) -> None:
    make_terms()
    alice = sign_up()
    request = make_request(alice)
    single_payments.pay_request(alice, request.pk)
    row = expecting.start_request(alice, request.pk)
    receive(row, 1000)
    assert Checkout.objects.get().state == "open"
    session_id = Checkout.objects.get().session_id
    sandbox.control(f"checkout/{session_id}/complete", card=GOOD_CARD, authenticate=True)
    deliver(sandbox.events())
    row.refresh_from_db()
    request.refresh_from_db()
    assert (request.state, row.state) == ("paid", ExpectedState.CANCELED)
    assert row.closed_at is not None
    # What came by Zelle is free for staff to send back.
    assert row.allocations.get().state == AllocationState.UNDONE
    assert BankTransfer.objects.unmatched().count() == 1
    with pytest.raises(ZelleError, match="already paid this"):
        expecting.start_request(alice, request.pk)


@pytest.mark.parametrize("amount", [1000, 4000])
def test_a_request_whose_money_came_by_zelle_is_not_paid_by_card(amount: int) -> None:
    make_terms()
    alice = factories.make_member()
    request = make_request(alice)
    receive(expecting.start_request(alice, request.pk), amount)
    with pytest.raises(checkout.AlreadyPaid, match="being confirmed"):
        single_payments.pay_request(alice, request.pk)


def test_a_request_that_staff_withdraw_is_not_awaited() -> None:
    make_terms()
    alice, boss = factories.make_member(), factories.make_member("Boss")
    request, paid = make_request(alice), make_request(alice, amount=500)
    row = expecting.start_request(alice, request.pk)
    payment_requests.cancel(request, boss)
    row.refresh_from_db()
    assert row.state == ExpectedState.CANCELED
    receive(expecting.start_request(alice, paid.pk), 100)
    with pytest.raises(payment_requests.RequestRefused, match="arrived by Zelle"):
        payment_requests.cancel(paid, boss)


def test_a_membership_is_started_at_a_price_for_zelle(sandbox: Sandbox, settings: Settings) -> None:
    make_terms()
    settings.ZELLE_PRICE_ID = MONTHLY
    alice = sign_up()
    row = expecting.start_membership(alice, MONTHLY)
    plan = Plan.objects.get(stripe_id=MONTHLY)
    assert (row.amount, row.price_id, row.purpose) == (plan.amount, MONTHLY, "membership")
    assert expecting.start_membership(alice, MONTHLY).pk == row.pk
    with pytest.raises(ZelleError, match="isn’t available"):
        expecting.start_membership(alice, "price_other")
    make_terms(maximum=500)
    with pytest.raises(ZelleError, match="don’t take Zelle"):
        expecting.start_membership(alice, MONTHLY)


def test_a_membership_begun_by_card_is_not_awaited(sandbox: Sandbox, settings: Settings) -> None:
    make_terms()
    settings.ZELLE_PRICE_ID = MONTHLY
    alice = sign_up()
    row = expecting.start_membership(alice, MONTHLY)
    checkout.start_membership(alice)
    session_id = Checkout.objects.get().session_id
    sandbox.control(f"checkout/{session_id}/complete", card=GOOD_CARD, authenticate=True)
    deliver(sandbox.events())
    row.refresh_from_db()
    assert row.state == ExpectedState.CANCELED
    with pytest.raises(ZelleError, match="already a member"):
        expecting.start_membership(alice, MONTHLY)


def test_nobody_pays_by_card_for_a_membership_that_zelle_has_paid(
    sandbox: Sandbox, settings: Settings
) -> None:
    make_terms()
    settings.ZELLE_PRICE_ID = MONTHLY
    alice = sign_up()
    receive(expecting.start_membership(alice, MONTHLY))
    with pytest.raises(checkout.AlreadyMember, match="Zelle payment"):
        checkout.start_membership(alice)
    with pytest.raises(ZelleError, match="Zelle payment"):
        expecting.start_membership(alice, MONTHLY)


def test_said_to_be_sent_is_remembered_and_can_be_taken_back() -> None:
    make_terms()
    alice, bob = factories.make_member(), factories.make_member("Bob")
    row = expecting.start_amount(alice, 2500, "")
    said = expecting.say_sent(alice, row.pk, "  Archer   Family\n Trust ")
    assert (said.payer_name, said.state) == ("Archer Family Trust", "waiting")
    assert said.said_sent_at is not None
    with pytest.raises(ZelleError, match="can’t be canceled"):
        expecting.cancel(alice, row.pk)
    assert expecting.say_not_sent(alice, row.pk).said_sent_at is None
    for act in (expecting.cancel, expecting.say_not_sent):
        with pytest.raises(ZelleError, match="couldn’t find"):
            act(bob, row.pk)
    with pytest.raises(ZelleError, match="couldn’t find"):
        expecting.say_sent(bob, row.pk, "Bob")
    assert expecting.cancel(alice, row.pk).state == "canceled"
    with pytest.raises(ZelleError, match="no longer waiting"):
        expecting.say_sent(alice, row.pk, "A")


def test_a_name_of_any_length_fits() -> None:
    make_terms()
    alice = factories.make_member()
    row = expecting.start_amount(alice, 2500, "N" * 500)
    assert len(row.description) == 200
    assert len(expecting.say_sent(alice, row.pk, "Ñ" * 900).payer_name) == 200


def late(row: ExpectedTransfer, **fields: Any) -> None:
    """Let a payment's time be over."""
    past = timezone.now() - DAY
    ExpectedTransfer.objects.filter(pk=row.pk).update(**{"expires_at": past} | fields)


def test_what_nothing_came_for_expires_once_and_says_so() -> None:
    make_terms()
    alice = factories.make_member()
    row = expecting.start_amount(alice, 2500, "")
    expecting.expire()
    assert states(alice) == [(2500, "waiting")]
    late(row)
    expecting.expire()
    expecting.expire()
    assert states(alice) == [(2500, "expired")]
    [mail] = sent_to(alice, "zelle_expired")
    assert mail["amount"] == "$25.00"
    assert expecting.start_amount(alice, 2500, "").pk != row.pk


def test_what_came_or_is_on_its_way_does_not_expire() -> None:
    make_terms()
    now = timezone.now()
    people = [factories.make_member(name) for name in ("Ann", "Ben", "Cleo", "Dan")]
    rows = [expecting.start_amount(one, 2500, "") for one in people]
    receive(rows[0], 1000)
    receive(rows[1], 2500, "proposed")
    for row in rows:
        late(row)
    late(rows[2], said_sent_at=now - DAY)
    late(rows[3], said_sent_at=now - 6 * DAY)
    expecting.expire()
    found = [states(one)[0][1] for one in people]
    assert found == ["waiting", "announced", "waiting", "expired"]


def test_to_say_again_that_it_is_sent_keeps_nothing_open_for_ever() -> None:
    make_terms()
    alice = factories.make_member()
    row = expecting.start_amount(alice, 2500, "")
    late(row, expires_at=timezone.now() - 6 * DAY)
    expecting.say_sent(alice, row.pk, "Alice Archer")
    expecting.expire()
    assert states(alice) == [(2500, "expired")]


def test_one_reminder_comes_two_days_before() -> None:
    make_terms()
    alice = factories.make_member()
    row = expecting.start_amount(alice, 2500, "")
    expecting.remind()
    soon = timezone.now() + DAY
    late(row, expires_at=soon)
    expecting.remind()
    assert sent_to(alice, "zelle_reminder") == []  # It was started a moment ago.
    late(row, expires_at=soon, created_at=timezone.now() - 6 * DAY)
    make_terms(takes_amounts=False)
    expecting.remind()
    assert sent_to(alice, "zelle_reminder") == []
    make_terms()
    expecting.remind()
    expecting.remind()
    assert len(sent_to(alice, "zelle_reminder")) == 1


def test_said_to_be_sent_is_not_reminded_of() -> None:
    make_terms()
    alice = factories.make_member()
    row = expecting.start_amount(alice, 2500, "")
    expecting.say_sent(alice, row.pk, "A")
    late(row, expires_at=timezone.now() + DAY, created_at=timezone.now() - 6 * DAY)
    expecting.remind()
    assert sent_to(alice, "zelle_reminder") == []


def sent_invoice(user: User, **fields: Any) -> Invoice:
    """Return an open invoice that's due in three days."""
    values: dict[str, Any] = {
        "status": "open",
        "collection_method": "send_invoice",
        "due_at": timezone.now() + 3 * DAY,
    }
    return factories.make_invoice(factories.make_customer(user), **values | fields)


def test_an_invoice_is_awaited_until_its_due_date_and_grace() -> None:
    make_terms(days_of_grace=20)
    alice = factories.make_member()
    invoice = sent_invoice(alice)
    row = expecting.start_invoice(alice, invoice.pk)
    assert expecting.for_invoice(invoice).pk == row.pk
    assert (row.amount, row.invoice, row.purpose) == (2900, invoice, "invoice")
    assert invoice.due_at is not None
    assert row.expires_at == invoice.due_at + 20 * DAY
    with pytest.raises(ZelleError, match="couldn’t find"):
        expecting.start_invoice(factories.make_member("Bob"), invoice.pk)


def test_an_invoice_that_is_charged_or_paid_is_not_taken() -> None:
    make_terms()
    alice = factories.make_member()
    for fields, words in (
        ({"status": "paid"}, "nothing to pay"),
        ({"collection_method": "charge_automatically"}, "another way"),
        ({"collection": "processing"}, "another way"),
        ({"currency": "eur"}, "can’t be paid by Zelle"),
    ):
        with pytest.raises(ZelleError, match=words):
            expecting.start_invoice(alice, sent_invoice(alice, **fields).pk)


def test_an_invoice_paid_meanwhile_or_reduced_is_followed(sandbox: Sandbox) -> None:
    make_terms()
    alice = sign_up()
    customer = checkout.customer_of(alice)
    made = sandbox.stripe.v1.invoices.create(
        {"customer": customer.stripe_id, "collection_method": "send_invoice", "days_until_due": 7}
    )
    sandbox.stripe.v1.invoice_items.create(
        {
            "customer": customer.stripe_id,
            "invoice": made.id or "",
            "amount": 4000,
            "currency": "usd",
            "description": "Locker",
        }
    )
    sandbox.stripe.v1.invoices.finalize_invoice(made.id or "")
    invoice = refresh.sync_invoice(made.id or "")
    row = expecting.start_invoice(alice, invoice.pk)
    assert row.amount == 4000
    sandbox.stripe.v1.credit_notes.create({"invoice": made.id or "", "amount": 1000})
    refresh.sync_invoice(invoice.stripe_id)
    assert states(alice) == [(4000, "canceled"), (3000, "waiting")]
    sandbox.stripe.v1.invoices.pay(invoice.stripe_id, {"paid_out_of_band": True})
    refresh.sync_invoice(invoice.stripe_id)
    assert states(alice) == [(4000, "canceled"), (3000, "canceled")]
