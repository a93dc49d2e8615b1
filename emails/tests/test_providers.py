"""Mails by a provider's API: what it's sent, and what its answers mean."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable, Iterator
from datetime import timedelta
from email.utils import format_datetime
from queue import SimpleQueue
from typing import Any

import pytest
from django.core.exceptions import ValidationError
from django.db import connections
from django.utils import timezone
from pytest_django import Settings

from common.queue import Backoff
from conftest import Sandbox, run_jobs
from emails import delivery, mail
from emails.models import Message, MessageState, Pace, Suppression
from emails.problems import DeliveryProblem
from emails.tests.provider_api import KEYS, Answer, Api, Request, provider_api
from emails.tests.test_delivery import mailbox, nina, put
from members import mailboxes

pytestmark = pytest.mark.django_db
Play = Callable[[str], Api]


@pytest.fixture
def play(sandbox: Sandbox, settings: Settings) -> Iterator[Play]:
    """Play a provider until the test ends."""
    from contextlib import ExitStack

    with ExitStack() as stack:
        yield lambda name: stack.enter_context(provider_api(settings, name))


def queued() -> Message:
    [message] = put(nina(phone=""))
    return message


def tried(message: Message) -> DeliveryProblem | None:
    """Try to deliver a message; return why it's tried again."""
    try:
        delivery.deliver(message.pk)
    except DeliveryProblem as problem:
        return problem
    finally:
        message.refresh_from_db()
    return None


@pytest.mark.parametrize("provider", sorted(KEYS))
def test_every_provider_gets_all_of_a_mail(play: Play, sandbox: Sandbox, provider: str) -> None:
    api = play(provider)
    message = queued()
    run_jobs()
    message.refresh_from_db()
    assert (message.state, message.error) == (MessageState.SENT, "")
    assert message.provider_id == mail.message_id(message)
    [request] = api.requests
    written = str(request.body)
    for said in (
        *("Receipt: $29.00", "nina@example.com", "help@example.com", "<html", "List-Unsubscribe"),
        *("auto-generated", str(message.pk), "portal_message"),
    ):
        assert said in written, said
    assert mailbox(sandbox) == []


def test_nothing_is_tracked_where_a_mail_can_say_so(play: Play) -> None:
    api = play("postmark")
    queued()
    run_jobs()
    body = api.requests[0].body
    assert (body["TrackOpens"], body["TrackLinks"]) == (False, "None")
    headers = {one["Name"]: one["Value"] for one in body["Headers"]}
    # So a second copy is the same mail to mail programs.
    assert headers["X-PM-KeepID"] == "true"
    assert headers["Message-ID"] == Message.objects.get().provider_id


def test_mailjet_gets_no_header_that_it_refuses(play: Play) -> None:
    """With a `Message-ID`, it answers 400 (send-0011)."""
    api = play("mailjet")
    queued()
    run_jobs()
    headers = api.requests[0].body["Globals"]["Headers"]
    assert "Message-ID" not in headers
    assert {"Auto-Submitted", "Feedback-ID", "List-Unsubscribe"} <= set(headers)


TOO_MANY: Any = {"ErrorCode": 429, "Message": "Slow down"}
INACTIVE = {
    "ErrorCode": 406,
    "Message": "Found inactive addresses: nina@example.com. Inactive recipients are ones that …",
}
MAILJET_ERROR = {
    "Messages": [
        {
            "Status": "error",
            "Errors": [{"ErrorMessage": "Invalid address", "ErrorRelatedTo": ["To[0].Email"]}],
        }
    ]
}


@pytest.mark.parametrize(
    ("provider", "answer", "state", "is_ours", "words"),
    [
        ("postmark", Answer(401, {"ErrorCode": 10, "Message": "Bad token"}), "queued", True,
         "Postmark said: 401 Bad token"),
        ("postmark", Answer(503, "<h1>Away</h1>"), "queued", False, "said: 503 <h1>Away</h1>"),
        ("postmark", Answer(429, TOO_MANY), "queued", False, "said: 429 Slow down"),
        ("postmark", Answer(200, "<h1>Hi</h1>"), "queued", False, "answer can't be read: 200"),
        ("postmark", Answer(200, lost=True), "queued", False, "Postmark can't be reached"),
        ("postmark", Answer(422, INACTIVE), "failed", False, "inactive addresses"),
        ("mailgun", Answer(400, {"message": "'to' parameter is not a valid address."}), "failed",
         False, "Mailgun said: 400 'to' parameter"),
        ("mailgun", Answer(404, {"message": "Domain not found: x"}), "queued", True, "Domain not"),
        ("brevo", Answer(400, {"code": "invalid_parameter", "message": "email is not valid in to"}),
         "failed", False, "not valid in to"),
        ("mailjet", Answer(400, MAILJET_ERROR), "failed", False, "Invalid address"),
        ("mailjet", Answer(200, {"Messages": [{"Status": "error", "Errors": [{}]}]}), "queued",
         False, "Mailjet said: 200"),
    ],
)  # fmt: skip
def test_what_an_answer_means(
    play: Play, provider: str, answer: Answer, state: str, is_ours: bool, words: str
) -> None:
    play(provider).answers = [answer]
    message = queued()
    problem = tried(message)
    assert (message.state, message.is_our_fault) == (state, is_ours)
    assert words in message.error
    assert (problem is None) == (state == MessageState.FAILED)
    assert Suppression.objects.filter(source="provider").exists() == (state == MessageState.FAILED)


def test_a_provider_that_is_away_is_tried_again(play: Play, settings: Settings) -> None:
    play("postmark")
    settings.ANYMAIL = settings.ANYMAIL | {"POSTMARK_API_URL": "http://127.0.0.1:9/"}
    message = queued()
    problem = tried(message)
    assert "Postmark can't be reached" in str(problem)
    assert (message.state, message.is_our_fault) == (MessageState.QUEUED, False)


@pytest.mark.parametrize("provider", ["brevo", "resend"])
def test_a_lost_answer_sends_no_second_mail_where_the_provider_knows_a_key(
    play: Play, provider: str
) -> None:
    api = play(provider)
    api.answers = [Answer(lost=True)]
    message = queued()
    assert tried(message) is not None
    assert tried(message) is None
    assert (message.state, len(api.requests), len(api.taken)) == (MessageState.SENT, 2, 1)


def test_another_text_under_the_same_key_is_no_second_mail(play: Play) -> None:
    """Resend's word for a key whose mail had other words, such as another day's date."""
    name = "invalid_idempotent_request"
    play("resend").answers = [Answer(409, {"statusCode": 409, "name": name, "message": "No."})]
    message = queued()
    assert tried(message) is None
    assert message.state == MessageState.SENT


def test_retry_after_is_waited_for(play: Play) -> None:
    api = play("postmark")
    until = timezone.now() + timedelta(minutes=20)
    api.answers = [
        Answer(429, TOO_MANY, {"Retry-After": "90"}),
        Answer(503, TOO_MANY, {"Retry-After": format_datetime(until, usegmt=False)}),
        Answer(429, TOO_MANY, {"Retry-After": "soon"}),
        Answer(429, TOO_MANY, {"Retry-After": "99999999999999"}),
    ]
    message = queued()
    waits = []
    for _ in range(4):
        problem = tried(message)
        assert problem is not None
        waits.append(problem.not_before)
        # Or nothing would go before then.
        Pace.objects.all().delete()
    now = timezone.now()
    assert waits[0] is not None
    assert timedelta(seconds=80) < waits[0] - now <= timedelta(seconds=90)
    assert waits[1] is not None
    assert abs(waits[1] - until) < timedelta(seconds=1)
    assert waits[2] is None
    assert waits[3] is not None
    assert waits[3] - now < timedelta(hours=7)


def test_the_queue_waits_as_long_as_it_is_told_to() -> None:
    from procrastinate.jobs import Job

    job = Job(id=1, queue="q", lock=None, queueing_lock=None, task_name="t", attempts=0)
    later = timezone.now() + timedelta(minutes=9)
    told = Backoff(5).get_retry_decision(
        exception=DeliveryProblem("Slow down", not_before=later), job=job
    )
    assert told is not None
    assert told.retry_at == later


def test_an_address_that_few_providers_carry_is_refused_at_the_form(play: Play) -> None:
    play("postmark")
    mailboxes.check_reachable("ina@bücher.example")
    with pytest.raises(ValidationError, match="letter like “ü”"):
        mailboxes.check_reachable("jürgen@example.com")


def die_while_sending(api: Api, message: Message) -> None:
    """Deliver a message by a process that's killed once the provider has taken it."""
    children: SimpleQueue[int] = SimpleQueue()
    api.answers = [Answer(meanwhile=lambda: os.kill(children.get(), signal.SIGKILL))]
    connections.close_all()
    child = os.fork()
    if child == 0:
        delivery.deliver(message.pk)
        os._exit(1)
    children.put(child)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == -signal.SIGKILL
    long_ago = timezone.now() - delivery.ABANDONED_AFTER - timedelta(seconds=1)
    abandoned = Message.objects.filter(pk=message.pk, state=MessageState.SENDING)
    assert abandoned.update(sending_at=long_ago) == 1


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("provider", ["resend", "postmark"])
def test_under_faults_none_is_lost_and_none_is_doubled(play: Play, provider: str) -> None:
    """Half of the answers are errors or lost, and the worker is killed three times."""
    api = play(provider)
    user = nina(phone="")
    mails = [put(user, f"in_{number}")[0] for number in range(20)]
    for message in mails[::8]:
        die_while_sending(api, message)
    faults = [
        Answer(500, "<h1>Oops</h1>"),
        Answer(503, {"message": "Away"}),
        Answer(429, TOO_MANY, {"Retry-After": "0"}),
        Answer(lost=True),
    ]
    api.answers = [one for fault in faults * 5 for one in (fault, Answer())]
    for _ in range(20):
        for message in mails:
            tried(message)
        if not Message.objects.exclude(state=MessageState.SENT).exists():
            break
    assert set(Message.objects.values_list("state", flat=True)) == {MessageState.SENT}
    # Resend knows each again by its key. At Postmark, a second copy is the same mail.
    ids = {headers_of(request)["Message-ID"] for request in api.taken.values()}
    assert ids == {mail.message_id(message) for message in mails}
    assert len(api.taken) == (20 if provider == "resend" else 28)


def headers_of(request: Request) -> dict[str, str]:
    """Return a mail's own headers, as Resend and Postmark get them."""
    found = request.body.get("headers") or {
        one["Name"]: one["Value"] for one in request.body["Headers"]
    }
    return dict(found)


def test_mails_of_a_batch_share_a_connection(play: Play) -> None:
    api = play("postmark")
    user = nina(phone="")
    for number in range(5):
        put(user, f"in_{number}")
    run_jobs()
    assert (len(api.taken), api.connections) == (5, 1)
