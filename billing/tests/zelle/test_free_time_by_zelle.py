"""Free time on a membership that's paid by Zelle: its next invoice is that much later."""

from __future__ import annotations

from datetime import timedelta
from html import unescape

import pytest
from django.test import Client

from billing.core.dates import long_date
from billing.core.statuses import InvoiceStatus
from billing.facts import daily
from billing.membership import free_time
from billing.models import ExpectedTransfer, Invoice, Subscription, TrialSpan
from billing.tests.life import deliver
from billing.tests.staff_world import support
from billing.tests.zelle.bank import pay, staff
from billing.tests.zelle.test_renewing import _prices, by_zelle, renew
from conftest import Sandbox
from emails.models import Message

__all__ = ["_prices"]
pytestmark = [pytest.mark.django_db, pytest.mark.slow]


def test_the_next_invoice_comes_after_the_free_time_and_is_paid_by_zelle(
    sandbox: Sandbox, client: Client
) -> None:
    alice = by_zelle(sandbox)
    row = Subscription.objects.get()
    end, before = row.current_period_end, Invoice.objects.filter(total__gt=0).count()
    until = end + timedelta(days=10)
    free_time.give(row, end, until, support())
    deliver(sandbox.events())
    row = Subscription.objects.get()
    assert row.is_in_free_time
    assert row.is_by_zelle
    assert row.current_period_end == until
    assert Message.objects.filter(user=alice, kind="free_time").exists()
    # Nothing is asked for meanwhile, and nobody is told that a card will be charged.
    assert Invoice.objects.filter(total__gt=0).count() == before
    assert not ExpectedTransfer.objects.open().exists()
    client.force_login(alice)
    home = unescape(client.get("/").content.decode())
    assert f"Your membership is free until {long_date(until)}." in home
    assert "you’ll be charged" not in home
    assert "trial" not in home.lower()
    daily.rebuild()
    assert not TrialSpan.objects.exists()

    invoice = renew(sandbox)
    assert (invoice.status, invoice.is_sent, invoice.total) == (InvoiceStatus.OPEN, True, 2900)
    expected = ExpectedTransfer.objects.get(invoice=invoice)
    assert expected.amount == 2900
    pay(expected, staff("Mo Manager"), number="27250625042")
    deliver(sandbox.events())
    row = Subscription.objects.get()
    assert row.status == "active"
    assert row.is_live
    assert not row.is_in_free_time
    assert Invoice.objects.get(pk=invoice.pk).status == InvoiceStatus.PAID
    assert Invoice.objects.filter(total__gt=0).count() == before + 1
    daily.rebuild()
    assert not TrialSpan.objects.exists()
