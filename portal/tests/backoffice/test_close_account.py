"""Closed means closed: whoever leaves is found nowhere but in the books, and there nameless."""

from __future__ import annotations

import json
from datetime import datetime, timedelta
from io import StringIO

import pytest
from allauth.account.models import EmailAddress
from allauth.usersessions.models import UserSession
from django.contrib.admin.models import LogEntry
from django.contrib.auth.models import User
from django.contrib.sessions.models import Session
from django.core.management import call_command
from django.db import connection, transaction
from django.urls import reverse
from django.utils import timezone
from procrastinate.contrib.django.models import ProcrastinateJob
from psycopg import sql
from pytest_django import Settings

from billing import tasks
from billing.core.statuses import EventState
from billing.facts import pay_links
from billing.inbound import inbox
from billing.models import (
    Customer,
    Dispute,
    Invoice,
    LedgerCheck,
    Payment,
    Reconciliation,
    Refund,
    StripeEvent,
    UnassignedCustomer,
)
from billing.notices.contexts import DisputeOpened
from billing.payments import payment_requests
from billing.reconcile import push
from billing.refunds import ledger
from billing.refunds import service as refunds
from billing.tests import factories, staff_world
from billing.tests.life import DISPUTED_CARD, deliver, subscribe
from billing.tests.payments.test_single_payments import pay
from billing.tests.refund_world import policy, refund_request
from common.money import Money
from conftest import Sandbox, run_jobs
from emails import delivery, outbox, resending
from emails.catalog import Kind
from emails.models import Message, MessageState
from emails.problems import DeliveryProblem
from members.models import SignIn, TermsAcceptance
from members.tests import actors
from portal.backoffice.close_account import close_account
from portal.backoffice.message_samples import CONTEXTS
from portal.tasks import forget_old_records
from testing.made_once import made_once

pytestmark = pytest.mark.django_db

NAME = "Zephyrine Quillfeather"
OLD, NEW = "zephyrine@quillfeather.example", "zq@quillfeather.example"
PHONE = "+16505553434"
WORDS = "thistledown"
OLD_ONES = ["6505559876", "650-555-9876", "2125550123", "212-555-0123", "elsewhere"]
TRACES = ["zephyrine", "quillfeather", "zq@", "6505553434", WORDS]
# What tax law wants kept. Of these, too, only descriptions may name somebody.
BOOKS = {
    "billing_invoice",
    "billing_payment",
    "billing_refund",
    "billing_creditnote",
    "billing_dispute",
}
# Where somebody is found who has not left: the life of `left` reaches all of these.
EVERYWHERE = set(
    """
    account_emailaddress.email auth_user.email auth_user.first_name auth_user.last_name
    billing_checkout.description billing_customer.email billing_customer.name
    billing_customer.told_email billing_customer.told_name billing_ledgertext.text
    billing_membershipdecision.comment billing_paymentrequest.description
    billing_reconciliation.differences billing_stripeevent.payload
    billing_unassignedcustomer.email billing_unassignedcustomer.name django_admin_log.object_repr
    django_session emails_message.context emails_message.error emails_message.recipient
    emails_message.subject members_member.phone members_phonecode.phone
    members_smsconsentrecord.phone procrastinate_jobs.lock
    """.split()
)
LAST_MAIL = {"emails_message.recipient", "emails_message.context"}
TEXTS = """
    SELECT table_name, column_name FROM information_schema.columns
    WHERE table_schema = 'public' AND table_name <> ALL(%s)
      AND data_type NOT IN ('integer', 'bigint', 'smallint', 'boolean', 'numeric', 'date')
      AND data_type NOT LIKE 'timestamp%%' AND data_type NOT LIKE 'double%%'
"""


def found(traces: list[str], without: set[str] = BOOKS) -> list[str]:
    """Return where any trace stands, in all text of all tables but these."""
    hits = [f"django_session: {trace}" for trace in traces if trace in _sessions()]
    with connection.cursor() as cursor:
        cursor.execute(TEXTS, [list(without)])
        for table, column in cursor.fetchall():
            names = {"column": sql.Identifier(column), "table": sql.Identifier(table)}
            cursor.execute(sql.SQL("SELECT {column}::text FROM {table}").format(**names))
            text = "\n".join(str(row[0]) for row in cursor.fetchall()).lower()
            hits += [f"{table}.{column}: {trace}" for trace in traces if trace in text]
    return hits


def _sessions() -> str:
    """What all sessions hold: in the table it is encoded."""
    return json.dumps([row.get_decoded() for row in Session.objects.all()], default=str).lower()


@pytest.fixture(autouse=True)
def _settings(settings: Settings) -> None:
    settings.STAFF_EMAIL = ["owner@harbor.example"]
    settings.TERMS_URL, settings.TERMS_VERSION = "https://harbor.example/terms", "1"
    settings.LEDGER_HEADS_FILE = ""


@pytest.fixture
def left(sandbox: Sandbox) -> User:
    """Somebody who did all that a member can do, up to the moment before they leave."""
    return _about_to_leave(sandbox)


@made_once
def _about_to_leave(sandbox: Sandbox) -> User:
    user = _sign_up()
    policy(automatic_up_to=0)
    _become_a_member(sandbox, user)
    _be_refunded(user)
    _pay_and_dispute(sandbox, user)
    _change_address(user)
    _leave_traces_with_staff(sandbox, user)
    return user


def _sign_up() -> User:
    browser = actors.browser()
    actors.sign_up(browser, OLD, name=NAME, phone=PHONE, text_messages="on")
    actors.enter_email_code(browser, OLD)
    actors.enter_phone_code(browser, PHONE)
    # Another browser that asks for a code and leaves it at that.
    actors.post(actors.browser(), "account_request_login_code", email=OLD)
    return User.objects.get(email=OLD)


def _become_a_member(sandbox: Sandbox, user: User) -> None:
    subscribe(sandbox, user)
    deliver(sandbox.events())
    browser = actors.browser(user)
    browser.post("/membership/cancel/", {"reason": "other", "comment": f"{NAME}: {WORDS}"})
    deliver(sandbox.events())


def _be_refunded(user: User) -> None:
    payment = Payment.objects.get()
    row = refunds.request(
        user, payment.pk, refund_request(900, words=f"Call {NAME}, {PHONE}, {WORDS}")
    )
    refunds.approve(row.pk, staff_world.manager(), words=f"Of course, {NAME}: {WORDS}.")
    run_jobs()


def _pay_and_dispute(sandbox: Sandbox, user: User) -> None:
    payment_requests.send(user, Money(4000, "USD"), f"For {NAME}", 14, staff_world.support())
    request = user.payment_requests.get()
    actors.browser(user).post(pay_links.path_of(request))
    pay(sandbox, user, DISPUTED_CARD)
    sandbox.control("clock", advance_seconds=5)
    deliver(sandbox.events())
    assert Dispute.objects.exists()


def _change_address(user: User) -> None:
    """Correct it as support does, and prove it."""
    EmailAddress.objects.filter(user=user, primary=True).update(email=NEW)
    User.objects.filter(pk=user.pk).update(email=NEW)
    tasks.tell_stripe_of_changes(0)
    run_jobs()


def _leave_traces_with_staff(sandbox: Sandbox, user: User) -> None:
    """What staff did, what failed, what Stripe knows of them beside their customer."""
    other = sandbox.stripe.v1.customers.create({"email": NEW, "name": NAME, "phone": PHONE})
    sandbox.stripe.v1.customers.update(other.id, {"description": NAME})
    deliver(sandbox.events())
    assert UnassignedCustomer.objects.filter(email=NEW).exists()
    client = staff_world.signed_in_now(staff_world.support())
    message = Message.objects.filter(user=user, kind="joined", channel="email").last()
    assert message
    url = reverse("admin:emails_message_resend", args=[message.pk])
    client.post(url, {"_form_submitted": "on"})
    assert LogEntry.objects.filter(object_repr__contains=OLD).exists()
    Message.objects.filter(user=user).update(error=f"550 <{OLD}>: no such user")
    Customer.objects.filter(user=user).update(name=f"{NAME} of old")
    tasks.compare_with_stripe(0)
    assert any(NAME in str(run.differences) for run in Reconciliation.objects.all())
    inbox.store(GUEST, json.dumps(GUEST))
    run_jobs()
    with connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO procrastinate_jobs (queue_name, task_name, lock, status, args)"
            " VALUES ('default', 'emails.tasks.deliver', %s, 'failed', '{}')",
            [f"recipient:{OLD}"],
        )


# Somebody with this address paid by a link, as a guest.
GUEST = {
    "id": "evt_guest",
    "object": "event",
    "type": "checkout.session.async_payment_failed",
    "api_version": "2026-10-28.endive",
    "created": 1_790_000_000,
    "livemode": False,
    "data": {
        "object": {
            "id": "cs_guest",
            "object": "checkout.session",
            "customer": None,
            "customer_details": {"email": OLD, "name": NAME, "phone": PHONE},
        }
    },
}


def close() -> None:
    call_command("close_account", NEW, "--yes", stdout=StringIO())


@pytest.mark.slow
def test_nobody_is_left_in_any_table_but_the_books(left: User, sandbox: Sandbox) -> None:
    assert {hit.partition(":")[0] for hit in found(TRACES)} >= EVERYWHERE
    close()
    # One mail is still to go, to where they were reached.
    assert {hit.partition(":")[0] for hit in found(TRACES)} <= LAST_MAIL
    run_jobs()
    assert found(TRACES) == []

    # Stripe is told, and tells us of it with all that it knew.
    tasks.tell_stripe_of_changes(0)
    run_jobs()
    sandbox.stripe.v1.customers.update(
        UnassignedCustomer.objects.get().stripe_id, {"name": f"{NAME} again"}
    )
    deliver(sandbox.events())
    tasks.match_customers(0)
    tasks.compare_with_stripe(0)
    assert not push.behind().exists()
    assert found(TRACES) == []
    forget_old_records(0)
    assert found(TRACES) == []


def test_who_leaves_is_told_by_one_last_mail(left: User, sandbox: Sandbox) -> None:
    close()
    run_jobs()

    mails = sandbox.look("mailbox")
    [mail] = [one for one in mails if one["subject"] == "Your account is closed"]
    assert mail["to"] == NEW
    assert "Your membership ended with it. We won’t charge you again." in mail["text"]
    assert "records of your payments" in mail["text"]
    row = Message.objects.get(kind="account_closed")
    assert (row.state, row.recipient, row.context) == (MessageState.SENT, "", {})
    assert "no longer keep" in resending.why_not_resend(row)


def test_the_last_mail_waits_out_a_mail_server_that_is_down(left: User, sandbox: Sandbox) -> None:
    sandbox.control("switches", mail_suspended=True)
    close()
    last = Message.objects.get(kind="account_closed")
    with pytest.raises(DeliveryProblem):
        delivery.deliver(last.pk)
    forget_old_records(0)
    last.refresh_from_db()
    assert (last.state, last.recipient) == (MessageState.QUEUED, NEW)

    sandbox.control("switches", mail_suspended=False)
    delivery.deliver(last.pk)
    assert found(TRACES) == []


@pytest.mark.slow
def test_how_they_were_reached_once_is_not_in_the_log(left: User) -> None:
    """A number that support corrected, and that no message was ever sent to, is in no other row."""
    member = left.member
    member.phone, member.phone_verified_at = "+16505559876", None
    member.save()
    support = staff_world.signed_in_now(staff_world.support())
    for button, correction in (
        ("correct_phone", {"phone": "(212) 555-0123"}),
        ("correct_email", {"email": "z@elsewhere.example"}),
    ):
        address = reverse(f"admin:auth_user_{button}", args=[left.pk])
        support.post(address, {"_form_submitted": "on", **correction})
    assert {"6505559876", "elsewhere"} <= {hit.split(": ")[1] for hit in found(OLD_ONES)}
    close()
    run_jobs()
    assert found(OLD_ONES) == []


def test_the_books_and_their_proof_stay(left: User, sandbox: Sandbox) -> None:
    paid = list(Payment.objects.order_by("pk").values_list("amount_received", flat=True))
    close()

    assert list(Payment.objects.order_by("pk").values_list("amount_received", flat=True)) == paid
    assert Invoice.objects.exists()
    # What people said about a refund is no book.
    assert found([WORDS], without=set()) == []
    tasks.verify_ledger()
    assert LedgerCheck.objects.latest("pk").problems == []


@pytest.mark.slow
def test_staff_pages_show_what_is_left(left: User, sandbox: Sandbox) -> None:
    refund = Refund.objects.get()
    close()
    run_jobs()
    client = staff_world.signed_in_now(User.objects.create_superuser("boss", "b@harbor.example"))
    pages = [
        reverse("admin:auth_user_change", args=[left.pk]),
        reverse("admin:billing_refund_change", args=[refund.pk]),
        *(
            reverse(f"admin:{name}_changelist")
            for name in (
                "emails_message",
                "billing_stripeevent",
                "billing_customer",
                "billing_unassignedcustomer",
                "billing_refundentry",
                "billing_paymentrequest",
                "billing_membershipdecision",
                "admin_logentry",
            )
        ),
        reverse("admin:emails_message_change", args=[Message.objects.filter(user=left)[0].pk]),
        reverse("admin:billing_stripeevent_change", args=[StripeEvent.objects.latest("pk").pk]),
    ]
    for page in pages:
        answer = client.get(page)
        assert answer.status_code == 200, page
        assert "quillfeather" not in answer.content.decode().lower(), page


@pytest.mark.slow
def test_an_event_that_was_reduced_can_be_processed_again(left: User, sandbox: Sandbox) -> None:
    close()
    for event in StripeEvent.objects.filter(customer_id=Customer.objects.get().stripe_id):
        assert event.reduced_at
        inbox.replay(event)
    run_jobs()
    states = {row.state for row in StripeEvent.objects.exclude(stripe_id="evt_guest")}
    assert states <= {EventState.PROCESSED, EventState.IGNORED}
    assert found(TRACES) == []


def test_how_somebody_signed_in_goes_and_that_they_agreed_stays(left: User) -> None:
    assert SignIn.objects.filter(user=left).exists()
    assert TermsAcceptance.objects.exclude(ip=None).exists()
    close()
    assert not SignIn.objects.filter(user=left).exists()
    assert TermsAcceptance.objects.get(user=left).version == "1"
    assert not TermsAcceptance.objects.exclude(ip=None).exists()
    assert not UserSession.objects.filter(user=left).exists()


def test_what_waits_is_not_sent_to_them_and_is_sent_to_staff_once(
    left: User, sandbox: Sandbox
) -> None:
    Message.objects.all().delete()
    with transaction.atomic():
        now = timezone.now()
        outbox.put(left, CONTEXTS[Kind.WELCOME], cause="sub_1", happened_at=now)
        facts = DisputeOpened(**vars(CONTEXTS[Kind.DISPUTE_OPENED]) | {"member": NAME})
        outbox.put_staff(lambda: facts, cause="dp_1", happened_at=now)
    close()
    run_jobs()

    mine = Message.objects.filter(user=left).exclude(kind="account_closed")
    theirs = Message.objects.get(kind="dispute_opened")
    assert {(row.state, row.recipient) for row in mine} == {(MessageState.SKIPPED, "")}
    assert (theirs.state, theirs.recipient, theirs.context) == (MessageState.SENT, "", {})
    assert found(TRACES) == []
    mails = [one for one in sandbox.look("mailbox") if "owner@harbor.example" in str(one["to"])]
    assert any("disputed" in one["text"].lower() and NAME in one["text"] for one in mails)


def test_who_is_called_the_same_keeps_everything() -> None:
    """A name, or a number that was never proven, may be somebody else's."""
    twins = [factories.make_member(NAME, email=f"{side}@quillfeather.example") for side in "ab"]
    factories.set_member(twins[0], phone=PHONE)
    factories.set_member(twins[1], phone=PHONE, phone_verified_at=timezone.now())
    customer = factories.make_customer(twins[1], name=NAME, email="b@quillfeather.example")
    event = factories.make_event(customer, payload=GUEST | {"data": {"object": {"name": NAME}}})
    LogEntry.objects.create(
        user=twins[1], action_flag=2, object_repr=NAME, change_message="Sent once more."
    )
    message = staff_world.make_message(twins[1], recipient=PHONE, channel="sms")
    close_account(twins[0])

    for row in (event, message):
        row.refresh_from_db()
    assert not event.reduced_at
    assert not message.emptied_at
    assert LogEntry.objects.get().object_repr == NAME


@pytest.mark.slow
def test_somebody_without_a_customer_is_gone_altogether() -> None:
    user = _sign_up()
    staff_world.make_message(user, recipient=OLD)
    staff_world.make_message(None, recipient=OLD, kind="unknown_account")
    call_command("close_account", OLD, "--yes", stdout=StringIO())
    run_jobs()

    assert not User.objects.filter(pk=user.pk).exists()
    assert found(TRACES, without=set()) == []


def test_staff_who_leave_are_forgotten_and_what_they_decided_stays() -> None:
    policy(automatic_up_to=0)
    customer = factories.make_customer(factories.make_member("Carol Cole"))
    row = refunds.request(
        customer.user,
        factories.make_payment(customer=customer).pk,
        refund_request(900, words="Ill"),
    )
    owner = factories.make_member(NAME, email=OLD, is_staff=True, is_superuser=True)
    staff_world.superuser()  # somebody has to stay one
    refunds.approve(row.pk, owner, words="Get well.")
    LogEntry.objects.create(user=owner, action_flag=2, object_repr="x", change_message=f"By {OLD}")
    close_account(owner)
    delivery.deliver(Message.objects.get(kind="account_closed").pk)

    assert found(["zephyrine", "quillfeather"], without=set()) == []
    owner.refresh_from_db()
    assert not owner.is_active
    assert not owner.is_superuser
    assert [entry.actor_id for entry in row.entries.order_by("number")][-1] == owner.pk
    assert ledger.verify().problems == []


def test_an_account_that_was_closed_before_is_forgotten_in_the_night() -> None:
    """Earlier versions left all of this; and an event may come late."""
    user = factories.make_member(NAME, email=OLD)
    customer = factories.make_customer(user, name=NAME, email=OLD)
    payment = factories.make_payment(customer=customer)
    policy(automatic_up_to=0)
    refunds.request(user, payment.pk, refund_request(900, words=WORDS))
    factories.make_event(customer, payload=GUEST, state=EventState.PROCESSED)
    staff_world.make_message(user, recipient=OLD)
    User.objects.filter(pk=user.pk).update(
        username=f"closed-{user.pk}", email="", first_name="", last_name="", is_active=False
    )
    Customer.objects.update(closed_at=timezone.now())
    forget_old_records(0)

    # What staff were mailed of somebody who was nameless already goes by MESSAGES_KEPT_DAYS.
    mails = {"emails_message.context", "emails_message.subject"}
    assert {hit.partition(":")[0] for hit in found(TRACES)} <= mails


# Every night


def days_ago(days: int) -> datetime:
    return timezone.now() - timedelta(days=days, hours=1)


def test_payloads_are_reduced_to_ids_after_their_days(settings: Settings) -> None:
    settings.PAYLOADS_KEPT_DAYS = 90
    customer = factories.make_customer()
    about = {"id": "in_1", "customer": {"id": "cus_1", "name": NAME}, "customer_name": NAME}
    payload = GUEST | {"data": {"object": about}}
    old, new, waiting = (
        factories.make_event(customer, payload=payload, state=state)
        for state in (EventState.PROCESSED, EventState.PROCESSED, EventState.RETRYING)
    )
    StripeEvent.objects.exclude(pk=new.pk).update(received_at=days_ago(90))
    Reconciliation.objects.create(started_at=days_ago(90), differences=[{"ours": NAME}])
    forget_old_records(0)

    for row in (old, new, waiting):
        row.refresh_from_db()
    assert old.payload["data"] == {"object": {"id": "in_1", "customer": "cus_1"}}
    assert old.payload["type"] == GUEST["type"]
    assert new.payload == waiting.payload == payload
    assert Reconciliation.objects.get().differences == []


def test_messages_are_emptied_after_their_days_and_never_sent_twice(settings: Settings) -> None:
    settings.MESSAGES_KEPT_DAYS = 540
    user = factories.make_member(NAME, email=OLD)
    for cause in ("sub_1", "sub_2"):
        with transaction.atomic():
            outbox.put(user, CONTEXTS[Kind.WELCOME], cause=cause, happened_at=timezone.now())
    old, waiting = Message.objects.order_by("pk")
    Message.objects.update(created_at=days_ago(540))
    Message.objects.filter(pk=old.pk).update(state=MessageState.SENT)
    forget_old_records(0)

    old.refresh_from_db()
    waiting.refresh_from_db()
    assert (old.recipient, old.subject, old.context) == ("", "", {})
    assert waiting.recipient == OLD
    with transaction.atomic():
        again = outbox.put(user, CONTEXTS[Kind.WELCOME], cause="sub_1", happened_at=timezone.now())
    assert again == []
    assert "no longer keep" in resending.why_not_resend(old)
    page = staff_world.signed_in_now(staff_world.support()).get(
        reverse("admin:emails_message_change", args=[old.pk])
    )
    assert "It was emptied on" in page.content.decode()


def test_jobs_and_sessions_go_after_their_time(settings: Settings) -> None:
    settings.JOBS_KEPT_DAYS = 30
    alice, bob = actors.alice(), actors.bob()
    for name in ("old", "new"):
        tasks.refresh_plan.configure(queueing_lock=name).defer(timestamp=0)
    with connection.cursor() as cursor:
        cursor.execute("UPDATE procrastinate_jobs SET status = 'failed'")
        cursor.execute(
            "UPDATE procrastinate_events SET at = %s FROM procrastinate_jobs AS job"
            " WHERE job.id = job_id AND job.queueing_lock = 'old'",
            [days_ago(30)],
        )
    keys = {user: str(actors.browser(user).session.session_key) for user in (alice, bob)}
    for user, key in keys.items():
        UserSession.objects.create(user=user, session_key=key, ip="192.0.2.1", user_agent="Firefox")
    Session.objects.filter(session_key=keys[alice]).update(expire_date=days_ago(1))
    forget_old_records(0)

    assert list(ProcrastinateJob.objects.values_list("queueing_lock", flat=True)) == ["new"]
    assert Session.objects.count() == 1
    assert UserSession.objects.get().user == bob


def test_the_command_warns_of_a_dispute_whose_evidence_would_go(left: User) -> None:
    said = StringIO()
    call_command("close_account", NEW, "--yes", stdout=said)
    assert "download the evidence first" in said.getvalue()
