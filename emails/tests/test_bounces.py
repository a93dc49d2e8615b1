"""Mails that come back: who is believed, what's noted, who is told, and what's said another way."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any
from urllib.parse import quote, urlsplit

import pytest
from django.contrib.auth.models import User
from django.db import transaction
from django.test import Client
from django.urls import reverse
from django.utils import timezone
from pytest_django import Settings

from billing.tests.staff_world import signed_in_now, superuser, support
from billing.tests.zelle.imap_server import imap_server, owner
from common.staff import show
from conftest import Sandbox, run_jobs
from emails import bounce_mailbox, bounce_reports, outbox, return_paths, smtp_lines, stand_ins
from emails.bounce_reports import Outcome
from emails.catalog import Kind
from emails.delivery import StatusReport, record_status
from emails.models import BounceMailbox, Message, MessageState, NotificationChoice, Suppression
from emails.tests.mail_server import HOST, Server, mail_server
from emails.tests.test_delivery import nina, put, states, texts
from members.models import AccountActivity, Member
from portal.backoffice.message_samples import CONTEXTS

pytestmark = pytest.mark.django_db
USER, PASSWORD = "bounces@example.com", "secret"
NO_SUCH = "Action: failed\r\nStatus: 5.1.1\r\nDiagnostic-Code: smtp; 550 5.1.1 No such user\r\n"


@pytest.fixture(autouse=True)
def _address(settings: Settings) -> None:
    settings.BOUNCE_ADDRESS = "bounces@example.com"
    settings.BOUNCE_MAIL_URL = f"imap://{quote(USER)}:{PASSWORD}@{HOST}:1/INBOX"


def sent(kind: Kind = Kind.PAYMENT_RECEIVED, phone: str = "", cause: str = "in_1") -> Message:
    """Send a member a mail; return its row."""
    found = User.objects.filter(username="nina").first()
    user = found or nina(phone=phone)
    with transaction.atomic():
        outbox.put(user, CONTEXTS[kind], cause=cause, happened_at=timezone.now())
    run_jobs()
    message: Message = Message.objects.get(kind=kind, cause=cause, channel="email")
    return message


def dsn(to: str, fields: str = NO_SUCH, message_id: str = "<x@y>") -> bytes:
    """Return a report as mail servers write it."""
    return (
        f"From: MAILER-DAEMON@mx.example.com\r\nTo: {to}\r\nSubject: Undelivered\r\n"
        "MIME-Version: 1.0\r\n"
        'Content-Type: multipart/report; report-type=delivery-status; boundary="b"\r\n\r\n'
        "--b\r\nContent-Type: text/plain\r\n\r\nSorry.\r\n"
        "--b\r\nContent-Type: message/delivery-status\r\n\r\n"
        "Reporting-MTA: dns; mx.example.com\r\n\r\n"
        f"Final-Recipient: rfc822; nina@example.com\r\n{fields}\r\n"
        f"--b\r\nContent-Type: text/rfc822-headers\r\n\r\nMessage-ID: {message_id}\r\n\r\n--b--\r\n"
    ).encode()


def bounce(message: Message, fields: str = NO_SUCH) -> bool:
    return bounce_mailbox.take(dsn(return_paths.address(message.pk), fields))


def test_a_mail_has_a_return_path_of_its_own(settings: Settings) -> None:
    settings.EMAIL_BACKEND, settings.EMAIL_HOST = "emails.smtp.EmailBackend", HOST
    smtp_lines.POOL.close()
    with mail_server() as server:
        settings.EMAIL_PORT = server.port
        message = sent()
        smtp_lines.POOL.close()
    assert f"<{return_paths.address(message.pk)}>" in _from(server)
    assert b"\r\nFrom: Portal <help@example.com>\r\n" in b"\r\n" + server.accepted[0]


def _from(server: Server) -> str:
    return next(line for line in server.said[0] if line.lower().startswith("mail from"))


def test_a_dead_address_gets_only_what_is_needed_and_everybody_knows(
    sandbox: Sandbox, client: Client
) -> None:
    message = sent()
    assert bounce(message)
    message.refresh_from_db()
    assert (message.state, "5.1.1 550 5.1.1 No such user" in message.error) == ("failed", True)
    row = Suppression.objects.get()
    assert (row.address, row.reason, row.source) == ("nina@example.com", "bounced", "mailbox")
    # The same report once more is no news.
    assert not bounce(message)
    optional = sent(cause="in_2")
    assert (optional.state, "bounced on" in optional.error) == (MessageState.SKIPPED, True)
    assert sent(Kind.PAYMENT_FAILED).state == MessageState.SENT

    client.force_login(User.objects.get(username="nina"))
    home = client.get(reverse("home")).content.decode()
    assert "Emails to nina@example.com come back to us." in home
    works = reverse("members:email-works")
    assert f'action="{works}"' in home
    page = client.get(reverse("members:notifications")).content.decode()
    assert "Emails to nina@example.com come back to us." in page
    assert f'action="{works}?from=notifications"' in page
    done = client.post(f"{works}?from=notifications", follow=True)
    assert done.redirect_chain == [(reverse("members:notifications"), 302)]
    assert "come back to us" not in done.content.decode()
    row.refresh_from_db()
    assert row.released_by == message.user
    assert "come back to us" not in client.get(reverse("home")).content.decode()
    assert sent(cause="in_3").state == MessageState.SENT


def test_another_address_is_not_affected(sandbox: Sandbox, client: Client) -> None:
    message = sent()
    bounce(message)
    User.objects.update(email="nina@new.example")
    client.force_login(User.objects.get(username="nina"))
    assert "come back to us" not in client.get(reverse("home")).content.decode()
    assert sent(cause="in_2").state == MessageState.SENT


def test_staff_see_it_and_release_it(sandbox: Sandbox) -> None:
    bounce(sent())
    row = Suppression.objects.get()
    client = signed_in_now(support())
    home = client.get(reverse("admin:index")).content.decode()
    assert "Emails to 1 member bounce" in home
    assert "nina@example.com" in client.get(show.list_of("emails.suppression")).content.decode()
    client.post(
        reverse("admin:emails_suppression_release", args=[row.pk]), {"_form_submitted": "on"}
    )
    row.refresh_from_db()
    assert row.released_by is not None
    assert "Emails to 1 member" not in client.get(reverse("admin:index")).content.decode()


def test_nothing_unsigned_is_believed(sandbox: Sandbox) -> None:
    message = sent()
    address = return_paths.address(message.pk)
    other = address.replace(f"+{message.pk}.", f"+{message.pk + 1}.")
    for to in ("bounces@example.com", other, f"x{address}", "nina@example.com"):
        assert not bounce_mailbox.take(dsn(to))
        assert not bounce_mailbox.take(dsn(to, message_id=f"<{message.pk}.0@example.com>"))
    message.refresh_from_db()
    assert message.state == MessageState.SENT
    # Its Message-ID has a signature, too.
    assert bounce_mailbox.take(dsn("bounces@example.com", message_id=message.provider_id))


def test_a_signature_by_an_earlier_key_counts(sandbox: Sandbox, settings: Settings) -> None:
    message = sent()
    address = return_paths.address(message.pk).upper()
    settings.SECRET_KEY_FALLBACKS, settings.SECRET_KEY = [settings.SECRET_KEY], "x" * 50
    assert bounce_mailbox.take(dsn(address))


@pytest.mark.parametrize(
    ("fields", "outcome"),
    [
        (NO_SUCH, Outcome.BOUNCED),
        ("Action: failed\r\nStatus: 5.0.0\r\nDiagnostic-Code: smtp; 550 No such\r\n", "bounced"),
        ("Action: failed\r\nStatus: 5.2.1\r\n", Outcome.BOUNCED),
        ("Action: failed\r\nStatus: 5.2.2\r\n", Outcome.REFUSED),
        ("Action: failed\r\nStatus: 5.7.1\r\nDiagnostic-Code: smtp; 550 5.7.1 Spam\r\n", "refused"),
        ("Action: failed\r\nStatus: 4.4.7\r\n", Outcome.REFUSED),
        ("Action: failed\r\nStatus: 5.0.0\r\n", Outcome.REFUSED),
        ("Action: delayed\r\nStatus: 4.4.1\r\n", Outcome.DELAYED),
        ("Action: delivered\r\nStatus: 2.0.0\r\n", Outcome.DELIVERED),
        ("Action: relayed\r\nStatus: 2.0.0\r\n", None),
        ("Nonsense\r\n", None),
    ],
)
def test_what_reports_say(fields: str, outcome: str | None) -> None:
    report = bounce_reports.read(dsn("a@example.com", fields)).report
    assert (report.outcome if report else None) == outcome


@pytest.mark.parametrize("content", [b"", b"\xff\x00", b"Content-Type: multipart/report\r\n\r\nx"])
def test_nonsense_says_nothing(content: bytes) -> None:
    assert bounce_reports.read(content).report is None
    assert not bounce_mailbox.take(content)


def test_what_may_pass_marks_no_address(sandbox: Sandbox) -> None:
    message = sent()
    assert bounce(message, "Action: delayed\r\nStatus: 4.4.1\r\n")
    message.refresh_from_db()
    assert (message.state, message.error) == (MessageState.SENT, "4.4.1")
    assert bounce(message, "Action: failed\r\nStatus: 4.4.7\r\n")
    message.refresh_from_db()
    assert (message.state, Suppression.objects.count()) == (MessageState.FAILED, 0)
    # What comes late is no news.
    assert not bounce(message, "Action: delivered\r\nStatus: 2.0.0\r\n")


def test_a_complaint_stops_what_is_not_needed(sandbox: Sandbox, client: Client) -> None:
    message = sent()
    report = (
        f"To: {return_paths.address(message.pk)}\r\n"
        'Content-Type: multipart/report; report-type=feedback-report; boundary="b"\r\n\r\n'
        "--b\r\nContent-Type: message/feedback-report\r\n\r\n"
        "Feedback-Type: abuse\r\nVersion: 1\r\n\r\n--b--\r\n"
    )
    assert not bounce_mailbox.take(report.replace("abuse", "not-spam").encode())
    assert bounce_mailbox.take(report.encode())
    assert Suppression.objects.get().reason == "complained"
    assert sent(cause="in_2").state == MessageState.SKIPPED
    client.force_login(User.objects.get(username="nina"))
    assert "You only get the emails you need" in client.get(reverse("home")).content.decode()


def test_a_vacation_reply_is_nothing(sandbox: Sandbox) -> None:
    message = sent()
    head = f"To: {return_paths.address(message.pk)}\r\nAuto-Submitted: auto-replied\r\n"
    reply = f"{head}\r\nAway until Monday.\r\n"
    assert not bounce_mailbox.take(reply.encode())
    message.refresh_from_db()
    assert message.state == MessageState.SENT


def test_writing_to_the_address_in_the_header_turns_emails_off(sandbox: Sandbox) -> None:
    message = sent()
    [mail] = sandbox.look("mailbox")
    header = mail["headers"]["List-Unsubscribe"].replace("\n", "").replace(" ", "")
    address = header.partition("<mailto:")[2].partition("?")[0]
    assert len(address.partition("@")[0]) <= 64
    wish = f"From: somebody@example.com\r\nTo: <{address}>\r\n\r\nunsubscribe\r\n"
    assert not bounce_mailbox.take(wish.replace("receipts", "refund_progress").encode())
    assert bounce_mailbox.take(wish.encode())
    run_jobs()
    choice = NotificationChoice.objects.get()
    assert (choice.user, choice.topic, choice.is_on) == (message.user, "receipts", False)
    assert AccountActivity.objects.filter(user=message.user, kind="notifications").exists()
    # The link in the same email undoes it, as it does after a click.
    link = header.partition("<http")[2].partition(">")[0]
    path = urlsplit(f"http{link}").path
    client = Client()
    assert "emails are off" in client.get(path).content.decode()
    assert "emails are on" in client.post(path, {"undo": "yes"}).content.decode()
    choice.refresh_from_db()
    assert choice.is_on
    # Once the member has another address, the old mailbox has no say.
    NotificationChoice.objects.all().delete()
    User.objects.update(email="nina@new.example")
    assert not bounce_mailbox.take(wish.encode())


def test_an_address_that_is_refused_right_away_is_marked_too(sandbox: Sandbox) -> None:
    put(nina(phone="", email="nina@bounce.example"))
    run_jobs()
    row = Suppression.objects.get()
    assert (row.source, "does not exist" in row.words) == ("server", True)


def test_a_needed_mail_that_came_back_goes_as_a_text_once(sandbox: Sandbox) -> None:
    message = sent(Kind.PAYMENT_FAILED)
    assert not texts(sandbox)
    now = timezone.now()
    Member.objects.update(phone="+12025550143", phone_verified_at=now, sms_consent_at=now)
    bounce(message)
    run_jobs()
    assert len(texts(sandbox)) == 1
    text = Message.objects.get(channel="sms")
    # The text fails as well: the mail has been tried.
    record_status(text.pk, StatusReport(text.provider_id, "undelivered", "30005"))
    run_jobs()
    assert Message.objects.count() == 2
    assert stand_ins.put(Message.objects.get(pk=message.pk)) is None


def test_no_text_without_agreement_and_none_twice(sandbox: Sandbox) -> None:
    message = sent(Kind.PAYMENT_FAILED, phone="+12025550143")
    assert len(texts(sandbox)) == 1
    bounce(message)
    run_jobs()
    assert len(texts(sandbox)) == 1
    Member.objects.update(sms_stopped_at=timezone.now())
    bounce(sent(Kind.PAYMENT_FAILED, cause="in_2"))
    run_jobs()
    assert len(texts(sandbox)) == 1


@pytest.mark.parametrize(("code", "mails"), [("30003", 1), ("21610", 1), ("30001", 0)])
def test_a_text_that_is_lost_for_good_goes_as_a_mail(
    sandbox: Sandbox, code: str, mails: int
) -> None:
    sent(phone="+12025550143")
    Message.objects.filter(channel="email").delete()
    text = Message.objects.get()
    sandbox.control("reset")
    record_status(text.pk, StatusReport(text.provider_id, "undelivered", code))
    run_jobs()
    assert len(sandbox.look("mailbox")) == mails
    assert states().get("email") == ("sent" if mails else None)


@pytest.fixture
def imap(settings: Settings) -> Iterator[int]:
    with imap_server(USER, PASSWORD) as port:
        settings.BOUNCE_MAIL_URL = f"imap://{quote(USER)}:{PASSWORD}@{HOST}:{port}/INBOX"
        yield port


def test_the_mailbox_is_read_once_and_in_order(
    sandbox: Sandbox, imap: int, settings: Settings
) -> None:
    first, second = sent(), sent(cause="in_2")
    with owner(imap, USER, PASSWORD) as client:
        client.append("INBOX", b"nonsense\r\n")
        for message in (first, second):
            client.append("INBOX", dsn(return_paths.address(message.pk)))
        bounce_mailbox.read()
    assert set(Message.objects.values_list("state", flat=True)) == {MessageState.FAILED}
    row = BounceMailbox.objects.get()
    assert (row.last_uid >= 3, row.problem, row.read_at is not None) == (True, "", True)
    Suppression.objects.all().delete()
    bounce_mailbox.read()
    assert not Suppression.objects.exists()
    settings.BOUNCE_MAIL_URL = settings.BOUNCE_MAIL_URL.replace(PASSWORD, "wrong")
    bounce_mailbox.read()
    row.refresh_from_db()
    assert "refused the user name or the password" in row.problem
    assert row.failing_since is not None


def test_only_staff_who_may_release(sandbox: Sandbox) -> None:
    bounce(sent())
    row: Any = Suppression.objects.get()
    page = signed_in_now(superuser()).get(show.page_of(row)).content.decode()
    assert "Release" in page
