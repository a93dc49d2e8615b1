"""A member's timeline has everything that happened, newest first, for who may see it."""

from __future__ import annotations

from datetime import timedelta
from html import unescape

import pytest
from django.contrib.auth.models import Permission, User
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from billing.tests import factories, staff_world
from billing.tests.staff_world import make_world, superuser
from common.staff import show
from emails.catalog import Kind
from emails.models import Channel, Message, MessageState
from members.models import AccountActivity, ActivityKind, SignIn, SmsConsentRecord
from portal.backoffice.timeline import facts
from portal.backoffice.timeline.entries import Topic
from portal.models import SupportMessage

pytestmark = pytest.mark.django_db


def page_of(user: User) -> str:
    return show.page_of(user)


def read(client: Client, user: User, **query: str) -> str:
    answer = client.get(page_of(user), query)
    assert answer.status_code == 200
    return unescape(answer.content.decode())


@pytest.fixture
def boss(client: Client) -> Client:
    client.force_login(superuser())
    return client


def test_it_shows_money_messages_and_sign_ins_of_this_member_alone(boss: Client) -> None:
    world = make_world()
    SignIn.objects.create(user=world.alice, ip="192.0.2.7", method="code by email")
    other = factories.make_customer(factories.make_member("Bob Baker"))
    factories.make_invoice(other, number="OTHER-0001")
    page = read(boss, world.alice)
    for words in (
        f"Invoice {world.invoice.number} over",
        f"Payment of {world.payment.money}",
        "Signed in",
        "192.0.2.7",
        "Email: ",
    ):
        assert words in page, words
    assert "OTHER-0001" not in page
    # Each event is the cause of a line that says it better.
    assert "invoice.paid" not in page
    assert "invoice.paid" in read(boss, world.alice, topic="stripe")


def test_a_topic_narrows_it(boss: Client) -> None:
    user = factories.make_member("Kim Keller")
    factories.make_payment(factories.make_customer(user))
    AccountActivity.objects.create(user=user, kind=ActivityKind.PASSKEY_ADDED, detail="Phone")
    SupportMessage.objects.create(user=user, words="Where is my <b>mat</b>?")
    assert "Passkey added" in read(boss, user, topic="account")
    assert "Payment of" not in read(boss, user, topic="account")
    assert "Where is my <b>mat</b>?" in read(boss, user, topic="messages")
    assert "<b>mat" not in boss.get(page_of(user)).content.decode()
    assert "Payment of" in read(boss, user, topic="no such topic")


def test_a_dispute_says_why_in_words(boss: Client) -> None:
    payment = factories.make_payment()
    factories.make_dispute(payment, reason="product_not_received")
    page = read(boss, payment.customer.user)
    assert "The member says that they did not get what they paid for." in page
    assert "product not received" not in page


@pytest.mark.parametrize("before", ["abc", "9" * 60, "0-0-0", "-1-2-3", "99999999999999999-1-1"])
def test_whatever_the_address_asks_for_has_an_answer(boss: Client, before: str) -> None:
    user = factories.make_member("Kim Keller")
    assert boss.get(page_of(user), {"before": before}).status_code == 200


def test_nobody_has_a_timeline_at_a_wrong_address(boss: Client) -> None:
    for wrong in ("0", "99999999", "abc"):
        assert boss.get(f"/staff/auth/user/{wrong}/change/").status_code in {302, 404}


def test_pages_leave_nothing_out_and_repeat_nothing() -> None:
    """Also where many things of several kinds happened at the same moment."""
    boss, user = superuser(), factories.make_member("Kim Keller")
    customer, now = factories.make_customer(user), timezone.now()
    for number in range(facts.PAGE):
        at = now - timedelta(hours=number // 20)
        factories.make_payment(customer, created_at=at)
        factories.make_invoice(customer, created_at=at)
        AccountActivity.objects.create(user=user, kind=ActivityKind.CARD, happened_at=at)
    seen, before = [], ""
    for _ in range(20):
        page = facts.read(user, boss, before=before)
        seen += [(line.at, line.url) for line in page.lines]
        before = page.older
        if not before:
            break
    assert len(seen) == len(set(seen)) == 3 * facts.PAGE
    assert [at for at, _url in seen] == sorted((at for at, _url in seen), reverse=True)


def test_everybody_sees_only_what_they_may() -> None:
    user = factories.make_member("Kim Keller")
    factories.make_payment(factories.make_customer(user))
    SignIn.objects.create(user=user, ip="192.0.2.7")
    viewer = factories.make_member("Vera Viewer", is_staff=True)
    assert facts.read(user, viewer).lines == ()
    viewer.user_permissions.add(Permission.objects.get(codename="view_payment"))
    viewer = User.objects.get(pk=viewer.pk)
    assert {line.topic for line in facts.read(user, viewer).lines} == {Topic.MONEY}
    client = Client()
    client.force_login(viewer)
    assert client.get(page_of(user)).status_code in {302, 403}


def test_support_resends_a_message_from_it_if_that_is_possible() -> None:
    user = factories.make_member("Kim Keller")
    made = {"user": user, "channel": Channel.EMAIL, "recipient": user.email, "context": {}}
    sent, *others = (
        Message.objects.create(kind=kind, state=state, dedupe_key=str(number), **made)
        for number, (kind, state) in enumerate(
            (
                (Kind.PAYMENT_RECEIVED, MessageState.SENT),
                (Kind.PAYMENT_RECEIVED, MessageState.QUEUED),
                (Kind.LOGIN_CODE, MessageState.SENT),
            )
        )
    )
    question = reverse("admin:emails_message_resend", args=[sent.pk])
    for viewer, may in ((staff_world.support(), True), (staff_world.auditor(), False)):
        page = staff_world.signed_in_now(viewer).get(page_of(user)).content.decode()
        assert (question in page) is may
        for other in others:
            assert reverse("admin:emails_message_resend", args=[other.pk]) not in page
    asked = staff_world.signed_in_now(staff_world.support()).get(question).content.decode()
    assert "Send this message once more?" in asked


def test_its_statements_do_not_grow_with_its_rows() -> None:
    auditor, user = staff_world.auditor(), factories.make_member("Kim Keller")
    customer = factories.make_customer(user)

    def statements() -> int:
        viewer = User.objects.get(pk=auditor.pk)
        with CaptureQueriesContext(connection) as asked:
            facts.read(user, viewer)
        return len(asked)

    factories.make_payment(customer)
    few = statements()
    for _ in range(30):
        factories.make_payment(customer)
        factories.make_invoice(customer)
        SmsConsentRecord.objects.create(member=user.member, agreed=True, source="profile")
    assert statements() <= few + 1
