"""Messages take turns: so many a minute, by channel and by the recipient's mail domain."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
import time_machine
from django.contrib.auth.models import User
from django.db import transaction
from django.urls import reverse
from django.utils import timezone
from pytest_django import Settings

from billing.tests.staff_world import signed_in_now, superuser
from conftest import Sandbox, run_jobs
from emails import delivery, outbox, pacing
from emails.catalog import Kind
from emails.models import Channel, Message, MessageState, Pace, WaitsFor
from emails.problems import DeliveryProblem
from emails.tasks import try_now
from emails.tests.provider_api import Answer, provider_api
from emails.tests.test_delivery import mailbox, nina, put, texts
from members.signin.mails import send_account_mail
from portal.backoffice.message_samples import CONTEXTS

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _rates(settings: Settings) -> None:
    settings.EMAILS_PER_MINUTE, settings.EMAILS_PER_MINUTE_TO_A_DOMAIN = 0, 2
    settings.TEXTS_PER_MINUTE = 0


@pytest.fixture
def clock() -> Iterator[Any]:
    with time_machine.travel(timezone.now(), tick=False) as travelling:
        yield travelling


def write(count: int, domain: str = "example.com") -> list[Message]:
    found: list[Message] = []
    for number in range(count):
        name = f"{domain}-{number}"
        found += put(User.objects.create_user(name, f"m{number}@{domain}"), cause=name)
    return found


def sent() -> list[str]:
    rows = Message.objects.filter(state=MessageState.SENT).order_by("sent_at", "pk")
    return list(rows.values_list("recipient", flat=True))


def seconds_left(rows: Any) -> list[int]:
    now = timezone.now()
    return [round((one.waits_until - now).total_seconds()) for one in rows.order_by("pk")]


def deliver_due() -> None:
    """Do what the queue does by the database's clock, by ours."""
    due = Message.objects.filter(state=MessageState.QUEUED, waits_until__lte=timezone.now())
    for pk in due.order_by("waits_until", "pk").values_list("pk", flat=True):
        delivery.deliver(pk)


def test_a_domain_gets_so_many_a_minute_in_order_and_others_pass_by(
    sandbox: Sandbox, clock: Any
) -> None:
    write(5)
    write(1, "other.example")
    run_jobs()
    assert sent() == ["m0@example.com", "m0@other.example"]
    waiting = Message.objects.filter(state=MessageState.QUEUED)
    # Six seconds' worth may be made up after a pause.
    assert seconds_left(waiting) == [24, 54, 84, 114]
    # Waiting is no attempt, and says what for.
    assert set(waiting.values_list("attempts", "waits_for")) == {(0, WaitsFor.TURN)}
    assert all(one.is_waiting for one in waiting)
    for number in range(1, 5):
        clock.shift(30)
        deliver_due()
        assert sent()[2:] == [f"m{one}@example.com" for one in range(1, number + 1)]
    assert len(mailbox(sandbox)) == 6


def test_what_waits_for_its_domain_takes_no_turn_of_all_emails(
    sandbox: Sandbox, settings: Settings, clock: Any
) -> None:
    settings.EMAILS_PER_MINUTE = 60
    write(20)
    for domain in ("a", "b", "c"):
        write(1, f"{domain}.example")
    run_jobs()
    assert len(sent()) == 4
    # One a second, and so all of these could go at once.
    assert Pace.objects.get(bucket="email").next_at <= timezone.now()


def test_trying_now_keeps_the_turn(sandbox: Sandbox, clock: Any) -> None:
    write(4)
    run_jobs()
    waiting = Message.objects.filter(state=MessageState.QUEUED)
    before = seconds_left(waiting)
    for _ in range(3):
        try_now([one.pk for one in waiting])
        run_jobs()
    assert seconds_left(waiting) == before
    assert len(sent()) == 1


def test_a_failed_try_takes_another_turn(sandbox: Sandbox, settings: Settings, clock: Any) -> None:
    [message] = write(1)
    settings.EMAIL_PORT = 9
    with pytest.raises(DeliveryProblem, match="can't be reached"):
        delivery.deliver(message.pk)
    settings.EMAIL_PORT = sandbox.smtp_port
    assert delivery.deliver(message.pk) == timezone.now() + timedelta(seconds=24)
    clock.shift(24)
    assert delivery.deliver(message.pk) is None
    assert len(sent()) == 1


def test_a_code_does_not_wait(sandbox: Sandbox) -> None:
    write(4)
    user = User.objects.get(username="example.com-0")
    run_jobs()
    before = len(mailbox(sandbox))
    send_account_mail("account/email/login_code", user.email, {"code": "123456", "user": user})
    run_jobs()
    assert len(mailbox(sandbox)) == before + 1


def test_what_would_be_out_of_date_says_so_at_once(sandbox: Sandbox) -> None:
    write(2)
    run_jobs()
    [late] = write(1, "EXAMPLE.com")
    Message.objects.filter(pk=late.pk).update(expires_at=timezone.now() + timedelta(seconds=40))
    delivery.deliver(late.pk)
    late.refresh_from_db()
    assert late.state == MessageState.FAILED
    assert late.error == delivery.TOO_LATE[WaitsFor.TURN]


def test_texts_have_a_rate_of_their_own(sandbox: Sandbox, settings: Settings, clock: Any) -> None:
    settings.TEXTS_PER_MINUTE = 1
    user = nina()
    for number in range(3):
        with transaction.atomic():
            outbox.put(
                user,
                CONTEXTS[Kind.PAYMENT_FAILED],
                cause=f"in_{number}",
                happened_at=timezone.now(),
            )
    run_jobs()
    assert len(texts(sandbox)) == 1
    waiting = Message.objects.filter(state=MessageState.QUEUED, channel=Channel.SMS)
    assert seconds_left(waiting) == [54, 114]
    clock.shift(60)
    deliver_due()
    assert len(texts(sandbox)) == 2


def test_no_limit_takes_no_turn(sandbox: Sandbox, settings: Settings) -> None:
    settings.EMAILS_PER_MINUTE_TO_A_DOMAIN = 0
    write(3)
    run_jobs()
    assert (len(sent()), Pace.objects.count()) == (3, 0)


def test_staff_see_what_waits_and_why(sandbox: Sandbox) -> None:
    write(3)
    run_jobs()
    client = signed_in_now(superuser())
    listed = client.get(reverse("admin:emails_message_changelist")).content.decode()
    assert listed.count("Takes turns") == 2
    statistics = client.get(reverse("admin:emails_message_statistics")).content.decode()
    assert "2 messages wait because only so many go out a minute, until" in statistics
    home = client.get(reverse("admin:index")).content.decode()
    assert "Messages that take turns" in home
    # They aren't late.
    Message.objects.update(created_at=timezone.now() - timedelta(hours=5))
    assert "A message has been waiting" not in client.get(reverse("admin:index")).content.decode()


def test_nothing_goes_while_the_provider_wants_nothing(
    sandbox: Sandbox, settings: Settings, clock: Any
) -> None:
    settings.EMAILS_PER_MINUTE_TO_A_DOMAIN = 0
    with provider_api(settings, "postmark") as api:
        api.answers = [Answer(429, {"Message": "Slow down"}, {"Retry-After": "300"})]
        [first, *others] = write(3)
        with pytest.raises(DeliveryProblem, match="Slow down"):
            delivery.deliver(first.pk)
        for one in others:
            assert delivery.deliver(one.pk) == timezone.now() + timedelta(seconds=300)
        assert len(api.requests) == 1
        for one in Message.objects.all():
            assert (one.is_waiting, one.waits_for) == (True, WaitsFor.PROVIDER)
        clock.shift(300)
        for one in (first, *others):
            assert delivery.deliver(one.pk) is None
        assert len(api.taken) == 3


def test_idle_paces_are_forgotten(clock: Any) -> None:
    now = timezone.now()
    mail = Message(kind="payment_received", channel="email", recipient="a@b.example", turns_taken=0)
    assert pacing.turn(mail, now) is None
    pacing.hold("sms", now + timedelta(hours=1))
    assert pacing.forget_idle(now) == 0
    assert pacing.forget_idle(now + timedelta(minutes=10)) == 1
    assert pacing.forget_idle(now + timedelta(hours=2)) == 1
