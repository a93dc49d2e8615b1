"""What members and staff are told about refunds: each step once, nothing twice, nothing old."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from billing import tasks
from billing.core import dates
from billing.core.statuses import RefundReason
from billing.models import Payment, Refund
from billing.refunds import service as refunds
from billing.tests import factories, refund_world
from billing.tests.life import deliver, paid_member
from billing.tests.refund_world import ask, policy, refund_request
from conftest import Sandbox, run_jobs
from emails import rendering
from emails.models import Message
from members.models import Member

pytestmark = pytest.mark.django_db
BOSS = "boss@example.com"


@pytest.fixture
def alice(sandbox: Sandbox, settings: Any) -> User:
    """A member who has paid once; up to $30.00 are approved at once, twice a year."""
    settings.STAFF_EMAIL = [BOSS]
    user = paid_member(sandbox)
    policy()
    return user


@pytest.fixture
def payment(alice: User) -> Payment:
    return Payment.objects.for_user(alice).get()


@pytest.fixture
def bob() -> User:
    """Somebody of the staff who approves."""
    return refund_world.approver("Bob Baker")


def told(channel: str = "email") -> list[str]:
    """Return the kinds of messages about refunds to members, oldest first."""
    rows = Message.objects.filter(kind__startswith="refund_", channel=channel, user__isnull=False)
    return list(rows.order_by("pk").values_list("kind", flat=True))


def staff_told() -> list[str]:
    rows = Message.objects.filter(kind__startswith="refund_", user=None)
    return list(rows.order_by("pk").values_list("kind", flat=True))


def text(kind: str, channel: str = "email") -> str:
    """Return the newest message of a kind as it is read, its subject first."""
    message = Message.objects.filter(kind=kind, channel=channel).latest("pk")
    if channel == "sms":
        return rendering.render_sms(message)
    email = rendering.render_email(message)
    return f"{email.subject}\n{email.text}"


def refund_in_dashboard(sandbox: Sandbox, payment: Payment, amount: int) -> None:
    params: Any = {"payment_intent": payment.stripe_id, "amount": amount}
    sandbox.stripe.v1.refunds.create(params)


def test_approved_at_once_is_one_message(sandbox: Sandbox, alice: User, payment: Payment) -> None:
    row = ask(alice, payment, 900)
    run_jobs()
    deliver(sandbox.events())
    deliver(sandbox.events())
    assert told() == ["refund_arrived"]
    assert staff_told() == []
    row.refresh_from_db()
    read = text("refund_arrived")
    assert read.startswith("Refunded: $9.00 for Membership")
    assert "Visa ending in 4242" in read
    assert f"/refunds/{row.pk}/" in read
    assert row.succeeded_at
    first, last = dates.arrival(row.succeeded_at)
    assert f"between {first:%A, %B} {first.day}, {first.year} and {last:%A, %B} {last.day}" in read


def test_a_request_that_waits_is_told_to_the_member_and_to_the_staff(
    alice: User, payment: Payment
) -> None:
    policy(automatic_up_to=0)
    form = refund_request(2900, words="I was ill.")
    row = refunds.request(alice, payment.pk, form)
    refunds.request(alice, payment.pk, form)
    assert (told(), staff_told()) == (["refund_received"], ["refund_to_decide"])
    assert "Someone on our team will review it" in text("refund_received")
    read = text("refund_to_decide")
    assert read.startswith("Refund request: $29.00 from Alice Archer")
    assert "I was ill." in read
    assert f"/staff/billing/refund/{row.pk}/change/" in read


def test_approved_by_a_person_says_less_and_why(
    sandbox: Sandbox, alice: User, payment: Payment, bob: User
) -> None:
    policy(automatic_up_to=0)
    row = ask(alice, payment, 2900)
    refunds.approve(row.pk, bob, 2000, "You used a third of it.")
    run_jobs()
    deliver(sandbox.events())
    assert told() == ["refund_received", "refund_approved", "refund_arrived"]
    read = text("refund_approved")
    assert "we approved $20.00 of the $29.00 you wanted back" in read
    assert "“You used a third of it.”" in read
    assert "third of it" not in text("refund_arrived")


def test_denied_with_the_words(alice: User, payment: Payment, bob: User) -> None:
    policy(automatic_up_to=0)
    refunds.deny(ask(alice, payment, 2900).pk, bob, "The workshop took place.")
    assert told() == ["refund_received", "refund_denied"]
    read = text("refund_denied")
    assert read.startswith("Not approved: your refund of $29.00")
    assert "“The workshop took place.”" in read


def test_withdrawn_is_confirmed_and_told_to_staff_who_were_asked(
    alice: User, payment: Payment
) -> None:
    policy(automatic_up_to=0)
    row = ask(alice, payment, 2900)
    run_jobs()
    refunds.withdraw(alice, row.pk)
    assert told() == ["refund_received", "refund_withdrawn"]
    assert "you withdrew your request for a refund of $29.00" in text("refund_withdrawn")
    assert staff_told() == ["refund_to_decide", "refund_taken_back"]
    assert "nothing to decide anymore" in text("refund_taken_back")


def test_withdrawn_before_staff_heard_of_it_is_not_told_to_them(
    alice: User, payment: Payment
) -> None:
    policy(automatic_up_to=0)
    refunds.withdraw(alice, ask(alice, payment, 2900).pk)
    run_jobs()
    assert staff_told() == ["refund_to_decide"]
    assert Message.objects.get(kind="refund_to_decide").state == "skipped"


def test_overtaken_is_told_as_what_it_is(sandbox: Sandbox, alice: User, payment: Payment) -> None:
    policy(automatic_up_to=0)
    ask(alice, payment, 900)
    refund_in_dashboard(sandbox, payment, 2500)
    deliver(sandbox.events())
    assert sorted(told()) == ["refund_arrived", "refund_denied", "refund_received"]
    read = text("refund_denied")
    assert read.startswith("Closed: your refund of $9.00")
    assert read.count("This payment was refunded another way in the meantime.") == 1


def test_two_people_are_called_one_after_the_other(
    alice: User, payment: Payment, bob: User
) -> None:
    policy(automatic_up_to=0, two_people_from=1000)
    row = ask(alice, payment, 2900)
    assert "Two people on our team will review it" in text("refund_received")
    assert "Two different people must agree" in text("refund_to_decide")
    refunds.approve(row.pk, bob)
    assert staff_told() == ["refund_to_decide", "refund_to_decide"]
    assert "Somebody else must agree, too." in text("refund_to_decide")
    assert told() == ["refund_received"]


def test_goodwill_is_told_once_it_is_with_the_bank(
    sandbox: Sandbox, alice: User, payment: Payment, bob: User
) -> None:
    policy(two_people_from=1000)
    carol = refund_world.approver("Carol Chen", large=True)
    refunds.give(payment.pk, bob, refund_request(500, RefundReason.GOODWILL))
    assert (told(), staff_told()) == ([], [])
    run_jobs()
    assert told() == ["refund_arrived"]
    large = refunds.give(payment.pk, bob, refund_request(1500, RefundReason.GOODWILL))
    assert "Bob Baker wants to refund this." in text("refund_to_decide")
    refunds.deny(large.pk, carol, "Too much.")
    run_jobs()
    assert told() == ["refund_arrived"]


def test_no_message_nor_stripe_hears_that_a_payment_is_refunded_as_fraud(
    sandbox: Sandbox, alice: User, payment: Payment, bob: User
) -> None:
    wanted = refund_request(2900, RefundReason.REPORTED_AS_FRAUD, words="The bank says fraud.")
    row = refunds.give(payment.pk, bob, wanted)
    run_jobs()
    row.refresh_from_db()
    assert row.stripe_id
    assert sandbox.stripe.v1.refunds.retrieve(row.stripe_id).reason == "requested_by_customer"
    assert told() == ["refund_arrived"]
    client = Client()
    client.force_login(alice)
    page = client.get(reverse("billing:refund", args=[row.pk])).content.decode()
    assert "$29.00" in page
    for said in (text("refund_arrived"), page):
        assert "fraud" not in said.lower()


def test_a_gift_that_stripe_refuses_stays_between_us(
    sandbox: Sandbox, alice: User, payment: Payment, bob: User
) -> None:
    refunds.give(payment.pk, bob, refund_request(500, RefundReason.GOODWILL))
    refund_in_dashboard(sandbox, payment, 2900)
    run_jobs()
    deliver(sandbox.events())
    assert told() == ["refund_arrived"]
    assert "$29.00" in text("refund_arrived")
    assert staff_told() == ["refund_in_trouble"]
    assert "All of this payment was refunded already." in text("refund_in_trouble")


def test_refused_by_stripe_is_told_with_the_way_out(
    sandbox: Sandbox, alice: User, payment: Payment
) -> None:
    ask(alice, payment, 900)
    refund_in_dashboard(sandbox, payment, 2900)
    run_jobs()
    deliver(sandbox.events())
    assert sorted(told()) == ["refund_arrived", "refund_failed"]
    read = text("refund_failed")
    assert read.startswith("Closed: your refund of $9.00")
    assert "refunded another way in the meantime" in read
    assert "in touch" not in read


def test_pending_says_why_and_then_that_it_has_arrived(
    sandbox: Sandbox, alice: User, payment: Payment
) -> None:
    sandbox.control("balance", available=0)
    ask(alice, payment, 2900)
    run_jobs()
    assert told() == ["refund_sent"]
    read = text("refund_sent")
    assert "topped up first" in read
    assert "Usually on its way by: " in read
    sandbox.control("clock", advance_seconds=4 * 86_400)
    deliver(sandbox.events())
    assert told() == ["refund_sent", "refund_arrived"]


def ask_where_to(sandbox: Sandbox, alice: User, payment: Payment) -> Refund:
    """Let a refund wait at Stripe for the member's answer."""
    sandbox.control("switches", refunds_ask=True)
    row = ask(alice, payment, 2900)
    run_jobs()
    row.refresh_from_db()
    assert row.state == "requires_action"
    return row


@pytest.mark.slow
def test_stripe_asks_where_the_money_should_go(
    sandbox: Sandbox, alice: User, payment: Payment
) -> None:
    row = ask_where_to(sandbox, alice, payment)
    deliver(sandbox.events())
    assert told() == ["refund_sent"]
    read = text("refund_sent")
    assert read.startswith("Your refund of $29.00 needs an answer from you")
    assert row.answer_by
    last = timezone.localtime(row.answer_by)
    assert f"Answer by: {last:%A, %B} {last.day}, {last.year}" in read
    assert "Visa" not in read
    sandbox.control(f"refunds/{row.stripe_id}", step="answer")
    deliver(sandbox.events())
    assert told() == ["refund_sent", "refund_sent"]
    thanks = text("refund_sent")
    assert thanks.startswith("Thank you: your refund of $29.00 is moving again")
    assert "Thank you for your answer, " in thanks
    assert "Your refund of $29.00 for" in thanks
    assert "takes a little longer" not in thanks
    sandbox.control("clock", advance_seconds=4 * 86_400)
    deliver(sandbox.events())
    row.refresh_from_db()
    assert row.state == "succeeded"
    assert told()[-1] == "refund_arrived"
    assert "Visa" not in text("refund_arrived")
    assert staff_told() == []


def test_an_answer_is_asked_for_once_more_a_week_before_the_end(
    sandbox: Sandbox, alice: User, payment: Payment
) -> None:
    row = ask_where_to(sandbox, alice, payment)
    tasks.remind_members(0)
    assert told() == ["refund_sent"]
    Refund.objects.filter(pk=row.pk).update(answer_by=timezone.now() + timedelta(days=6))
    tasks.remind_members(0)
    tasks.remind_members(0)
    assert told() == ["refund_sent", "refund_sent"]
    Refund.objects.filter(pk=row.pk).update(answer_by=timezone.now() - timedelta(days=1))
    Message.objects.all().delete()
    tasks.remind_members(0)
    assert told() == []


@pytest.mark.slow
def test_no_answer_is_told_as_the_reason_that_nothing_was_sent(
    sandbox: Sandbox, alice: User, payment: Payment
) -> None:
    row = ask_where_to(sandbox, alice, payment)
    sandbox.control("clock", advance_seconds=46 * 86_400)
    deliver(sandbox.events())
    row.refresh_from_db()
    assert row.state == "canceled"
    assert told() == ["refund_sent", "refund_failed"]
    read = text("refund_failed")
    assert read.startswith("Your refund of $29.00 was canceled")
    assert "you didn’t say where to send the money" in read
    assert "You can ask for it again as long as the payment is refundable:" in read
    assert f"/payments/{payment.pk}/refund/" in read
    assert "in touch" not in read
    assert "reply to this email" not in read.lower().split("--")[0]
    assert staff_told() == ["refund_in_trouble"]
    assert "the amount is free again" in text("refund_in_trouble").lower()
    again = ask(alice, payment, 2900)
    assert again.state == "approved"


@pytest.mark.slow
def test_failed_after_it_had_arrived(sandbox: Sandbox, settings: Any) -> None:
    settings.STAFF_EMAIL = [BOSS]
    nina = paid_member(sandbox, "Nina Novak", card="4000000000005126")
    policy()
    ask(nina, Payment.objects.for_user(nina).get(), 2900)
    run_jobs()
    sandbox.control("clock", advance_seconds=2 * 86_400)
    deliver(sandbox.events())
    deliver(sandbox.events())
    assert told() == ["refund_arrived", "refund_failed"]
    read = text("refund_failed")
    assert "lost or stolen" in read
    assert "Our team has been notified and will be in touch." in read
    assert staff_told() == ["refund_in_trouble"]
    assert "The member’s card was reported lost or stolen." in text("refund_in_trouble")


def test_a_refund_of_the_dashboard_is_told_and_an_old_one_is_not(
    sandbox: Sandbox, alice: User, payment: Payment, settings: Any
) -> None:
    refund_in_dashboard(sandbox, payment, 700)
    deliver(sandbox.events())
    assert told() == ["refund_arrived"]
    Message.objects.all().delete()
    refund_in_dashboard(sandbox, payment, 500)
    settings.MESSAGE_MAX_AGE_HOURS = 0
    deliver(sandbox.events())
    assert Refund.objects.count() == 2
    assert told() == []


def test_text_messages_go_to_those_who_agreed(
    sandbox: Sandbox, alice: User, payment: Payment
) -> None:
    factories.set_member(
        alice, phone="+14155552671", phone_verified_at=timezone.now(), sms_consent_at=timezone.now()
    )
    alice = User.objects.get(pk=alice.pk)
    ask(alice, payment, 900)
    run_jobs()
    assert told("sms") == ["refund_arrived"]
    assert "$9.00 refunded. It's with your bank" in text("refund_arrived", "sms")


def test_the_days_of_the_bank_are_the_members_own(alice: User, payment: Payment) -> None:
    Member.objects.filter(user=alice).update(time_zone="Pacific/Auckland")
    row = ask(alice, payment, 900)
    run_jobs()
    row.refresh_from_db()
    page = Message.objects.get(kind="refund_arrived").context
    assert page["until"].endswith(("+13:00", "+12:00"))


def test_a_credit_note_and_its_refund_are_one_message(
    sandbox: Sandbox, alice: User, payment: Payment, settings: Any
) -> None:
    settings.REFUND_CREDIT_NOTES = True
    ask(alice, payment, 900)
    run_jobs()
    deliver(sandbox.events())
    assert Refund.objects.get().credit_note_id
    assert told() == ["refund_arrived"]
    assert not Message.objects.filter(kind="credit_note").exists()


# Staff are reminded


def remind() -> None:
    tasks.remind_staff_of_refunds(0)


def test_staff_are_reminded_once_a_day_of_a_request_that_waits(
    alice: User, payment: Payment, bob: User, settings: Any
) -> None:
    policy(automatic_up_to=0)
    row = ask(alice, payment, 900)
    remind()
    assert staff_told() == ["refund_to_decide"]
    asked_at = timezone.now() - timedelta(days=settings.REFUND_WAITING_DAYS, minutes=1)
    Refund.objects.update(created_at=asked_at)
    remind()
    remind()
    assert staff_told() == ["refund_to_decide", "refund_waits"]
    assert "2 days ago, and nobody has decided" in text("refund_waits")
    refunds.deny(row.pk, bob, "No.")
    Message.objects.filter(kind="refund_waits").delete()
    remind()
    assert staff_told() == ["refund_to_decide"]


@pytest.mark.parametrize(
    ("columns", "says"),
    [
        ({"state": "sending", "problem": "Not sent yet: down"}, "Not sent yet: down"),
        ({"state": "approved"}, "does the worker run?"),
        ({"state": "pending", "stripe_id": "re_1"}, "has had it for 8 days"),
    ],
)
def test_staff_are_told_daily_of_what_is_stuck(
    alice: User, payment: Payment, columns: dict[str, Any], says: str
) -> None:
    ask(alice, payment, 900)
    remind()
    assert staff_told() == []
    long_ago = timezone.now() - timedelta(days=8, minutes=1)
    Refund.objects.update(decided_at=long_ago, sent_at=long_ago, **columns)
    remind()
    remind()
    assert staff_told() == ["refund_in_trouble"]
    assert says in text("refund_in_trouble")
