"""A member's page says who they are, what they paid, and what needs somebody, to who may see it."""

from __future__ import annotations

from datetime import timedelta
from html import unescape
from typing import Any

import pytest
from django.contrib.auth.models import Permission, User
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone
from django.utils.html import strip_tags

from billing.core.statuses import DisputeStatus, InvoiceStatus, PaymentStatus, SubscriptionStatus
from billing.models import Dispute, Subscription
from billing.tests import factories, staff_world
from billing.tests.staff_world import make_message, make_world, signed_in_now, superuser, support
from common.staff import show
from emails.models import MessageState
from portal.backoffice.member_page import facts, words
from portal.models import SupportMessage

pytestmark = pytest.mark.django_db


def read(client: Client, user: User) -> str:
    answer = client.get(show.page_of(user))
    assert answer.status_code == 200
    return unescape(answer.content.decode())


@pytest.fixture
def desk() -> Client:
    return signed_in_now(support())


def test_it_says_who_they_are_what_is_next_and_what_can_be_done(desk: Client) -> None:
    world = make_world()
    page = read(desk, world.alice)
    for said in ("Alice Archer", world.alice.email, "Next charge", "$29.00 a month", "Visa ending"):
        assert said in page, said
    assert "What happened" in page
    assert reverse("admin:auth_user_ask_for_payment", args=[world.alice.pk]) in page
    assert reverse("admin:billing_subscription_end_now", args=[world.subscription.pk]) in page
    # Only owners may.
    assert reverse("admin:auth_user_change_access", args=[world.alice.pk]) not in page
    assert "Designates whether" not in page
    assert "algorithm" not in page


def test_the_list_and_the_page_name_the_roles_of_the_team(desk: Client) -> None:
    known = {
        "Support": support(),
        "Finance": staff_world.finance(),
        "No role": staff_world.no_role(),
    }
    listed = desk.get(reverse("admin:auth_user_changelist")).content.decode()
    for name, user in known.items():
        assert f">{name}<" in " ".join(listed.split()).replace("> ", ">").replace(" <", "<"), name
        assert name.lower() in read(desk, user).lower()
    assert "Superuser" not in listed


IN_A_WEEK = timedelta(days=7)


@pytest.mark.parametrize(
    ("columns", "said"),
    [
        ({"planned_price_id": factories.PRICE_ID}, "choose “Keep the present price” first."),
        ({"cancel_at_period_end": True}, "choose “Keep it going” first."),
        ({"pause_behavior": "void"}, "No free time for now: its payments are paused."),
        ({"status": "past_due"}, "No free time for now: its last payment is still open."),
        ({"planned_price_id": factories.PRICE_ID, "status": "canceled"}, ""),
        ({}, ""),
    ],
)
def test_buttons_that_are_missing_say_why_and_what_to_do_first(
    desk: Client, columns: dict[str, Any], said: str
) -> None:
    factories.make_plan(amount=29000, interval="year")
    planned = "planned_price_id" in columns
    if planned:
        columns = {**columns, "planned_at": timezone.now() + IN_A_WEEK}
    row = factories.make_subscription(**columns)
    auditor = signed_in_now(staff_world.auditor())
    for page in (read(desk, row.customer.user), unescape(_page_of(desk, row))):
        assert not said or said in page
        assert said or "first." not in page
        assert ("$290.00 a year from" in page) == planned
    assert not said or said not in read(auditor, row.customer.user)
    assert "Not possible now" not in _page_of(auditor, row)


def _page_of(client: Client, row: Subscription) -> str:
    return client.get(show.page_of(row)).content.decode()


def test_an_auditor_sees_it_without_a_button_that_would_be_refused() -> None:
    world = make_world()
    page = read(signed_in_now(staff_world.auditor()), world.alice)
    assert "$29.00 a month" in page
    for name in ("ask_for_payment", "correct_email", "change_access"):
        assert reverse(f"admin:auth_user_{name}", args=[world.alice.pk]) not in page
    assert reverse("admin:billing_payment_give", args=[world.payment.pk]) not in page


def test_what_they_paid_is_counted_by_currency_and_less_what_went_back() -> None:
    user = factories.make_member("Kim Keller")
    customer = factories.make_customer(user)
    for amount in (2900, 2900):
        factories.make_payment(customer, amount=amount, amount_received=amount)
    factories.make_payment(
        customer, amount=5000, amount_received=5000, amount_refunded=1500, currency="usd"
    )
    euros = factories.make_payment(customer, amount=4000, amount_received=4000, currency="eur")
    factories.make_dispute(euros, amount=4000, currency="eur", status=DisputeStatus.LOST)
    factories.make_payment(
        customer, amount=9900, amount_received=0, status=PaymentStatus.REQUIRES_PAYMENT_METHOD
    )
    worth = {one.currency: one for one in facts.read(user, superuser()).money.worth}
    assert (worth["usd"].paid, worth["usd"].refunded, worth["usd"].net) == (10_800, 1500, 9300)
    assert (worth["eur"].paid, worth["eur"].returned, worth["eur"].net) == (4000, 4000, 0)
    page = words.page(facts.read(user, superuser()), "/edit/")
    assert [one.net for one in page.sums] == ["$93.00", "€0.00"]
    assert [one.held for one in page.sums] == ["", ""]


def test_what_a_bank_holds_in_a_dispute_is_not_theirs_until_it_is_won() -> None:
    user = factories.make_member("Kim Keller")
    customer = factories.make_customer(user)
    factories.make_payment(customer, amount=2900, amount_received=2900)
    payment = factories.make_payment(customer, amount=5000, amount_received=5000)
    dispute = factories.make_dispute(payment, status=DisputeStatus.NEEDS_RESPONSE)
    client = Client()
    client.force_login(superuser())

    def shown(page: str) -> str:
        answer = client.get(page).content.decode().replace("<", " <")
        return " ".join(unescape(strip_tags(answer)).split())

    member, of_payment = show.page_of(user), show.page_of(payment)
    assert "Held by the bank in a dispute −$50.00 Net, lifetime $29.00" in shown(member)
    assert "Held by the bank in a dispute $50.00 Net $0.00" in shown(of_payment)
    for status, net in ((DisputeStatus.WON, "$50.00"), (DisputeStatus.WARNING_CLOSED, "$50.00")):
        Dispute.objects.filter(pk=dispute.pk).update(status=status)
        assert f"Held by the bank in a dispute – Net {net}" in shown(of_payment)
        assert "Held by the bank" not in shown(member)
        assert "Net, lifetime $79.00" in shown(member)
    Dispute.objects.filter(pk=dispute.pk).update(status=DisputeStatus.LOST)
    assert "Returned by the bank $50.00" in shown(of_payment)
    assert "Bank returns −$50.00 Net, lifetime $29.00" in shown(member)


def test_it_lists_what_needs_somebody_the_most_urgent_first(desk: Client) -> None:
    user = factories.make_member("Kim Keller")
    factories.set_member(user, phone="+12025550123", phone_verified_at=None)
    customer = factories.make_customer(user)
    subscription = factories.make_subscription(customer, status=SubscriptionStatus.PAST_DUE)
    again = timezone.now() + timedelta(days=2)
    factories.make_invoice(
        customer, subscription=subscription, number="OPEN-0001", status=InvoiceStatus.OPEN,
        amount_remaining=2900, amount_paid=0, next_payment_attempt_at=again,
    )  # fmt: skip
    payment = factories.make_payment(customer)
    factories.make_dispute(payment, status=DisputeStatus.NEEDS_RESPONSE)
    SupportMessage.objects.create(user=user, words="Where is my <b>mat</b>?")
    make_message(user, state=MessageState.FAILED)
    page = read(desk, user)
    said = [
        "The bank disputes",
        f"Invoice OPEN-0001: $29.00 isn’t paid. Stripe tries again on {show.day(again)}.",
        "Where is my <b>mat</b>?",
        "not delivered",
        "The phone number isn’t verified",
    ]
    places = [page.index(one) for one in said]
    assert places == sorted(places)
    assert "<b>mat" not in desk.get(show.page_of(user)).content.decode()
    assert f"Payment retry {show.day(again)}" in page


def test_somebody_who_has_nothing_has_a_page(desk: Client) -> None:
    page = read(desk, factories.make_member("Nina New"))
    assert "Not a member, and never was" in page
    assert "Nothing has happened yet." in page
    assert "Nothing yet." in page


def test_everybody_sees_only_what_they_may() -> None:
    world = make_world()
    viewer = factories.make_member("Vera Viewer", is_staff=True)
    viewer.user_permissions.add(Permission.objects.get(codename="view_user"))
    page = read(signed_in_now(viewer), world.alice)
    assert "Alice Archer" in page
    for hidden in ("$29.00", world.customer.stripe_id, "What they paid", "Visa"):
        assert hidden not in page, hidden
    nobody = signed_in_now(factories.make_member("Norman Nobody", is_staff=True))
    assert nobody.get(show.page_of(world.alice)).status_code == 403


def test_the_form_is_one_click_away_and_leads_back(desk: Client) -> None:
    world = make_world()
    edit = reverse("admin:auth_user_edit", args=[world.alice.pk])
    assert edit in read(desk, world.alice)
    boss = signed_in_now(superuser())
    form = unescape(boss.get(edit).content.decode())
    assert "Designates whether" not in form
    assert "algorithm" not in form
    kept = {"first_name": "Alicia", "last_name": "Archer", "member-TOTAL_FORMS": "1",
            "member-INITIAL_FORMS": "1", "member-0-id": str(world.alice.member.pk),
            "member-0-user": str(world.alice.pk), "member-0-language": "en"}  # fmt: skip
    answer = boss.post(edit, kept)
    assert answer.headers["Location"] == show.page_of(world.alice)
    world.alice.refresh_from_db()
    assert world.alice.first_name == "Alicia"


def test_its_statements_are_bounded_whatever_the_member_has() -> None:
    user, agent = factories.make_member("Kim Keller"), support()
    customer = factories.make_customer(user)
    factories.make_subscription(customer)
    factories.make_payment(customer)

    def statements() -> int:
        client = signed_in_now(agent)
        client.get(show.page_of(user))
        with CaptureQueriesContext(connection) as asked:
            assert client.get(show.page_of(user)).status_code == 200
        return len(asked)

    few = statements()
    for number in range(30):
        paid = factories.make_payment(customer)
        factories.make_dispute(paid, status=DisputeStatus.NEEDS_RESPONSE)
        factories.make_invoice(
            customer, number=f"OPEN-{number}", status=InvoiceStatus.OPEN, amount_remaining=2900
        )
        factories.make_payment_method(customer)
        make_message(user, state=MessageState.FAILED)
        SupportMessage.objects.create(user=user, words="Hello")
    assert statements() <= few + 8
    assert few < 90
