"""Trying out a replay says what it would do, and does nothing."""

from __future__ import annotations

import pytest
from django.db import connection

from billing.core.statuses import EventState
from billing.inbound import inbox
from billing.inbound.rehearsal import Rehearsal, rehearse, rehearse_all
from billing.models import (
    EventAttempt,
    Invoice,
    Payment,
    RowChange,
    StripeEvent,
    Subscription,
)
from billing.stripe import gateway
from billing.tests.inbound.test_attempts import dump
from billing.tests.life import paid_member
from conftest import Sandbox, run_jobs
from emails.models import Message

pytestmark = pytest.mark.django_db


def tried(kind: str) -> Rehearsal:
    """Try out a replay of the newest event of a kind; assert that nothing changed."""
    before = dump()
    result = rehearse(StripeEvent.objects.filter(type=kind).latest("pk"))
    assert dump() == before
    with connection.cursor() as cursor:
        cursor.execute("SELECT coalesce(current_setting('portal.attempt', true), '')")
        assert cursor.fetchone() == ("",)
    return result


def test_nothing_would_change_if_all_is_as_stripe_says(sandbox: Sandbox) -> None:
    paid_member(sandbox)
    result = tried("invoice.paid")
    assert (result.state, result.changes, result.messages) == (EventState.PROCESSED, [], [])
    assert not result.asks
    assert not result.problem


def test_rows_and_messages_are_those_of_the_real_replay(sandbox: Sandbox) -> None:
    alice = paid_member(sandbox)
    Message.objects.all().delete()
    Invoice.objects.update(status="open", amount_paid=0)
    result = tried("invoice.paid")
    [change] = [one for one in result.changes if one.table == "billing_invoice"]
    assert change.name
    told = {value.label: (value.before, value.after) for value in change.values}
    assert told["Status"] == ("Open", "Paid")
    assert told["Amount paid"] == ("$0.00", "$29.00")
    foreseen = [(one.kind, one.channel, one.recipient) for one in result.messages]
    assert ("payment_received", "email", alice.email) in foreseen
    event = StripeEvent.objects.filter(type="invoice.paid").latest("pk")
    inbox.replay(event)
    run_jobs()
    assert [(one.kind, one.channel, one.recipient) for one in Message.objects.order_by("pk")] == (
        foreseen
    )
    assert Invoice.objects.get().status == "paid"


def test_rows_that_are_missing_would_be_added(sandbox: Sandbox) -> None:
    paid_member(sandbox)
    Payment.objects.all().delete()
    Invoice.objects.all().delete()
    Subscription.objects.all().delete()
    added = {one.table for one in tried("invoice.paid").changes if one.is_new}
    assert {"billing_invoice", "billing_payment", "billing_subscription"} <= added


def test_what_is_gone_at_stripe_would_be_ignored(sandbox: Sandbox) -> None:
    paid_member(sandbox)
    event = StripeEvent.objects.filter(type="invoice.paid").latest("pk")
    payload = event.payload
    payload["data"]["object"]["id"] = "in_unknown"
    StripeEvent.objects.filter(pk=event.pk).update(payload=payload)
    result = tried("invoice.paid")
    assert result.state == EventState.IGNORED
    assert result.note == "The object is no longer at Stripe."


def test_an_error_of_ours_is_shown(sandbox: Sandbox) -> None:
    paid_member(sandbox)
    event = StripeEvent.objects.filter(type="invoice.paid").latest("pk")
    StripeEvent.objects.filter(pk=event.pk).update(payload={"data": {}})
    result = tried("invoice.paid")
    assert result.state is None
    assert result.problem.startswith("KeyError")


def test_several_are_played_one_after_the_other(sandbox: Sandbox) -> None:
    paid_member(sandbox)
    Invoice.objects.update(status="open", amount_paid=0)
    events = list(StripeEvent.objects.filter(type__startswith="invoice.").order_by("pk"))
    before = dump()
    results = rehearse_all(events)
    assert dump() == before
    assert len(results) == len(events) > 1
    # The first one reads the invoice, so those after it find nothing to change.
    assert [bool(one.changes) for one in results] == [True] + [False] * (len(events) - 1)
    assert Invoice.objects.get().status == "open"


def test_stripe_away_is_our_error(sandbox: Sandbox) -> None:
    paid_member(sandbox)
    sandbox.control("switches", api_fail=1)
    with pytest.raises(gateway.StripeUnavailable):
        rehearse(StripeEvent.objects.filter(type="invoice.paid").latest("pk"))
    sandbox.control("switches", api_fail=0)
    assert not RowChange.objects.filter(attempt__is_replay=True).exists()
    assert not EventAttempt.objects.filter(is_replay=True).exists()
