"""Staff find people by any part of them, and money by its number, amount, or card."""

from __future__ import annotations

from typing import Any

import pytest
from django.contrib.auth.models import User
from django.db import connection
from django.db.models import Model
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from billing.models import (
    BankLine,
    Dispute,
    ExpectedTransfer,
    Invoice,
    Payment,
    PaymentMethod,
    Refund,
    StripeEvent,
    UnassignedCustomer,
)
from billing.tests import factories, staff_world
from billing.tests.staff_world import signed_in_now
from billing.tests.zelle.world import make_transfer
from common.staff import show
from emails.catalog import Kind
from emails.models import Channel, Message
from members import search
from members.models import Member
from portal.models import SupportMessage

pytestmark = pytest.mark.django_db


@pytest.fixture
def desk() -> Client:
    """The browser of a manager."""
    return signed_in_now(staff_world.manager())


def found(desk: Client, model: type[Model], term: str) -> list[Any]:
    meta = model._meta
    answer = desk.get(reverse(f"admin:{meta.app_label}_{meta.model_name}_changelist"), {"q": term})
    return list(answer.context["cl"].result_list)


@pytest.mark.parametrize(
    "typed", ["eller", "ELLER", "kelle", "im keller", "keller kim", "reen.exam", "k.keller@green"]
)
def test_a_person_is_found_by_any_part_of_name_or_address(typed: str) -> None:
    kim = factories.make_member("Kim Keller", email="k.keller@green.example")
    factories.make_member("Olaf Other", email="olaf@other.example")
    assert search.people(typed) == [kim.pk]


@pytest.mark.parametrize(
    ("name", "typed"),
    [
        ("Łukasz Żółw-O’Neill", "neill"),
        ("Jürgen Großmann", "rossmann"),
        ("María García López", "opez"),
        ("Zo\u0308e Bahnsen", "ahns"),
        ("Νίκος Παπαδόπουλος", "δοπουλ"),
        ("Мария Иванова", "ванов"),
    ],
)
def test_the_middle_of_a_name_is_found_in_every_script(name: str, typed: str) -> None:
    user = factories.make_member(name)
    factories.make_member("Olaf Other")
    assert search.people(typed) == [user.pk]


def test_the_best_come_first() -> None:
    inside = factories.make_member("Kim Keller", email="kim@one.example")
    begins = factories.make_member("Ella Ellery", email="ella@two.example")
    exact = factories.make_member("Zed Last", email="ell@three.example")
    also = factories.make_member("Ellen Long", email="ell@three.example.org")
    assert search.people("ell") == [begins.pk, exact.pk, also.pk, inside.pk]
    assert search.people("ELL@three.example") == [exact.pk, also.pk]


def test_two_letters_are_looked_for_at_the_beginning_only() -> None:
    factories.make_member("Kim Keller", email="kim@one.example")
    assert search.people("el") == []
    assert len(search.people("ke")) == 1


def test_parts_are_found_by_an_index() -> None:
    factories.make_member("Kim Keller")
    with connection.cursor() as cursor:
        # Of a handful of rows the planner would rather read all, or walk through their ids.
        cursor.execute("SET LOCAL enable_seqscan = off")
        cursor.execute("SET LOCAL enable_indexscan = off")
        with CaptureQueriesContext(connection) as asked:
            search.people("eller")
        cursor.execute("EXPLAIN " + asked.captured_queries[-1]["sql"])
        plan = "\n".join(line for (line,) in cursor.fetchall())
    assert "staff_auth_user_parts" in plan
    assert "Seq Scan" not in plan


def test_invoices_are_found_by_part_of_their_number(desk: Client) -> None:
    wanted = factories.make_invoice(number="HPZX-0015")
    other = factories.make_invoice(number="HPZX-0016")
    payment = factories.make_payment(invoice=wanted)
    assert found(desk, Invoice, "0015") == [wanted]
    assert found(desk, Invoice, "zx-0015") == [wanted]
    assert set(found(desk, Invoice, "hpzx")) == {wanted, other}
    assert found(desk, Payment, "0015") == [payment]


@pytest.mark.parametrize(
    "typed", ["1042.17", "1,042.17", "$1,042.17", "1042.17 USD", "usd 1042.17"]
)
def test_money_is_found_by_its_amount(desk: Client, typed: str) -> None:
    payment = factories.make_payment(amount=104217, amount_received=104217)
    factories.make_payment(amount=104200)
    factories.make_payment(amount=1042, currency="jpy")
    invoice = factories.make_invoice(total=104217)
    dispute = factories.make_dispute(payment, amount=104217)
    assert found(desk, Payment, typed) == [payment]
    assert found(desk, Invoice, typed) == [invoice]
    assert found(desk, Dispute, typed) == [dispute]
    assert found(desk, Refund, typed) == []


def test_an_amount_counts_the_decimals_of_each_currency(desk: Client) -> None:
    dollars = factories.make_payment(amount=290000)
    yen = factories.make_payment(amount=2900, currency="jpy")
    dinars = factories.make_payment(amount=2900000, currency="kwd")
    factories.make_payment(amount=2900)
    assert set(found(desk, Payment, "2900")) == {dollars, yen, dinars}
    assert found(desk, Payment, "2900 JPY") == [yen]
    assert found(desk, Payment, "KWD 2,900.000") == [dinars]
    assert found(desk, Payment, "2900 EUR") == []


def test_a_number_with_zeros_in_front_is_no_amount(desk: Client) -> None:
    factories.make_payment(amount=1500)
    assert found(desk, Payment, "0015") == []


def test_cards_are_found_by_their_last_four_digits(desk: Client) -> None:
    # A number in an address would be found, too.
    kim = factories.make_customer(factories.make_member("Kim Keller", email="kim@cards.example"))
    payment = factories.make_payment(kim, card_brand="visa", card_last4="0341")
    factories.make_payment(card_last4="4242")
    method = factories.make_payment_method(payment.customer, card_last4="0341")
    for typed in ("0341", "•••• 0341", "**** 0341"):
        assert found(desk, Payment, typed) == [payment]
        assert found(desk, PaymentMethod, typed) == [method]
    assert found(desk, PaymentMethod, "341") == []


@pytest.mark.parametrize("typed", ["+1 202 555 0143", "(202) 555-0143", "202555", "0012025550143"])
def test_a_strangers_number_is_found_as_people_write_it(desk: Client, typed: str) -> None:
    """Texts from and to numbers that no profile has, or has no more."""
    ours, theirs = "+12025550143", "+12125550143"
    asked = [SupportMessage.objects.create(phone=one, words="When?") for one in (ours, theirs)]
    sent = [
        Message.objects.create(
            kind=Kind.TEXTS_ON, channel=Channel.SMS, recipient=one, dedupe_key=one
        )
        for one in (ours, theirs)
    ]
    assert found(desk, SupportMessage, typed) == asked[:1]
    assert found(desk, Message, typed) == sent[:1]


def test_customers_without_an_account_are_found_by_part_of_their_name(desk: Client) -> None:
    row = UnassignedCustomer.objects.create(
        stripe_id="cus_x",
        name="Kim Keller",
        email="kim@green.example",
        created_at="2026-01-01T00:00Z",
        read_at="2026-01-01T00:00Z",
    )
    assert found(desk, UnassignedCustomer, "eller") == [row]
    assert found(desk, UnassignedCustomer, "green") == [row]
    assert found(desk, UnassignedCustomer, "olive") == []


def test_a_phone_number_is_found_by_its_end() -> None:
    kim = factories.make_member("Kim Keller")
    factories.make_member("Olaf Other")
    Member.objects.filter(user=kim).update(phone="+12025550143")
    for typed in ("0143", "555-0143", "5550143", "(202) 555 0143"):
        assert search.people(typed) == [kim.pk], typed
    for typed in ("143", "0142", "+0143"):
        assert search.people(typed) == [], typed


def test_the_end_of_a_phone_number_is_found_by_an_index() -> None:
    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL enable_seqscan = off")
        with CaptureQueriesContext(connection) as asked:
            search.people("0143")
        plans = []
        for one in asked.captured_queries:
            cursor.execute("EXPLAIN " + one["sql"])
            plans += [line for (line,) in cursor.fetchall()]
    assert "staff_member_phone_end" in "\n".join(plans)


def test_a_single_payment_is_found_by_what_it_was_for(desk: Client) -> None:
    mat = factories.make_payment(description="Yoga mat, blue")
    renewal = factories.make_payment(description="Subscription creation")
    renewal.invoice = factories.make_invoice(renewal.customer, number="R-1")
    renewal.save()
    assert found(desk, Payment, "ga mat") == [mat]
    assert found(desk, Payment, "creation") == []
    assert show.page_of(mat) in links(desk, "yoga mat")


@pytest.mark.parametrize("typed", ["radar", "Early_fraud", "radar.early_fraud_warning.created"])
def test_events_are_found_by_a_part_of_their_type(desk: Client, typed: str) -> None:
    event = factories.make_event(type="radar.early_fraud_warning.created")
    factories.make_event(type="charge.refunded")
    assert found(desk, StripeEvent, typed) == [event]


def test_the_palette_finds_a_transfer_by_its_reference(desk: Client) -> None:
    transfer = make_transfer(4000)
    BankLine.objects.update(transaction="27100000042")
    assert links(desk, "27100000042") == [show.page_of(transfer)]
    world = staff_world.make_world()
    expected = ExpectedTransfer.objects.get(user=world.alice)
    assert show.page_of(expected) in links(desk, "workshop fee")


def test_the_palette_leads_to_what_it_does_not_show(desk: Client) -> None:
    kim = factories.make_customer(factories.make_member("Kim Keller"))
    payments = [factories.make_payment(kim, amount=104217) for _ in range(4)]
    found_ones = links(desk, "$1,042.17")
    assert found_ones[:3] == [show.page_of(one) for one in reversed(payments[1:])]
    assert found_ones[3:] == [f"{show.list_of('billing.payment')}?q=%241%2C042.17"]
    payments[0].delete()
    assert len(links(desk, "1042.17")) == 3


def links(desk: Client, term: str) -> list[str]:
    answer = desk.get(reverse("admin:search"), {"s": term, "extended": "1"})
    return [one.link for one in answer.context["results"]]


def test_the_palette_shows_the_best_person_first_and_money_by_amount(desk: Client) -> None:
    kim = factories.make_member("Kim Keller")
    ella = factories.make_member("Ella Ellery")
    payment = factories.make_payment(factories.make_customer(kim), amount=104217)

    def hits(term: str) -> list[str]:
        answer = desk.get(reverse("admin:search"), {"s": term, "extended": "1"})
        return [one.link for one in answer.context["results"]]

    people = [link for link in hits("elle") if "/auth/user/" in link]
    assert people == [show.page_of(ella), show.page_of(kim)]
    assert hits("$1,042.17") == [show.page_of(payment)]


def test_whoever_leaves_and_comes_back_under_another_name_is_found_by_the_new_one() -> None:
    user = factories.make_member("Kim Keller")
    User.objects.filter(pk=user.pk).update(last_name="Anders")
    assert search.people("eller") == []
    assert search.people("nders") == [user.pk]
