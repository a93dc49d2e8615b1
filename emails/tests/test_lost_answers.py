"""An email that may have gone out goes again only as the same mail, or staff hear of it."""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import datetime, timedelta

import pytest
import time_machine
from django.core.mail import EmailMessage
from django.db import connection
from django.test import Client
from django.urls import reverse
from django.utils import timezone
from pytest_django import Settings

from billing.tests.staff_world import signed_in_now, support
from conftest import Sandbox, run_jobs
from emails import delivery, mail, providers
from emails.models import Message, MessageState
from emails.tests.mail_server import SILENT_END, mail_server
from emails.tests.provider_api import Answer, Api, Request, report
from emails.tests.test_delivery import mailbox, nina, put, texts
from emails.tests.test_providers import (
    TOO_MANY,
    Play,
    die_while_sending,
    headers_of,
    play,
    queued,
    tried,
)

__all__ = ["play"]
pytestmark = pytest.mark.django_db
YES = {"_form_submitted": "on"}
LOST = Answer(lost=True)
ENVOY = "upstream connect error or disconnect/reset before headers. reset reason: termination"


def later(minutes: float, message: Message) -> None:
    """Try a message again after some minutes."""
    with time_machine.travel(timezone.now() + timedelta(minutes=minutes)):
        tried(message)


def key_of(request: Request) -> str:
    """Return the key by which Brevo or Resend know a mail again."""
    inside: str = request.body["headers"].get("idempotencyKey", "")
    return inside or request.headers["Idempotency-Key"]


def in_doubt(api: Api, message: Message) -> datetime:
    """Lose the answer to a mail; return since when it may have gone out."""
    api.answers = [LOST]
    tried(message)
    assert message.state == MessageState.QUEUED
    assert message.unknown_since is not None
    return message.unknown_since


@pytest.mark.parametrize(
    ("provider", "minutes"), [("brevo", 10), ("brevo", 29), ("resend", 40), ("resend", 23 * 60)]
)
def test_while_the_provider_knows_it_again_it_is_sent_again(
    play: Play, provider: str, minutes: int
) -> None:
    api = play(provider)
    message = queued()
    in_doubt(api, message)
    later(minutes, message)
    assert (message.state, message.error) == (MessageState.SENT, "")
    assert message.unknown_since is None
    assert (len(api.requests), len(api.taken)) == (2, 1)


@pytest.mark.parametrize(("provider", "minutes"), [("brevo", 40), ("resend", 25 * 60)])
def test_once_the_provider_has_forgotten_it_staff_decide(
    play: Play, provider: str, minutes: int
) -> None:
    api = play(provider)
    message = queued()
    in_doubt(api, message)
    later(minutes, message)
    assert message.state == MessageState.FAILED
    assert "could arrive as a second email" in message.error
    assert "can't be reached" in message.error
    assert "It may have gone out" in message.error
    assert (len(api.requests), len(api.taken)) == (1, 1)


@pytest.mark.parametrize(
    ("first", "second", "why"),
    [
        ("mailgun", "postmark", ""),
        ("resend", "mailgun", "it went by Resend before"),
        ("mailgun", "resend", "it went by Mailgun before"),
    ],
)
def test_by_another_provider_it_goes_only_as_the_same_mail(
    play: Play, first: str, second: str, why: str
) -> None:
    message = queued()
    in_doubt(play(first), message)
    api = play(second)
    tried(message)
    assert message.state == (MessageState.FAILED if why else MessageState.SENT)
    assert why in message.error
    assert len(api.taken) == (0 if why else 1)


def test_after_a_lost_answer_it_does_not_go_by_a_mail_server_too(
    play: Play, settings: Settings, sandbox: Sandbox
) -> None:
    message = queued()
    with time_machine.travel(timezone.now()):
        in_doubt(play("resend"), message)
        settings.EMAIL_PROVIDER = ""
        tried(message)
    assert message.state == MessageState.FAILED
    assert "it went by Resend before" in message.error
    assert mailbox(sandbox) == []


def test_from_another_domain_it_would_be_another_mail(play: Play, settings: Settings) -> None:
    api = play("mailgun")
    message = queued()
    in_doubt(api, message)
    settings.DEFAULT_FROM_EMAIL = "Harbor <hello@elsewhere.example>"
    tried(message)
    assert message.state == MessageState.FAILED
    assert "it came from" in message.error
    assert len(api.taken) == 1


def test_what_never_went_out_goes_by_whatever_way_there_is(play: Play) -> None:
    play("resend").answers = [Answer(503, "<h1>Away</h1>")]
    message = queued()
    assert tried(message) is not None
    api = play("mailjet")
    assert tried(message) is None
    assert (message.state, len(api.taken)) == (MessageState.SENT, 1)


@pytest.mark.slow
def test_staff_see_it_and_send_it_again_under_a_new_key(play: Play) -> None:
    api = play("brevo")
    message = queued()
    in_doubt(api, message)
    later(40, message)
    desk = signed_in_now(support())
    failed = reverse("admin:emails_message_changelist", query={"state__exact": "failed"})
    assert "Another try could arrive" in desk.get(failed).content.decode()
    page = desk.get(reverse("admin:emails_message_change", args=[message.pk]))
    assert "It may have gone out" in page.content.decode()
    assert "1 message left out: It may have gone out." in press(desk, "resend_failed")
    assert Message.objects.count() == 1
    desk.post(reverse("admin:emails_message_resend", args=[message.pk]), YES)
    run_jobs()
    copy = Message.objects.get(resend_of=message)
    assert copy.state == MessageState.SENT
    first, second = api.requests
    assert key_of(first) != key_of(second)
    assert len(api.taken) == 2


def press(client: Client, button: str) -> str:
    """Press a button above the list of messages; return the page that follows."""
    answer = client.post(reverse(f"admin:emails_message_{button}"), YES, follow=True)
    return answer.content.decode()


def test_what_a_killed_worker_sent_may_have_gone_out(play: Play) -> None:
    message = queued()
    claimed = timezone.now() - timedelta(minutes=40)
    Message.objects.update(state=MessageState.SENDING, sending_at=claimed, attempts=1)
    api = play("brevo")
    tried(message)
    assert (message.state, message.unknown_since) == ("failed", claimed)
    assert "It may have gone out" in message.error
    assert api.requests == []


@pytest.mark.slow
@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize(("minutes", "state", "requests"), [(10, "sent", 2), (40, "failed", 1)])
def test_a_worker_killed_while_sending_sends_no_second_mail(
    play: Play, minutes: int, state: str, requests: int
) -> None:
    api = play("brevo")
    message = queued()
    die_while_sending(api, message)
    later(minutes, message)
    assert message.state == state
    assert (len(api.requests), len(api.taken)) == (requests, 1)


def test_a_certain_refusal_settles_nothing_about_an_earlier_try(play: Play) -> None:
    api = play("brevo")
    message = queued()
    since = in_doubt(api, message)
    api.answers = [
        Answer(401, {"code": "unauthorized", "message": "Key not found"}),
        Answer(429, TOO_MANY),
        Answer(502, "<h1>Bad gateway</h1>"),
    ]
    for _ in range(3):
        tried(message)
        assert (message.state, message.unknown_since) == (MessageState.QUEUED, since)
    api.answers = [Answer(400, {"code": "invalid_parameter", "message": "email not valid in to"})]
    tried(message)
    assert message.state == MessageState.FAILED
    assert message.error.startswith("Brevo said: 400 email not valid in to It may have gone out")
    assert message.unknown_since == since


def test_a_report_tells_what_became_of_it_after_all(play: Play) -> None:
    api = play("mailjet")
    message = queued()
    in_doubt(api, message)
    # Mailjet knows no key and gives each mail a `Message-ID` of its own.
    tried(message)
    assert (message.state, len(api.requests)) == (MessageState.FAILED, 1)
    payload = f'{{"portal_message": "{message.pk}"}}'
    event = {"event": "sent", "time": 1796000000, "email": message.recipient, "Payload": payload}
    assert report([event])[0] == 200
    message.refresh_from_db()
    assert message.state == "delivered"
    assert (message.error, message.unknown_since) == ("", None)


@pytest.mark.parametrize("provider", ["mailgun", "mailtrap", "postmark", "sparkpost"])
def test_under_our_message_id_it_goes_again_whenever_that_is(play: Play, provider: str) -> None:
    api = play(provider)
    message = queued()
    in_doubt(api, message)
    later(60 * 40, message)
    assert (message.state, len(api.requests)) == (MessageState.SENT, 2)
    assert all(mail.message_id(message) in str(one.body) for one in api.requests)


def test_a_mail_server_follows_the_same_rule(sandbox: Sandbox, settings: Settings) -> None:
    message = queued()
    sandbox.control("switches", mail_answer_lost=1)
    tried(message)
    assert message.unknown_since is not None
    sandbox.control("switches", mail_answer_lost=0)
    later(60 * 40, message)
    message = Message.objects.get()
    assert (message.state, message.unknown_since) == (MessageState.SENT, None)
    first, second = mailbox(sandbox)
    assert first["message_id"] == second["message_id"] == mail.message_id(message)


@pytest.mark.parametrize(
    ("at", "is_unknown"),
    [("MAIL", False), ("RCPT", False), ("DATA", False), (".", True)],
)
def test_a_mail_server_that_breaks_off_may_have_the_mail_only_after_its_end(
    sandbox: Sandbox, settings: Settings, at: str, is_unknown: bool
) -> None:
    with mail_server() as server:
        settings.EMAIL_PORT = server.port
        server.answer = lambda _connection, _mail, verb: SILENT_END if verb == at else ""
        message = queued()
        assert tried(message) is not None
    assert (message.unknown_since is not None) == is_unknown


@pytest.mark.parametrize("code", ["451 4.3.0 Later", "554 5.7.1 Blocked", "421 4.3.2 Closing"])
def test_a_mail_server_that_refuses_did_not_take_it(
    sandbox: Sandbox, settings: Settings, code: str
) -> None:
    with mail_server() as server:
        settings.EMAIL_PORT = server.port
        server.answer = lambda _connection, _mail, verb: code if verb == "." else ""
        message = queued()
        assert tried(message) is not None
    assert message.unknown_since is None


def test_an_outage_that_answers_is_no_doubt(play: Play) -> None:
    """Mailjet would know nothing again, so every email of the outage would wait for staff."""
    api = play("mailjet")
    message = queued()
    api.answers = [Answer(502, "<h1>Bad gateway</h1>")] * 3
    for _ in range(3):
        tried(message)
        assert (message.state, message.unknown_since) == (MessageState.QUEUED, None)
    tried(message)
    assert (message.state, len(api.taken)) == (MessageState.SENT, 1)


@pytest.mark.parametrize(
    ("event", "state"),
    [("sent", MessageState.DELIVERED), ("bounce", MessageState.FAILED)],
)
def test_a_report_also_counts_for_what_was_not_needed_anymore(
    play: Play, event: str, state: MessageState
) -> None:
    api = play("mailjet")
    message = queued()
    in_doubt(api, message)
    assert delivery._skip(message, "It isn’t true anymore.")
    message.refresh_from_db()
    assert message.state == MessageState.SKIPPED
    assert message.error.startswith("It isn’t true anymore. It may have gone out")
    payload = f'{{"portal_message": "{message.pk}"}}'
    told = {"event": event, "time": 1796000000, "email": message.recipient, "Payload": payload}
    hard = {"hard_bounce": True, "error": "user unknown"} if event == "bounce" else {}
    assert report([told | hard])[0] == 200
    message.refresh_from_db()
    assert (message.state, message.unknown_since) == (state, None)


def test_the_last_try_of_all_says_so_too(sandbox: Sandbox) -> None:
    message = queued()
    Message.objects.update(attempts=delivery.BACKOFF.max_attempts - 1)
    sandbox.control("switches", mail_answer_lost=1)
    tried(message)
    assert message.state == MessageState.FAILED
    assert "It may have gone out" in message.error


@pytest.mark.parametrize(
    ("answer", "is_unknown"),
    [
        (LOST, True),
        (Answer(500, "<h1>Oops</h1>"), False),
        (Answer(502, "<h1>Bad gateway</h1>"), False),
        (Answer(504, "<h1>Timeout</h1>"), True),
        (Answer(524, "error code: 524"), True),
        (Answer(503, ENVOY), True),
        (Answer(200, "<h1>Hi</h1>"), True),
        (Answer(200, {"Messages": [{"Status": "error", "Errors": [{}]}]}), False),
        (Answer(503, "<h1>Maintenance</h1>"), False),
        (Answer(521, "error code: 521"), False),
        (Answer(429, TOO_MANY), False),
        (Answer(401, {"ErrorMessage": "Key"}), False),
    ],
)
def test_which_answers_leave_it_open(play: Play, answer: Answer, is_unknown: bool) -> None:
    play("mailjet").answers = [answer]
    message = queued()
    assert tried(message) is not None
    assert (message.unknown_since is not None) == is_unknown


def slow(settings: Settings, api: Api) -> None:
    """Let the provider answer after our patience has ended."""
    settings.ANYMAIL = settings.ANYMAIL | {"REQUESTS_TIMEOUT": 0.1}
    api.answers = [Answer(meanwhile=lambda: time.sleep(0.3))]


def away(settings: Settings, _api: Api) -> None:
    """Let nobody be there."""
    settings.ANYMAIL = settings.ANYMAIL | {"BREVO_API_URL": "http://127.0.0.1:9/"}


def unnamed(settings: Settings, _api: Api) -> None:
    """Let DNS know no such name."""
    settings.ANYMAIL = settings.ANYMAIL | {"BREVO_API_URL": "http://nowhere.invalid/"}


@pytest.mark.slow
@pytest.mark.parametrize(("way", "is_unknown"), [(slow, True), (away, False), (unnamed, False)])
def test_only_what_was_asked_for_can_have_been_done(
    play: Play, settings: Settings, way: Callable[[Settings, Api], None], is_unknown: bool
) -> None:
    api = play("brevo")
    way(settings, api)
    message = queued()
    assert "can't be reached" in str(tried(message))
    assert (message.unknown_since is not None) == is_unknown


def test_a_key_stays_with_its_mail(play: Play) -> None:
    api = play("resend")
    user = nina(phone="")
    for number in range(2):
        put(user, f"in_{number}")
    run_jobs()
    assert api.connections == 1
    assert len({key_of(one) for one in api.requests}) == 2
    providers.POOL.carry(EmailMessage("Hello", "Hello", to=["nina@example.com"]), {})
    assert api.connections == 1
    assert "Idempotency-Key" not in api.requests[-1].headers


@pytest.mark.parametrize("arrives", [False, True])
def test_a_text_says_it_unless_a_report_comes_first(
    play: Play, sandbox: Sandbox, arrives: bool
) -> None:
    api = play("mailjet")
    [message, text] = put(nina())
    text.delete()
    in_doubt(api, message)
    tried(message)
    assert message.state == MessageState.FAILED
    with_number = f'{{"portal_message": "{message.pk}"}}'
    if arrives:
        report([{"event": "sent", "time": 1796000000, "email": message.recipient,
                 "Payload": with_number}])  # fmt: skip
    run_jobs()
    assert texts(sandbox) == []
    make_due()
    run_jobs()
    assert len(texts(sandbox)) == (0 if arrives else 1)


def make_due() -> None:
    """Let what waits in the queue be due."""
    with connection.cursor() as cursor:
        cursor.execute("UPDATE procrastinate_jobs SET scheduled_at = NULL WHERE status = 'todo'")


def test_what_goes_to_resend_is_what_it_was(play: Play) -> None:
    api = play("resend")
    message = queued()
    in_doubt(api, message)
    tried(message)
    first, second = api.requests
    assert first.body == second.body
    assert headers_of(first)["Message-ID"] == mail.message_id(message)
