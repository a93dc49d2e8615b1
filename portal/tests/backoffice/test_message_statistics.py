"""The statistics of messages: each number is that of the rows it leads to."""

from __future__ import annotations

import re
from datetime import datetime, timedelta
from decimal import Decimal
from html import unescape
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone
from pytest_django import DjangoAssertNumQueries

from billing.tests import staff_world
from emails import samples, suppressing, text_caps
from emails.catalog import Kind
from emails.models import Channel, Message, MessageState
from emails.preferences import TURNED_OFF
from portal.backoffice import message_statistics
from portal.backoffice.message_samples import CONTEXTS

pytestmark = pytest.mark.django_db
LINKED = re.compile(r'<a class="text-link" href="(/staff/emails/message/\?[^"]+)">(\d+)</a>')
ROWS: list[dict[str, Any]] = [
    *[{"kind": Kind.WELCOME, "state": state} for state in MessageState],
    {"kind": Kind.PAYMENT_RECEIVED, "state": MessageState.SKIPPED, "error": f"{TURNED_OFF} emails"},
    *[
        {"kind": Kind.WELCOME, "state": MessageState.SKIPPED, "error": f"{words} Nov 2"}
        for words in (suppressing.BOUNCED, suppressing.MARKED, f"9 texts {text_caps.THE_MOST}")
    ],
    *[
        {"kind": Kind.WELCOME, "state": MessageState.FAILED, "provider_status": status}
        for status in ("bounced", "undelivered", "delayed")
    ],
    *[
        {
            "kind": Kind.WELCOME,
            "channel": Channel.SMS,
            "state": MessageState.DELIVERED,
            "price": price,
            "price_currency": "USD" if price else "",
            "segments": 2,
        }
        for price in (Decimal("0.0166"), None)
    ],
]


@pytest.fixture
def messages() -> datetime:
    """Some of this month, and one of the month before."""
    now = timezone.now()
    for number, values in enumerate([*ROWS, {"kind": Kind.WELCOME, "state": MessageState.SENT}]):
        is_before = number == len(ROWS)
        Message.objects.create(
            **{"channel": Channel.EMAIL, "dedupe_key": str(number), "sent_at": now} | values,
            created_at=now - timedelta(days=40) if is_before else now,
        )
    # A sample is nobody's message.
    assert samples.put(staff_world.owner(), CONTEXTS[Kind.WELCOME])
    return now


def test_each_number_is_that_of_the_rows_it_leads_to(messages: datetime) -> None:
    client = Client()
    client.force_login(staff_world.auditor())
    page = client.get(reverse("admin:emails_message_statistics")).content.decode()
    found = [(unescape(url), int(number)) for url, number in LINKED.findall(page)]
    assert len(found) > 15
    for url, number in found:
        listing = client.get(url)
        assert listing.status_code == 200, url
        assert listing.context_data
        assert listing.context_data["cl"].result_count == number, url
    assert "0.02 USD for 1 text (2 segments). Twilio hasn’t told the price of 1 text." in page


def test_totals_add_up_in_few_statements(
    messages: datetime, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    month = message_statistics.month_of("")
    with django_assert_num_queries(5):
        facts = message_statistics.read(month)
    page = message_statistics.words(facts)
    for lines in (page.kinds, page.days):
        sums = [sum(column) for column in zip(*[_numbers(one) for one in lines], strict=True)]
        assert sums == _numbers(page.total)
    assert sum(_numbers(page.total)) == len(ROWS)
    assert _numbers(page.total) == [1, 3, 2, 2, 1, 3, 1, 2]


def _numbers(line: message_statistics.Line) -> list[int]:
    return [cell.number for cell in line.cells]


def test_a_month_is_the_current_one_unless_an_address_names_another() -> None:
    this = message_statistics.month_of("")
    assert message_statistics.month_of("2026-02").last.isoformat() == "2026-02-28"
    assert [message_statistics.month_of(text) for text in ("2999-01", "x", "2026-13")] == [this] * 3
