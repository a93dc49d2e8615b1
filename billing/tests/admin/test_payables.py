"""Items and payment requests on the staff site."""

from __future__ import annotations

from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import Client
from django.urls import reverse

from billing.core.statuses import RequestState
from billing.models import Item, PaymentRequest
from billing.tests import factories
from billing.tests.payments.test_single_payments import make_item
from billing.tests.staff_world import auditor, support
from common.staff import show
from conftest import Sandbox, run_jobs
from emails.models import Message

pytestmark = pytest.mark.django_db
ADD_ITEM = "/staff/billing/item/add/"
ADD_REQUEST = "/staff/billing/paymentrequest/add/"


@pytest.fixture
def staff(client: Client) -> Client:
    """A support person's browser."""
    client.force_login(support())
    return client


@pytest.fixture
def alice() -> User:
    """A member."""
    return factories.make_member()


def ask(staff: Client, user: User, **fields: Any) -> str:
    """Send the form of a new request; return the page that follows."""
    form = {"user": user.pk, "item": "", "days": 14, "currency": "USD", **fields}
    return str(staff.post(ADD_REQUEST, form, follow=True).content.decode())


def press(staff: Client, row: Item | PaymentRequest, button: str) -> str:
    """Press a button and say yes."""
    url = reverse(f"admin:billing_{row._meta.model_name}_{button}", args=[row.pk])
    return str(staff.post(url, {"_form_submitted": "on"}, follow=True).content.decode())


def test_item_is_made_with_its_price_as_people_write_it(staff: Client, alice: User) -> None:
    form = {"name": "Workshop fee", "amount_text": "$1,040.50", "currency": "usd"}
    staff.post(ADD_ITEM, form | {"is_active": "on", "members": [alice.pk]})
    item = Item.objects.get()
    assert (str(item.price), item.currency) == ("$1,040.50", "usd")
    assert list(item.members.all()) == [alice]
    page = staff.get(show.page_of(item)).content.decode()
    assert 'value="1040.50"' in page
    staff.post(show.page_of(item), form | {"amount_text": "41", "is_active": "on"})
    item.refresh_from_db()
    assert item.amount == 4100


@pytest.mark.parametrize(
    ("typed", "currency", "sentence"),
    [
        ("12,50", "usd", "Enter an amount"),
        ("0", "usd", "more than nothing"),
        ("10.5", "jpy", "no decimals"),
        ("10", "x", "not possible"),
    ],
)
def test_wrong_price_is_refused_in_words(
    staff: Client, typed: str, currency: str, sentence: str
) -> None:
    form = {"name": "Workshop", "amount_text": typed, "currency": currency}
    assert sentence in staff.post(ADD_ITEM, form).content.decode()
    assert not Item.objects.exists()


@pytest.mark.slow
def test_request_is_sent_from_a_members_page(staff: Client, alice: User) -> None:
    button = reverse("admin:auth_user_ask_for_payment", args=[alice.pk])
    assert button in staff.get(show.page_of(alice)).content.decode()
    form = staff.get(button, follow=True).content.decode()
    assert alice.get_full_name() in form
    ask(staff, alice, description="Workshop fee", amount_text="40")
    asked = PaymentRequest.objects.for_user(alice).get()
    assert (str(asked.price), asked.description) == ("$40.00", "Workshop fee")
    assert asked.created_by is not None
    message = Message.objects.get(user=alice)
    assert message.subject == "Please pay $40.00 for Workshop fee"
    page = staff.get(show.page_of(asked)).content.decode()
    assert "Open" in page
    assert "$40.00" in page


def test_same_request_is_not_sent_twice(staff: Client, alice: User) -> None:
    ask(staff, alice, description="Workshop fee", amount_text="40")
    page = ask(staff, alice, description="Workshop fee", amount_text="40.00")
    assert "asked for the same already" in page
    assert PaymentRequest.objects.count() == 1


def test_request_asks_for_an_item_or_for_something_else(staff: Client, alice: User) -> None:
    item = make_item(alice)
    assert "or choose an item" in ask(staff, alice)
    assert "Choose an item, or" in ask(staff, alice, item=item.pk, amount_text="5")
    assert not PaymentRequest.objects.exists()
    ask(staff, alice, item=item.pk)
    assert PaymentRequest.objects.get().item == item


def test_all_members_of_an_item_are_asked_once(staff: Client, alice: User) -> None:
    item = make_item(alice, factories.make_member("Bob Baker"))
    assert "2 members asked to pay $40.00." in press(staff, item, "ask_members")
    assert "0 members asked" in press(staff, item, "ask_members")
    assert Message.objects.filter(kind="payment_requested").count() == 2


def test_request_is_canceled(staff: Client, alice: User) -> None:
    ask(staff, alice, description="Workshop fee", amount_text="40")
    asked = PaymentRequest.objects.get()
    assert "The request is canceled." in press(staff, asked, "cancel_request")
    assert "paid or canceled already" in press(staff, asked, "cancel_request")
    asked.refresh_from_db()
    assert asked.state == RequestState.CANCELED


def test_auditor_only_looks(client: Client, alice: User) -> None:
    item = make_item(alice)
    asked = PaymentRequest.objects.create(
        user=alice, amount=4000, currency="usd", description="Key deposit"
    )
    client.force_login(auditor())
    assert client.get(show.page_of(asked)).status_code == 200
    assert "ask_for_payment" not in client.get(show.page_of(alice)).content.decode()
    for url in (ADD_ITEM, ADD_REQUEST):
        assert client.post(url, {}).status_code == 403
    for row, button in ((item, "ask_members"), (asked, "cancel_request")):
        url = reverse(f"admin:billing_{row._meta.model_name}_{button}", args=[row.pk])
        assert client.post(url, {"_form_submitted": "on"}).status_code == 403
    asked.refresh_from_db()
    assert asked.state == RequestState.OPEN
    assert not Message.objects.exists()


def test_a_pasted_control_character_stops_no_mail(
    staff: Client, alice: User, sandbox: Sandbox
) -> None:
    ask(staff, alice, amount_text="40", description="Work\vshop\ufffe fee\u202e")
    ask(staff, alice, amount_text="41", description="Lo\x1bcker")
    assert [one.description for one in PaymentRequest.objects.order_by("pk")] == [
        "Work shop fee",
        "Locker",
    ]
    run_jobs()
    assert [row.state for row in Message.objects.all()] == ["sent", "sent"]
    [first, second] = sorted(mail["subject"] for mail in sandbox.look("mailbox"))
    assert "Work shop fee" in first
    assert "Locker" in second
