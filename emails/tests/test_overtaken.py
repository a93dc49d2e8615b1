"""Outdated messages aren't sent, and messages about one thing arrive in order."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.db import connection, transaction
from django.test import Client
from django.urls import reverse
from django.utils import timezone
from pytest_django import Settings

from billing.models import Customer, Invoice
from billing.tests import factories
from billing.tests.staff_world import signed_in_now, support
from conftest import Sandbox, run_jobs
from emails import outbox
from emails.catalog import Kind
from emails.models import Message
from emails.problems import DeliveryProblem
from members.signin.mails import send_phone_code
from portal.backoffice import problems
from portal.backoffice.message_samples import CONTEXTS
from portal.tasks import watch_for_problems

pytestmark = pytest.mark.django_db
YES = {"_form_submitted": "on"}


@pytest.fixture
def alice() -> User:
    return factories.make_member()


@pytest.fixture
def invoice(alice: User) -> Invoice:
    """A renewal whose first try failed."""
    customer = factories.make_customer(alice)
    return factories.make_invoice(
        customer,
        subscription=factories.make_subscription(customer, status="past_due"),
        status="open",
        attempt_count=1,
        amount_remaining=2900,
        collection="failed",
    )


def put(kind: Kind, user: User, cause: str) -> Message:
    with transaction.atomic():
        made = outbox.put(user, CONTEXTS[kind], cause=cause, happened_at=timezone.now())
    return made[0]


def mails(sandbox: Sandbox) -> list[str]:
    """Return the subjects that arrived, the oldest first."""
    received: list[dict[str, Any]] = sandbox.look("mailbox")
    return [one["subject"] for one in reversed(received)]


def try_in_vain() -> None:
    """Run each job that is due once, while nothing gets through."""
    while True:
        try:
            run_jobs()
        except DeliveryProblem:
            continue
        return


def let_time_pass() -> None:
    with connection.cursor() as cursor:
        cursor.execute("UPDATE procrastinate_jobs SET scheduled_at = NULL WHERE status = 'todo'")


def state(message: Message) -> str:
    message.refresh_from_db()
    return str(message.state)


def pay(invoice: Invoice) -> None:
    Invoice.objects.filter(pk=invoice.pk).update(
        status="paid", amount_remaining=0, collection="", paid_at=timezone.now()
    )


def test_a_failure_that_was_mended_during_an_outage_is_not_told(
    sandbox: Sandbox, alice: User, invoice: Invoice
) -> None:
    sandbox.control("switches", mail_answer_lost=0, mail_suspended=True)
    failed = put(Kind.PAYMENT_FAILED, alice, f"{invoice.stripe_id}:1")
    try_in_vain()
    pay(invoice)
    receipt = put(Kind.PAYMENT_RECEIVED, alice, invoice.stripe_id)
    sandbox.control("switches", mail_suspended=False)
    # The receipt's first try comes long before the next retry of the other.
    try_in_vain()
    assert (state(failed), state(receipt)) == ("skipped", "sent")
    assert failed.error == "The invoice has been paid or closed since."
    let_time_pass()
    try_in_vain()
    [subject] = mails(sandbox)
    assert subject.startswith("Receipt")


def test_messages_about_one_thing_keep_their_order(
    sandbox: Sandbox, alice: User, invoice: Invoice
) -> None:
    sandbox.control("switches", mail_suspended=True)
    welcome = put(Kind.WELCOME, alice, "sub_1")
    try_in_vain()
    sandbox.control("switches", mail_suspended=False)
    ended = put(Kind.MEMBERSHIP_ENDED, alice, "sub_1")
    other = put(Kind.PAYMENT_RECEIVED, alice, invoice.stripe_id)
    try_in_vain()
    # What is about something else doesn't wait.
    assert (state(welcome), state(ended), state(other)) == ("queued", "queued", "sent")
    assert ended.attempts == 0
    with connection.cursor() as cursor:
        cursor.execute(
            "UPDATE procrastinate_jobs SET scheduled_at = NULL WHERE queueing_lock = %s",
            [f"message:{welcome.pk}"],
        )
    try_in_vain()
    assert (state(welcome), state(ended)) == ("sent", "sent")
    assert [one.partition(":")[0] for one in mails(sandbox)[1:]] == [
        "Welcome to Portal",
        "Your membership has ended",
    ]


def test_each_step_of_a_failing_payment_is_told_while_it_is_so(
    sandbox: Sandbox, alice: User, invoice: Invoice
) -> None:
    first = put(Kind.PAYMENT_FAILED, alice, f"{invoice.stripe_id}:1")
    Invoice.objects.filter(pk=invoice.pk).update(attempt_count=2)
    second = put(Kind.PAYMENT_FAILED, alice, f"{invoice.stripe_id}:2")
    run_jobs()
    assert (state(first), state(second)) == ("skipped", "sent")


def test_a_suspended_account_is_not_the_recipients_fault(
    sandbox: Sandbox, alice: User, settings: Settings
) -> None:
    settings.STAFF_EMAIL = []
    sandbox.control("switches", mail_suspended=True)
    message = put(Kind.WELCOME, alice, "sub_1")
    try_in_vain()
    assert state(message) == "queued"
    assert message.is_our_fault
    [problem] = problems.current()
    assert "554 5.7.1 Your account is suspended" in problem.text
    page = signed_in_now(support()).get(reverse("admin:index")).content.decode()
    assert "Our email can’t be sent until this is fixed." in page
    for _ in range(2):
        watch_for_problems(0)
    sandbox.control("switches", mail_suspended=False)
    let_time_pass()
    run_jobs()
    assert state(message) == "sent"
    assert problems.current() == []


def test_a_code_survives_a_refusal_that_is_our_fault(sandbox: Sandbox, settings: Settings) -> None:
    settings.TWILIO_FROM_NUMBER = "+15005550001"
    send_phone_code(None, "+12025550143", "123456")
    try_in_vain()
    [code] = Message.objects.all()
    assert (code.state, code.context["code"]) == ("queued", "123456")
    assert code.is_our_fault
    settings.TWILIO_FROM_NUMBER = "+15005550006"
    let_time_pass()
    run_jobs()
    assert state(code) == "sent"


@pytest.mark.slow
def test_staff_have_waiting_messages_tried_now(sandbox: Sandbox, alice: User) -> None:
    sandbox.control("switches", mail_suspended=True)
    waiting = [put(Kind.WELCOME, alice, f"sub_{number}") for number in range(3)]
    try_in_vain()
    sandbox.control("switches", mail_suspended=False)
    run_jobs()
    assert {state(one) for one in waiting} == {"queued"}
    desk = signed_in_now(support())
    one_page = desk.post(
        reverse("admin:emails_message_try_one", args=[waiting[0].pk]), YES, follow=True
    )
    assert "Trying 1 message now." in one_page.content.decode()
    run_jobs()
    assert [state(one) for one in waiting] == ["sent", "queued", "queued"]
    page = desk.post(reverse("admin:emails_message_try_waiting"), YES, follow=True)
    assert "Trying 2 messages now." in page.content.decode()
    run_jobs()
    assert {state(one) for one in waiting} == {"sent"}
    again = reverse("admin:emails_message_try_one", args=[waiting[0].pk])
    assert desk.post(again, YES).status_code == 403


def press(client: Client, button: str) -> str:
    answer = client.post(reverse(f"admin:emails_message_{button}"), YES, follow=True)
    return answer.content.decode()


def test_staff_resend_all_that_failed_once(sandbox: Sandbox, alice: User, invoice: Invoice) -> None:
    overtaken = put(Kind.PAYMENT_FAILED, alice, f"{invoice.stripe_id}:1")
    fine = put(Kind.WELCOME, alice, "sub_1")
    old = put(Kind.WELCOME, alice, "sub_2")
    Message.objects.update(state="failed")
    Message.objects.filter(pk=old.pk).update(created_at=timezone.now() - timedelta(days=31))
    pay(invoice)
    desk = signed_in_now(support())
    page = press(desk, "resend_failed")
    assert "1 message on the way again." in page
    assert "1 message left out: It isn’t true anymore. The invoice has been paid" in page
    run_jobs()
    [copy] = Message.objects.filter(resend_of__isnull=False)
    assert (copy.resend_of, copy.state) == (fine, "sent")
    assert state(overtaken) == "failed"
    assert "Nothing was sent again." in press(desk, "resend_failed")
    assert Customer.objects.count() == 1
