"""What the outbox writes, and what staff can resend."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.contrib.auth.models import User
from django.db import transaction
from django.db.transaction import TransactionManagementError
from django.utils import timezone
from pytest_django import Settings

from billing.notices.contexts import Welcome
from emails import outbox, resending
from emails.catalog import Kind
from emails.models import Message, MessageState
from emails.tests.test_delivery import PHONE, nina, put
from members.models import Member
from members.signin.mails import send_account_mail
from portal.backoffice.message_samples import CONTEXTS

pytestmark = pytest.mark.django_db


@pytest.fixture
def staff() -> User:
    """Somebody of the staff."""
    return User.objects.create_user("sam", "sam@example.com", is_staff=True)


@pytest.fixture
def sent() -> list[Message]:
    """A receipt that has arrived, by mail and by phone."""
    messages = put(nina())
    Message.objects.update(state=MessageState.SENT)
    return [Message.objects.get(pk=message.pk) for message in messages]


@pytest.mark.django_db(transaction=True)
def test_message_without_a_transaction_is_refused() -> None:
    receipt = CONTEXTS[Kind.PAYMENT_RECEIVED]
    with pytest.raises(TransactionManagementError):
        outbox.put(nina(), receipt, cause="in_1", happened_at=timezone.now())


def test_subject_can_be_read_before_it_is_sent() -> None:
    mail, text = put(nina())
    assert mail.subject == "Receipt: $29.00 for Harbor Yoga membership, November 2026"
    assert text.subject == ""


def test_subject_with_a_code_is_not_kept() -> None:
    send_account_mail("account/email/login_code", "nina@example.com", {"code": "K7F3-9QXZ"})
    assert Message.objects.get().subject == ""


def test_subject_of_a_plan_with_a_long_name_fits() -> None:
    context = Welcome(**vars(CONTEXTS[Kind.WELCOME]) | {"plan_name": "long " * 100})
    with transaction.atomic():
        [mail, _] = outbox.put(nina(), context, cause="sub_1", happened_at=timezone.now())
    assert len(mail.subject) <= 255


def test_old_news_are_noted_in_the_log(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("INFO", logger="emails.outbox")
    assert put(nina(), happened_at=timezone.now() - timedelta(days=30)) == []
    assert "No payment_received for in_1" in caplog.text


def test_every_time_a_message_is_sent_again_is_one_row(sent: list[Message], staff: User) -> None:
    mail = sent[0]
    first = resending.resend(mail, staff)
    assert (first.resend_of, first.resent_by, first.state) == (mail, staff, MessageState.QUEUED)
    assert (first.context, first.subject) == (mail.context, mail.subject)
    Message.objects.update(state=MessageState.SENT)
    again = resending.resend(first, staff)
    assert again.resend_of == mail
    assert [first.dedupe_key, again.dedupe_key] == [
        f"{mail.dedupe_key}:resend:1",
        f"{mail.dedupe_key}:resend:2",
    ]


def test_message_goes_to_where_the_member_is_now(sent: list[Message], staff: User) -> None:
    User.objects.filter(username="nina").update(email="nina@new.example")
    Member.objects.filter(user__username="nina").update(phone="+12025550199")
    copies = [resending.resend(message, staff) for message in sent]
    assert [copy.recipient for copy in copies] == ["nina@new.example", "+12025550199"]


def test_message_on_its_way_is_not_sent_again(staff: User) -> None:
    [mail, _] = put(nina())
    with pytest.raises(resending.ResendRefused, match="still on its way"):
        resending.resend(mail, staff)


def test_text_is_not_sent_again_after_a_stop(sent: list[Message], staff: User) -> None:
    Member.objects.update(sms_stopped_at=timezone.now())
    with pytest.raises(resending.ResendRefused, match="does not accept text messages"):
        resending.resend(sent[1], staff)


def test_code_is_never_sent_again(staff: User) -> None:
    send_account_mail("account/email/login_code", "nina@example.com", {"code": "K7F3-9QXZ"})
    Message.objects.update(state=MessageState.SENT)
    with pytest.raises(resending.ResendRefused, match="held a code"):
        resending.resend(Message.objects.get(), staff)


def test_failed_message_can_be_sent_again(sent: list[Message], staff: User) -> None:
    Message.objects.update(state=MessageState.FAILED)
    assert [resending.resend(message, staff).recipient for message in sent] == [
        "nina@example.com",
        PHONE,
    ]


def put_for_staff(cause: str = "du_1") -> list[Message]:
    """Write the mails of a dispute to the staff."""
    with transaction.atomic():
        return outbox.put_staff(
            lambda: CONTEXTS[Kind.DISPUTE_OPENED],
            cause=cause,
            happened_at=timezone.now(),
        )


def test_staff_are_written_to_at_each_of_their_addresses_once(settings: Settings) -> None:
    settings.STAFF_EMAIL = ["owner@example.com", "office@example.com"]
    assert [mail.recipient for mail in put_for_staff()] == settings.STAFF_EMAIL
    assert put_for_staff() == []
    assert len(put_for_staff("du_2")) == 2
    assert {mail.user for mail in Message.objects.all()} == {None}


def test_staff_without_an_address_are_not_written_to(settings: Settings) -> None:
    settings.STAFF_EMAIL = []
    assert put_for_staff() == []


def test_a_mail_to_the_staff_can_be_sent_again(settings: Settings, staff: User) -> None:
    settings.STAFF_EMAIL = ["owner@example.com"]
    [mail] = put_for_staff()
    Message.objects.update(state=MessageState.FAILED)
    assert resending.resend(mail, staff).recipient == "owner@example.com"


@pytest.mark.django_db(transaction=True)
def test_a_mail_to_the_staff_without_a_transaction_is_refused() -> None:
    with pytest.raises(TransactionManagementError):
        outbox.put_staff(
            lambda: CONTEXTS[Kind.DISPUTE_OPENED],
            cause="du_1",
            happened_at=timezone.now(),
        )
