"""A message keeps a copy as it was sent, for as long as it keeps its own words."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.test import Client
from django.utils import timezone
from pytest_django import DjangoAssertNumQueries, Settings

from billing.tests import staff_world
from common.staff import show
from conftest import Sandbox, run_jobs
from emails import copies, forgetting, reading
from emails.models import Channel, Message, SentCopy
from emails.tests.test_delivery import nina, put
from members.signin.mails import send_account_mail

pytestmark = pytest.mark.django_db


def test_staff_see_what_was_sent_whatever_has_changed_since(
    sandbox: Sandbox, settings: Settings
) -> None:
    settings.BRAND_NAME = "Blue Door"
    put(nina())
    run_jobs()
    [mail] = sandbox.look("mailbox")
    settings.BRAND_NAME = "Hill Pilates"
    email, text = Message.objects.order_by("channel")
    copy = copies.of(email)
    assert copy is not None
    assert (copy.subject, copy.text.split()) == (mail["subject"], mail["text"].split())
    client = Client()
    client.force_login(staff_world.auditor())
    page = client.get(show.page_of(email)).content.decode()
    assert "As it was sent." in page
    assert "Blue Door" in page
    assert "Blue Door: we received" in client.get(show.page_of(text)).content.decode()


def test_what_is_downloaded_or_sent_to_a_bank_is_the_copy_in_one_statement(
    sandbox: Sandbox, settings: Settings, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    settings.BRAND_NAME = "Blue Door"
    put(nina())
    run_jobs()
    settings.BRAND_NAME = "Hill Pilates"
    with django_assert_num_queries(1):
        said = [reading.text_of(one) for one in reading.with_texts(Message.objects.all())]
    assert len(said) == 2
    assert all("Blue Door" in words and "Hill" not in words for words in said)
    # What was sent before there were copies is written anew.
    SentCopy.objects.all().delete()
    assert all("Hill" in reading.text_of(one) for one in Message.objects.all())


def test_a_copy_goes_with_the_words_of_its_message(sandbox: Sandbox) -> None:
    put(nina())
    run_jobs()
    Message.objects.filter(channel=Channel.SMS).update(
        created_at=timezone.now() - timedelta(days=4000)
    )
    assert forgetting.forget_old() == 1
    assert SentCopy.objects.get().message.channel == Channel.EMAIL


def test_nothing_secret_is_kept(sandbox: Sandbox) -> None:
    send_account_mail(
        "account/email/email_confirmation", "a@example.com", {"code": "K7F3", "user": None}
    )
    run_jobs()
    assert sandbox.look("mailbox")
    assert not SentCopy.objects.exists()
