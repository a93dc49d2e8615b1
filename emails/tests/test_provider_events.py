"""What email providers report: who is believed, what's noted, and what nonsense is answered."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import Client
from django.urls import reverse
from django.utils import timezone
from pytest_django import Settings

from billing.tests.staff_world import signed_in_now, support
from conftest import Sandbox, run_jobs
from emails import delivery
from emails.catalog import Kind
from emails.models import Message, MessageState, Suppression
from emails.problems import DeliveryProblem
from emails.tests.provider_api import Answer, Api, provider_api, report, signed_by_mailgun
from emails.tests.test_bounces import sent
from emails.tests.test_delivery import nina, put, states
from members.signin.mails import send_account_mail
from portal.doctor import mail_checks
from portal.models import Outcome as Found

pytestmark = pytest.mark.django_db
PHONE = "+12025550143"


@pytest.fixture
def postmark(sandbox: Sandbox, settings: Settings) -> Iterator[Api]:
    with provider_api(settings, "postmark") as api:
        yield api


def event(message: Message, **changes: Any) -> dict[str, Any]:
    """Return a report as Postmark writes it."""
    number = str(message.pk)
    return {"Metadata": {"portal_message": number}, "Email": message.recipient, **changes}


def delivered(message: Message) -> dict[str, Any]:
    return event(message, RecordType="Delivery", DeliveredAt="2026-11-29T10:00:00Z")


def bounced(message: Message, kind: str = "HardBounce", said: str = "") -> dict[str, Any]:
    return event(
        message, RecordType="Bounce", Type=kind, ID=1, Details=said, Description="Unknown user."
    )


def complained(message: Message) -> dict[str, Any]:
    return event(message, RecordType="SpamComplaint", Type="SpamComplaint", ID=2)


def now(message: Message) -> tuple[str, str]:
    message.refresh_from_db()
    return message.state, message.provider_status


def test_a_hard_bounce_goes_the_way_of_every_bounce(postmark: Api, client: Client) -> None:
    message = sent(Kind.PAYMENT_FAILED, phone=PHONE)
    Message.objects.filter(channel="sms").delete()
    assert report(delivered(message)) == (200, "")
    assert now(message) == (MessageState.DELIVERED, "delivered")
    assert report(bounced(message))[0] == 200
    assert now(message) == (MessageState.FAILED, "bounced")
    assert "Unknown user." in message.error
    row = Suppression.objects.get()
    assert (row.address, row.reason, row.source) == ("nina@example.com", "bounced", "provider")
    # What the member needs is said by a text, once.
    assert report(bounced(message))[0] == 200
    run_jobs()
    assert len(texts_to_nina()) == 1
    # What they can turn off isn't sent there, and both are told.
    assert sent(cause="in_2").state == MessageState.SKIPPED
    client.force_login(User.objects.get(username="nina"))
    assert "Emails to nina@example.com come back" in client.get(reverse("home")).content.decode()
    staff = signed_in_now(support()).get(reverse("admin:index")).content.decode()
    assert "Emails to 1 member bounce" in staff


def texts_to_nina() -> list[Message]:
    return list(Message.objects.filter(channel="sms", recipient=PHONE, state=MessageState.SENT))


@pytest.mark.parametrize(
    ("kind", "said", "state", "is_dead"),
    [
        ("HardBounce", "", "failed", True),
        ("HardBounce", "smtp;550 5.1.1 No such user", "failed", True),
        ("HardBounce", "smtp;552 5.2.2 Mailbox full", "failed", False),
        ("HardBounce", "smtp;550 5.7.1 Blocked", "failed", False),
        ("BadEmailAddress", "", "failed", True),
        ("SoftBounce", "", "failed", False),
        ("Blocked", "", "failed", False),
        ("DMARCPolicy", "", "failed", False),
        ("Transient", "", "sent", False),
        ("AutoResponder", "", "sent", False),
    ],
)
def test_which_bounces_mark_an_address(
    postmark: Api, kind: str, said: str, state: str, is_dead: bool
) -> None:
    message = sent()
    assert report(bounced(message, kind, said))[0] == 200
    assert now(message)[0] == state
    assert Suppression.objects.exists() == is_dead


def test_a_complaint_marks_the_address_and_proves_the_arrival(postmark: Api) -> None:
    message = sent()
    assert report(complained(message))[0] == 200
    assert now(message) == (MessageState.DELIVERED, "complained")
    assert Suppression.objects.get().reason == "complained"
    assert report(delivered(message))[0] == 200
    assert now(message) == (MessageState.DELIVERED, "complained")


def test_reports_come_twice_and_in_any_order(postmark: Api) -> None:
    message = sent()
    for _ in range(2):
        report(bounced(message))
        report(bounced(message, "SoftBounce"))
        report(delivered(message))
        report(bounced(message, "Transient"))
    assert now(message) == (MessageState.FAILED, "bounced")
    assert "Unknown user." in message.error
    assert Suppression.objects.count() == 1
    # Whoever says that the address works isn't contradicted by what's reported again.
    Suppression.objects.update(released_at=timezone.now())
    report(bounced(message))
    assert Suppression.objects.filter(released_at=None).count() == 0


def test_a_delivery_proves_what_a_lost_answer_left_open(postmark: Api) -> None:
    postmark.answers = [Answer(lost=True)]
    [message] = put(nina(phone=""))
    with pytest.raises(DeliveryProblem, match="can't be reached"):
        delivery.deliver(message.pk)
    assert report(delivered(message))[0] == 200
    assert now(message) == (MessageState.DELIVERED, "delivered")
    assert (message.error, message.sent_at is None) == ("", False)
    # The next try finds it done.
    assert delivery.deliver(message.pk) is None
    assert len(postmark.requests) == 1


def test_a_code_is_forgotten_though_the_report_was_faster(postmark: Api) -> None:
    user = nina(phone="")
    send_account_mail("account/email/login_code", user.email, {"code": "123456", "user": user})
    message = Message.objects.get()
    Message.objects.update(state=MessageState.SENDING)
    assert report(delivered(message))[0] == 200
    message.refresh_from_db()
    assert (message.state, message.context) == (MessageState.DELIVERED, {})


def test_opens_and_clicks_are_left_alone(postmark: Api) -> None:
    message = sent()
    for kind in ("Open", "Click"):
        assert report(event(message, RecordType=kind, ReceivedAt="2026-11-29T10:00:00Z"))[0] == 200
    assert now(message) == (MessageState.SENT, "")


def test_nobody_else_reports(postmark: Api, settings: Settings) -> None:
    message = sent()
    wrong = (403, "The secret or the signature is wrong.")
    for secret in ("portal:guessed", "", ":"):
        assert report(bounced(message), secret) == wrong
    content = json.dumps(bounced(message))
    answer = Client().post("/email/events/", content, content_type="application/json")
    assert (answer.status_code, answer.content.decode()) == wrong
    assert Client().get("/email/events/").status_code == 405
    assert Client().head("/email/events/").status_code == 200
    settings.EMAIL_PROVIDER = ""
    assert report(bounced(message)) == (404, "No email provider is set up here.")
    assert now(message) == (MessageState.SENT, "")


def test_what_is_about_none_of_ours_changes_nothing(postmark: Api) -> None:
    message = sent()
    [text] = put(User.objects.get(username="nina"), "in_9")
    Message.objects.filter(pk=text.pk).update(channel="sms", state=MessageState.SENT)
    others: tuple[dict[str, Any], ...] = (
        {"Email": "other@example.com"},
        {"Metadata": {"portal_message": str(message.pk + 10_000)}},
        {"Metadata": {"portal_message": str(text.pk)}},
        {"Metadata": {"portal_message": "1; DROP"}},
        {"Metadata": {"portal_message": "9" * 40}},
        {"Metadata": {"portal_message": None}},
        {"Metadata": {}},
    )
    for changes in others:
        assert report(bounced(message) | changes) == (200, ""), changes
    assert now(message) == (MessageState.SENT, "")
    # Nor about somebody who has left.
    Message.objects.filter(pk=message.pk).update(emptied_at=timezone.now(), recipient="")
    assert report(bounced(message) | {"Email": ""}) == (200, "")
    assert not Suppression.objects.exists()


@pytest.mark.parametrize(
    "content",
    [
        *("", "{", "null", "[]", "1", '"x"', "[" * 5000, b"\xff\xfe", '{"Metadata": [1]}'),
        *('{"RecordType": []}', '{"RecordType": "Bounce", "Type": {}}'),
        *('{"Metadata": "x", "RecordType": "Delivery"}', '{"DeliveredAt": 5}'),
        '{"FromFull": {}, "Subject": "An incoming mail"}',
    ],
)
def test_nonsense_gets_a_sentence(postmark: Api, content: str | bytes) -> None:
    status, words = report(content)
    assert (status, bool(words)) in {(400, True), (200, False)}


def test_words_that_no_database_takes_are_cleaned(postmark: Api) -> None:
    message = sent()
    assert report(bounced(message, said="550 5.1.1 No\0such\ud800 user " + "x" * 5000))[0] == 200
    assert now(message)[0] == MessageState.FAILED
    assert "\0" not in message.error


def test_mailgun_signs_its_reports(sandbox: Sandbox, settings: Settings) -> None:
    with provider_api(settings, "mailgun"):
        message = sent(phone=PHONE)
        about = {
            "recipient": "nina@example.com",
            "timestamp": 1796000000.5,
            "user-variables": {"portal_message": str(message.pk)},
        }
        delay = about | {"event": "failed", "severity": "temporary", "reason": "generic"}
        dead = about | {
            "event": "failed",
            "severity": "permanent",
            "reason": "bounce",
            "delivery-status": {"code": 550, "enhanced-code": "5.1.1", "message": "No such user"},
        }
        assert report(signed_by_mailgun(dead, "guessed"))[0] == 403
        assert report({"event-data": dead})[0] == 403
        assert report(signed_by_mailgun(delay))[0] == 200
        assert now(message) == (MessageState.SENT, "delayed")
        assert report(signed_by_mailgun(dead))[0] == 200
        assert now(message) == (MessageState.FAILED, "bounced")
        assert message.error == "It came back: 5.1.1 No such user"


def of_mailjet(message: Message, **changes: Any) -> list[dict[str, Any]]:
    payload = json.dumps({"portal_message": str(message.pk)})
    return [{"event": "bounce", "email": message.recipient, "Payload": payload, **changes}]


def of_brevo(message: Message, kind: str) -> dict[str, Any]:
    along = json.dumps({"portal_message": str(message.pk)})
    return {"event": kind, "email": message.recipient, "X-Mailin-custom": along}


def of_resend(message: Message, kind: str) -> dict[str, Any]:
    along = {"name": "X-Metadata", "value": json.dumps({"portal_message": str(message.pk)})}
    bounce = {"message": "A bounce message", "type": kind, "subType": "General"}
    data = {"headers": [along], "to": [message.recipient], "bounce": bounce}
    return {"type": "email.bounced", "created_at": "2026-11-29T10:00:00Z", "data": data}


def of_sparkpost(message: Message, kind: str) -> list[dict[str, Any]]:
    inside = {
        "type": "bounce",
        "bounce_class": kind,
        "rcpt_meta": {"portal_message": str(message.pk)},
        "raw_rcpt_to": message.recipient,
    }
    return [{"msys": {}}, {"msys": {"message_event": inside}}]


def of_mailtrap(message: Message, kind: str) -> dict[str, Any]:
    along = {"portal_message": message.pk}
    one = {"event": kind, "email": message.recipient, "custom_variables": along}
    return {"events": [one | {"event_id": "e", "message_id": "m", "timestamp": 1796000000}]}


@pytest.mark.parametrize(
    ("provider", "write", "soft", "hard"),
    [
        ("brevo", of_brevo, "soft_bounce", "hard_bounce"),
        ("mailjet", lambda one, kind: of_mailjet(one, hard_bounce=kind), False, True),
        ("mailtrap", of_mailtrap, "soft bounce", "bounce"),
        ("resend", of_resend, "Transient", "Permanent"),
        ("sparkpost", of_sparkpost, "22", "10"),
    ],
)
def test_every_provider_tells_a_soft_bounce_from_a_hard_one(
    sandbox: Sandbox, settings: Settings, provider: str, write: Any, soft: Any, hard: Any
) -> None:
    with provider_api(settings, provider):
        message = sent()
        assert report(write(message, soft))[0] == 200
        assert not Suppression.objects.exists()
        assert now(message)[1] in {"refused", "delayed"}
        assert report(write(message, hard))[0] == 200
        assert now(message) == (MessageState.FAILED, "bounced")
        assert Suppression.objects.exists()


def test_the_doctor_misses_reports(postmark: Api) -> None:
    assert mail_checks.server().text == "Emails go out by Postmark’s API."
    assert mail_checks.bounce_mailbox().outcome == Found.UNKNOWN
    message = sent()
    Message.objects.update(sent_at=timezone.now() - timedelta(hours=2))
    found = mail_checks.bounce_mailbox()
    assert (found.outcome, "nothing about 1 email" in found.text) == (Found.WARN, True)
    assert "/email/events/" in found.remedy
    report(delivered(message))
    assert mail_checks.bounce_mailbox().outcome == Found.OK
    assert states()["email"] == MessageState.DELIVERED
