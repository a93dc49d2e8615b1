"""The gallery shows every sample of every kind, and sends one to whoever asks."""

from __future__ import annotations

from decimal import Decimal

import pytest
from django.contrib.admin.models import LogEntry
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from billing.tests import staff_world
from emails import samples
from emails.catalog import Kind
from emails.models import Channel, Message
from portal.backoffice import gallery, more_samples

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize("kind", Kind)
def test_every_sample_can_be_shown(kind: Kind) -> None:
    for number, sample in enumerate(more_samples.of_kind(kind), start=1):
        shown = gallery.exhibit(kind, number)
        assert shown.sample == sample
        assert shown.mail or shown.sms
        if shown.mail:
            assert "<style" not in shown.mail.plain
            assert shown.mail.light.count("default-src 'none'") == 1
            assert shown.mail.light != shown.mail.dark


def test_gallery_lists_every_kind_and_a_page_shows_one() -> None:
    client = Client()
    client.force_login(staff_world.support())
    page = client.get(reverse("admin:emails_message_gallery")).content.decode()
    assert all(f"?kind={kind}" in page for kind in Kind)
    page = client.get(gallery.address(Kind.PAYMENT_RECEIVED, 2)).content.decode()
    assert '<strong aria-current="true">One line</strong>' in page
    assert 'sandbox=""' in page
    assert "1 segment," in page
    assert client.get(reverse("admin:emails_message_exhibit"), {"kind": "nope"}).status_code == 404


def test_a_sample_goes_to_whoever_asks_and_not_too_often() -> None:
    client, colleague = Client(), staff_world.support()
    client.force_login(colleague)
    url = gallery.address(Kind.LOGIN_CODE)
    client.post(url)
    [sent] = Message.objects.all()
    assert (sent.recipient, sent.user) == (colleague.email, None)
    assert sent.subject.startswith("[Sample] ")
    assert LogEntry.objects.filter(user=colleague, object_id=str(sent.pk)).exists()
    for _ in range(samples.SAMPLES_AN_HOUR - 1):
        client.post(url)
    page = client.post(url, follow=True).content.decode()
    assert "samples this hour" in page
    assert Message.objects.count() == samples.SAMPLES_AN_HOUR


def test_who_may_not_resend_gets_no_sample() -> None:
    client = Client()
    client.force_login(staff_world.auditor())
    url = gallery.address(Kind.WELCOME)
    assert "Send me this" not in client.get(url).content.decode()
    assert client.post(url).status_code == 403
    assert not Message.objects.exists()


def test_the_cost_of_a_text_is_what_twilio_charged_lately() -> None:
    assert "once Twilio has told us" in _sms_cost()
    for number, (price, count) in enumerate([("0.0083", 1), ("0.0249", 3)]):
        Message.objects.create(
            kind=Kind.WELCOME,
            channel=Channel.SMS,
            recipient="+12125550100",
            dedupe_key=f"priced:{number}",
            price=Decimal(price),
            price_currency="USD",
            segments=count,
            sent_at=timezone.now(),
        )
    assert _sms_cost() == "It costs about 0.0083 USD, as texts did lately"


def _sms_cost() -> str:
    return gallery.exhibit(Kind.PAYMENT_FAILED, 1).cost
