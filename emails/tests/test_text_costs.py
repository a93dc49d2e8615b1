"""What a text cost: Twilio tells it after the text was sent."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal

import pytest
from django.utils import timezone
from pytest_django import Settings

from conftest import Sandbox, run_jobs
from emails import text_costs
from emails.models import Message
from emails.problems import DeliveryProblem
from emails.tasks import price_texts
from emails.tests.test_delivery import nina, put

pytestmark = pytest.mark.django_db


@pytest.fixture
def text(sandbox: Sandbox) -> Message:
    """A text that Twilio delivered ten minutes ago."""
    put(nina())
    run_jobs()
    sandbox.control("idle")
    ago = timezone.now() - timedelta(minutes=10)
    Message.objects.filter(channel="sms").update(sent_at=ago)
    return Message.objects.get(channel="sms")


def test_segments_are_known_right_away_and_the_price_later(text: Message) -> None:
    assert (text.segments, text.price, text.price_currency) == (1, None, "")
    assert Message.objects.get(channel="email").segments is None
    price_texts(0)
    text.refresh_from_db()
    assert (text.segments, text.price, text.price_currency) == (1, Decimal("0.00830"), "USD")
    assert text_costs.update() == 0


def test_a_service_chooses_the_number_later_so_segments_are_ours_until_twilio_tells(
    sandbox: Sandbox, settings: Settings
) -> None:
    settings.TWILIO_MESSAGING_SERVICE_SID = "MG" + "0" * 32
    put(nina())
    run_jobs()
    assert Message.objects.get(channel="sms").segments == 1
    [sent] = sandbox.look("phone")
    assert sent["service"] == settings.TWILIO_MESSAGING_SERVICE_SID


def test_what_was_sent_just_now_or_long_ago_is_not_asked_for(text: Message) -> None:
    for ago in (timedelta(minutes=1), timedelta(days=4)):
        Message.objects.filter(pk=text.pk).update(sent_at=timezone.now() - ago)
        assert text_costs.update() == 0


def test_an_outage_is_tried_again_in_the_next_hour(text: Message, sandbox: Sandbox) -> None:
    sandbox.control("switches", twilio_fail=1.0)
    with pytest.raises(DeliveryProblem):
        price_texts(0)
    sandbox.control("switches", twilio_fail=0.0)
    assert text_costs.update() == 1


@pytest.mark.parametrize(
    ("told", "cost"),
    [("-0.00830", Decimal("0.0083")), ("0", Decimal(0)), (None, None), ("", None), ("free", None)],
)
def test_prices_are_costs(told: str | None, cost: Decimal | None) -> None:
    assert text_costs._price(told) == cost
