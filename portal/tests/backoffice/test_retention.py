"""How long records are kept: what staff saved wins, and shorter periods say what they'd delete."""

from __future__ import annotations

import html
from datetime import timedelta
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone
from pytest_django import Settings

from billing.core.statuses import EventState
from billing.models import BankMail, StripeEvent
from billing.tests import factories, staff_world
from business import rules
from business.models import RetentionVersion
from emails.models import Message, MessageState
from members import activity, sign_ins
from members.models import AccountActivity, ActivityKind, Device, SignIn
from members.signin import devices
from portal.backoffice.retention import PERIODS
from portal.doctor.portal_checks import rules as rules_check
from portal.models import SupportMessage
from portal.tasks import forget_old_records

pytestmark = pytest.mark.django_db

PAGE = "/staff/business/retentionversion/"


@pytest.fixture(autouse=True)
def environment(settings: Settings) -> None:
    """What the environment says."""
    settings.MESSAGES_KEPT_DAYS = settings.SIGN_INS_KEPT_DAYS = 540
    settings.DEVICES_KEPT_DAYS, settings.PAYLOADS_KEPT_DAYS = 180, 90
    settings.JOBS_KEPT_DAYS = 30


@pytest.fixture
def owner() -> Client:
    """The browser of an owner who has just signed in."""
    return staff_world.signed_in_now(staff_world.owner())


def save(client: Client, *, based_on: Any = 0, **fields: Any) -> Any:
    return client.post(PAGE, {"based_on": based_on, **fields})


def text_of(answer: Any) -> str:
    return html.unescape(answer.content.decode())


def agreed(answer: Any) -> str:
    return str(answer.context["form"].data["agreed"])


PRECEDENCE = {
    "messages": (540, rules.messages_kept),
    "payloads": (90, rules.payloads_kept),
    "sign_ins": (540, rules.sign_ins_kept),
    "devices": (180, rules.devices_kept),
    "jobs": (30, rules.jobs_kept),
}


@pytest.mark.parametrize("name", PRECEDENCE)
def test_what_staff_saved_wins_and_what_they_emptied_is_the_environments(
    owner: Client, name: str
) -> None:
    of_environment, kept = PRECEDENCE[name]
    assert kept().days == of_environment
    assert save(owner, **{name: 700}).status_code == 302
    assert kept().days == 700
    for other, (days, reader) in PRECEDENCE.items():
        assert other == name or reader().days == days
    answer = save(owner, based_on=1)
    if answer.status_code == 200:
        save(owner, based_on=1, agreed=agreed(answer))
    assert kept().days == of_environment
    assert "the environment’s" in text_of(owner.get(PAGE))


@pytest.mark.parametrize("period", PERIODS, ids=lambda one: one.field)
def test_a_period_that_is_too_short_is_refused_with_the_reason(owner: Client, period: Any) -> None:
    for days in (0, period.least - 1):
        answer = save(owner, **{period.field: days})
        assert answer.status_code == 400
        assert f"Enter at least {period.least} days: {period.because}." in text_of(answer)
    for wrong, said in ((3651, "Enter at most 3,650 days"), ("soon", "a whole number of days")):
        answer = save(owner, **{period.field: wrong})
        assert answer.status_code == 400
        assert said in text_of(answer)
    assert not RetentionVersion.objects.exists()


def old_records() -> None:
    """Make one of everything, 200 days old."""
    long_ago = timezone.now() - timedelta(days=200)
    user = factories.make_member()
    staff_world.make_message(user)
    staff_world.make_message(user, dedupe_key="waits", state=MessageState.QUEUED)
    Message.objects.filter(dedupe_key="waits").update(state=MessageState.QUEUED)
    Message.objects.exclude(dedupe_key="waits").update(state=MessageState.SENT)
    Message.objects.update(created_at=long_ago)
    SupportMessage.objects.create(user=user, words="Hello", answered_at=long_ago)
    SupportMessage.objects.create(user=user, words="Nobody answered this")
    SupportMessage.objects.update(created_at=long_ago)
    SignIn.objects.create(user=user, ip="192.0.2.1")
    SignIn.objects.update(happened_at=long_ago)
    activity.record(user, next(iter(ActivityKind)), at=long_ago)
    customer = factories.make_customer(user)
    factories.make_event(customer, state=EventState.PROCESSED)
    StripeEvent.objects.update(received_at=timezone.now() - timedelta(days=60))


def test_a_shorter_period_says_first_what_it_deletes_tonight(owner: Client) -> None:
    old_records()
    shorter: dict[str, Any] = {"messages": 90, "sign_ins": 150, "payloads": 40, "devices": 170}
    answer = save(owner, **shorter)
    said = text_of(answer)
    assert answer.status_code == 200
    assert "This can’t be undone" in said
    for sentence in (
        "1 sent or failed message will be emptied tonight.",
        "1 answered message from a member will be deleted tonight.",
        "1 sign-in will be deleted tonight.",
        "1 entry of account activity will be deleted tonight.",
        "1 event will be cut down to IDs tonight.",
        "Messages: you’ll lack evidence in disputes.",
    ):
        assert sentence in said
    assert "browsers will be forgotten" not in said
    assert not RetentionVersion.objects.exists()
    # Other values than those that were read about are asked about again.
    assert save(owner, **shorter | {"messages": 60}, agreed=agreed(answer)).status_code == 200
    assert not RetentionVersion.objects.exists()
    assert save(owner, **shorter, agreed=agreed(answer)).status_code == 302
    assert rules.messages_kept().days == 90


def test_the_night_does_what_the_page_said(owner: Client) -> None:
    old_records()
    shorter: dict[str, Any] = {"messages": 150, "sign_ins": 150, "payloads": 40}
    save(owner, **shorter, agreed=agreed(save(owner, **shorter)))
    forget_old_records(0)
    assert sign_ins.forget_old() == 1
    assert activity.forget_old() == 1
    assert Message.objects.exclude(emptied_at=None).count() == 1
    assert SupportMessage.objects.get().words == "Nobody answered this"
    assert StripeEvent.objects.get().reduced_at is not None
    assert not SignIn.objects.exists()
    assert not AccountActivity.objects.exists()


def test_a_longer_period_needs_no_second_look(owner: Client) -> None:
    old_records()
    assert save(owner, messages=900, sign_ins=900).status_code == 302
    forget_old_records(0)
    assert not Message.objects.exclude(emptied_at=None).exists()


def test_leaving_a_period_to_a_shorter_environment_counts_as_shorter(
    owner: Client, settings: Settings
) -> None:
    save(owner, sign_ins=900)
    old_records()
    settings.SIGN_INS_KEPT_DAYS = 100
    answer = save(owner, based_on=1)
    assert "1 sign-in will be deleted tonight." in text_of(answer)
    assert rules.sign_ins_kept().days == 900


def test_browsers_jobs_and_mails_of_the_bank_count_too(owner: Client) -> None:
    user = factories.make_member()
    Device.objects.create(user=user, browser="0" * 32, seen_at=timezone.now())
    Device.objects.update(seen_at=timezone.now() - timedelta(days=100))
    factories.make_event(factories.make_customer(user), state=EventState.PENDING)
    answer = save(owner, devices=60, payloads=60)
    assert "1 browser will be forgotten tonight." in text_of(answer)
    assert not BankMail.objects.exists()
    assert "emails of the bank" not in text_of(answer)
    save(owner, devices=60, payloads=60, agreed=agreed(answer))
    assert devices.forget_old() == 1


def test_an_auditor_sees_it_and_changes_nothing() -> None:
    client = staff_world.signed_in_now(staff_world.auditor())
    page = text_of(client.get(PAGE))
    assert "540 days" in page
    assert "Environment (MESSAGES_KEPT_DAYS)" in page
    assert save(client, messages=900).status_code == 403


def test_the_doctor_names_what_of_the_environment_does_not_count(owner: Client) -> None:
    assert rules_check().text == "The environment’s settings hold: owners saved no others."
    save(owner, jobs=60, messages=900)
    assert rules_check().text == (
        "Saved on the staff site, so the environment’s don’t count:"
        " JOBS_KEPT_DAYS, MESSAGES_KEPT_DAYS."
    )
