"""Texts that can wait aren't sent at night, by the member's clock; everything else goes."""

from __future__ import annotations

import html
import re
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from django.contrib.auth.models import User
from django.db import transaction
from django.test import Client
from django.urls import reverse
from django.utils import timezone
from django.utils.html import strip_tags
from procrastinate.contrib.django.models import ProcrastinateJob
from pytest_django import Settings

from billing.tests import factories, staff_world
from business import rules
from business.models import QuietHoursVersion
from common.quiet_hours import NEVER, QuietHours, parse
from conftest import Sandbox, run_jobs
from emails import outbox, quiet
from emails.catalog import CATALOG, Kind
from emails.models import Channel, Message, MessageState
from emails.tasks import sweep_outbox
from members.models import Member
from members.signin.mails import send_phone_code
from portal.backoffice.message_samples import CONTEXTS
from portal.doctor.portal_checks import backlog

pytestmark = pytest.mark.django_db
PAGE = "/staff/business/quiethoursversion/"
PHONE = "+12025550143"


@pytest.fixture
def nina() -> User:
    """A member in Denver who takes texts."""
    user = factories.make_member("Nina Novak")
    now = timezone.now()
    Member.objects.filter(user=user).update(
        phone=PHONE, phone_verified_at=now, sms_consent_at=now, time_zone="America/Denver"
    )
    return User.objects.get(pk=user.pk)


def night_in(settings: Settings, zone: str) -> None:
    """Make it night there, whatever the hour: for two or three hours from now."""
    hour = timezone.now().astimezone(ZoneInfo(zone)).hour
    settings.QUIET_HOURS = QuietHours(hour, (hour + 3) % 24)


def put(user: User, kind: Kind = Kind.PAYMENT_RECEIVED, **values: Any) -> None:
    facts: dict[str, Any] = {"cause": "in_1", "happened_at": timezone.now()} | values
    with transaction.atomic():
        outbox.put(user, CONTEXTS[kind], **facts)


def text_of(kind: Kind) -> Message:
    return Message.objects.get(channel=Channel.SMS, kind=kind)


def phone(sandbox: Sandbox) -> int:
    return len(sandbox.look("phone"))


def test_a_text_that_can_wait_waits_by_the_members_clock(
    nina: User, sandbox: Sandbox, settings: Settings
) -> None:
    night_in(settings, "America/Denver")
    put(nina)
    run_jobs()
    assert phone(sandbox) == 0
    assert len(sandbox.look("mailbox")) == 1
    row = text_of(Kind.PAYMENT_RECEIVED)
    assert (row.state, row.attempts) == (MessageState.QUEUED, 0)
    assert row.waits_until is not None
    assert timedelta(hours=2) < row.waits_until - timezone.now() <= timedelta(hours=3)
    [job] = ProcrastinateJob.objects.filter(queueing_lock=f"message:{row.pk}", status="todo")
    assert job.scheduled_at == row.waits_until
    # Neither the sweep nor staff in a hurry send it earlier.
    Message.objects.update(created_at=timezone.now() - timedelta(hours=1))
    sweep_outbox(0)
    run_jobs()
    assert phone(sandbox) == 0
    assert backlog().text.count("message") == 0
    # Another member's night is not theirs.
    Member.objects.filter(user=nina).update(time_zone="Asia/Tokyo")
    staff_world.signed_in_now(staff_world.support()).post(
        reverse("admin:emails_message_try_one", args=[row.pk]), {"_form_submitted": "on"}
    )
    run_jobs()
    assert phone(sandbox) == 1
    assert text_of(Kind.PAYMENT_RECEIVED).state == MessageState.SENT


def test_when_the_night_is_over_it_goes(nina: User, sandbox: Sandbox, settings: Settings) -> None:
    night_in(settings, "America/Denver")
    put(nina)
    run_jobs()
    settings.QUIET_HOURS = NEVER
    staff = staff_world.signed_in_now(staff_world.support())
    staff.post(reverse("admin:emails_message_try_waiting"), {"_form_submitted": "on"})
    run_jobs()
    assert phone(sandbox) == 1


@pytest.mark.parametrize("kind", [Kind.PAYMENT_FAILED, Kind.REFUND_FAILED, Kind.MEMBERSHIP_ENDED])
def test_what_is_urgent_goes_at_any_hour(
    nina: User, sandbox: Sandbox, settings: Settings, kind: Kind
) -> None:
    night_in(settings, "America/Denver")
    put(nina, kind, cause="other_1")
    run_jobs()
    assert phone(sandbox) == 1


def test_a_code_goes_at_any_hour(nina: User, sandbox: Sandbox, settings: Settings) -> None:
    night_in(settings, "America/Denver")
    send_phone_code(nina, PHONE, "123456")
    run_jobs()
    assert phone(sandbox) == 1


def test_only_optional_billing_texts_reminders_and_unhurried_news_wait() -> None:
    waiting = {kind for kind in CATALOG if quiet.can_wait(kind)}
    assert waiting & {kind for kind, spec in CATALOG.items() if spec.sms} == {
        Kind.CARD_EXPIRING,
        Kind.DISCOUNT_ENDING,
        Kind.INVOICE_DUE,
        Kind.INVOICE_OVERDUE,
        Kind.INVOICE_SENT,
        Kind.MEMBERSHIP_PAUSED,
        Kind.MEMBERSHIP_RESUMED,
        Kind.PAYMENT_EXPIRING,
        Kind.PAYMENT_RECEIVED,
        Kind.PLAN_DROPPED,
        Kind.PRICE_PLANNED,
        Kind.REFUND_APPROVED,
        Kind.REFUND_ARRIVED,
        Kind.REFUND_RECEIVED,
        Kind.RENEWAL_COMING,
        Kind.TRIAL_ENDING,
        Kind.ZELLE_RECEIVED,
        Kind.ZELLE_REMINDER,
    }
    assert not quiet.can_wait("a_kind_of_an_earlier_version")


def test_a_later_text_that_cannot_wait_does_not_stand_behind_one_that_does(
    nina: User, sandbox: Sandbox, settings: Settings
) -> None:
    night_in(settings, "America/Denver")
    put(nina, Kind.REFUND_RECEIVED, cause="refund_1:received")
    run_jobs()
    put(nina, Kind.REFUND_FAILED, cause="refund_1:failed")
    run_jobs()
    assert phone(sandbox) == 1
    first = text_of(Kind.REFUND_RECEIVED)
    assert (first.state, first.error) == (MessageState.SKIPPED, quiet.OVERTAKEN)
    assert text_of(Kind.REFUND_FAILED).state == MessageState.SENT


def test_what_would_be_out_of_date_by_morning_is_left_to_its_email(
    nina: User, sandbox: Sandbox, settings: Settings
) -> None:
    night_in(settings, "America/Denver")
    put(nina, Kind.TRIAL_ENDING, good_until=timezone.now() + timedelta(hours=1))
    run_jobs()
    row = text_of(Kind.TRIAL_ENDING)
    assert (row.state, row.error) == (MessageState.SKIPPED, quiet.TOO_LATE)
    assert len(sandbox.look("mailbox")) == 1


def test_what_no_email_says_goes_at_night_rather_than_never(
    nina: User, sandbox: Sandbox, settings: Settings
) -> None:
    night_in(settings, "America/Denver")
    put(nina, Kind.TRIAL_ENDING, good_until=timezone.now() + timedelta(hours=1))
    Message.objects.filter(channel=Channel.EMAIL).update(state=MessageState.FAILED)
    run_jobs()
    assert text_of(Kind.TRIAL_ENDING).state == MessageState.SENT
    assert phone(sandbox) == 1


def test_staff_see_until_when_it_waits(nina: User, sandbox: Sandbox, settings: Settings) -> None:
    night_in(settings, "America/Denver")
    put(nina)
    run_jobs()
    page = staff_world.signed_in_now(staff_world.auditor()).get(
        reverse("admin:emails_message_changelist")
    )
    words = " ".join(strip_tags(page.content.decode()).split())
    assert re.findall(r"Quiet hours \d+ hours from now", words) != []


BERLIN = ZoneInfo("Europe/Berlin")
MOMENTS = [
    # hours, local time, when they end (UTC)
    ((21, 8), datetime(2026, 11, 29, 20, 59, tzinfo=BERLIN), None),
    ((21, 8), datetime(2026, 11, 29, 21, 0, tzinfo=BERLIN), datetime(2026, 11, 30, 7, tzinfo=UTC)),
    ((21, 8), datetime(2026, 12, 31, 23, 59, tzinfo=BERLIN), datetime(2027, 1, 1, 7, tzinfo=UTC)),
    ((21, 8), datetime(2026, 11, 30, 7, 59, tzinfo=BERLIN), datetime(2026, 11, 30, 7, tzinfo=UTC)),
    ((21, 8), datetime(2026, 11, 30, 8, 0, tzinfo=BERLIN), None),
    # The night in which clocks go forward, and the one in which they go back.
    ((21, 8), datetime(2027, 3, 27, 22, 0, tzinfo=BERLIN), datetime(2027, 3, 28, 6, tzinfo=UTC)),
    ((21, 8), datetime(2026, 10, 24, 22, 0, tzinfo=BERLIN), datetime(2026, 10, 25, 7, tzinfo=UTC)),
    ((1, 5), datetime(2026, 11, 30, 0, 30, tzinfo=BERLIN), None),
    ((1, 5), datetime(2026, 11, 30, 4, 30, tzinfo=BERLIN), datetime(2026, 11, 30, 4, tzinfo=UTC)),
    ((22, 0), datetime(2026, 2, 28, 23, 0, tzinfo=BERLIN), datetime(2026, 2, 28, 23, tzinfo=UTC)),
    ((0, 0), datetime(2026, 11, 30, 0, 30, tzinfo=BERLIN), None),
]


@pytest.mark.parametrize(("hours", "local", "end"), MOMENTS)
def test_quiet_hours_end_by_the_local_clock(
    hours: tuple[int, int], local: datetime, end: datetime | None
) -> None:
    found = QuietHours(*hours).end(local)
    assert (found.astimezone(UTC) if found else None) == end


def test_the_setting_is_two_hours_or_off() -> None:
    assert parse("21-8") == QuietHours(21, 8)
    assert parse(" 22 - 07 ") == QuietHours(22, 7)
    assert parse("Off").is_off
    for wrong in ("21", "24-8", "9pm-8am", "-", "21-8-9"):
        with pytest.raises(ValueError, match="Write two hours from 0 to 23"):
            parse(wrong)


@pytest.fixture
def owner() -> Client:
    """The browser of an owner who has just signed in."""
    return staff_world.signed_in_now(staff_world.owner())


def test_what_owners_saved_wins_over_the_environment(owner: Client, settings: Settings) -> None:
    settings.QUIET_HOURS = QuietHours(21, 8)
    assert "9:00 PM to 8:00 AM" in owner.get(PAGE).content.decode()
    owner.post(PAGE, {"begins": "22", "ends": "7", "based_on": 0})
    assert rules.quiet_hours() == QuietHours(22, 7)
    owner.post(PAGE, {"none": "on", "based_on": 1})
    assert rules.quiet_hours().is_off
    owner.post(PAGE, {"based_on": 2})
    assert rules.quiet_hours() == QuietHours(21, 8)
    page = html.unescape(owner.get(PAGE).content.decode())
    assert "<del>10:00 PM</del> → <ins>12:00 AM</ins>" in page
    assert "Environment (QUIET_HOURS)" in page


@pytest.mark.parametrize(
    ("typed", "said"),
    [
        ({"begins": "21"}, "Choose both hours, or neither."),
        ({"begins": "8", "ends": "8"}, "Choose two different hours."),
        ({"begins": "24", "ends": "8"}, "Choose one of the hours."),
        ({"begins": "21", "ends": "8", "none": "on"}, "not both."),
    ],
)
def test_hours_that_say_nothing_are_refused(
    owner: Client, typed: dict[str, str], said: str
) -> None:
    answer = owner.post(PAGE, {**typed, "based_on": 0})
    assert answer.status_code == 400
    assert said in answer.content.decode()
    assert not QuietHoursVersion.objects.exists()
