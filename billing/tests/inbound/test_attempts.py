"""What each attempt at an event changed: noted whole, and only what it changed."""

from __future__ import annotations

import json
from collections.abc import Iterable
from importlib import import_module
from typing import Any

import pytest
from django.db import connection
from psycopg import sql
from pytest_django import Settings

from billing import forgetting
from billing.core.statuses import EventState
from billing.inbound import events, inbox
from billing.models import Customer, EventAttempt, Invoice, RowChange, StripeEvent
from billing.refunds import sync as refund_sync
from billing.stripe.gateway import StripeUnavailable
from billing.tests import lives
from billing.tests.life import deliver, paid_member
from conftest import Sandbox, run_jobs

pytestmark = pytest.mark.django_db
NOTED: dict[str, str] = import_module("billing.migrations.0021_event_attempts").NOTED
# Written while an event is processed, and not about what it changed: the inbox itself, the queue,
# what's derived from other rows, and caches.
MACHINERY = {
    *("billing_stripeevent", "billing_eventattempt", "billing_rowchange"),
    *("procrastinate_jobs", "procrastinate_events", "portal_cache"),
    *("billing_trialrecord", "billing_taxaccount", "billing_missingsetup", "billing_factdue"),
    # The ledger's entries say it in their own way, beside the refund's row.
    *("billing_refundentry", "billing_ledgertext", "billing_balancereading"),
}
Dump = dict[str, dict[int, dict[str, Any]]]


def dump() -> Dump:
    """Return all rows of all tables with a number, without times of reading."""
    found: Dump = {}
    with connection.cursor() as cursor:
        for table in connection.introspection.table_names(cursor):
            cursor.execute(sql.SQL("SELECT to_jsonb(t) FROM {} t").format(sql.Identifier(table)))
            rows = [json.loads(text) for (text,) in cursor.fetchall()]
            found[table] = {
                row["id"]: {key: one for key, one in row.items() if not key.endswith("read_at")}
                for row in rows
                if isinstance(row.get("id"), int)
            }
    return found


def apply(start: Dump, noted: Iterable[RowChange]) -> Dump:
    """Return the noted tables as the changes leave them, without columns that aren't noted."""
    rows = {table: {pk: dict(row) for pk, row in start[table].items()} for table in NOTED}
    for one in noted:
        if one.action == "D":
            del rows[one.table][one.row]
            continue
        row = rows[one.table].setdefault(one.row, {"id": one.row})
        for column, value in (one.before or {}).items():
            assert row[column] == value
        row.update(one.after or {})
    return rows


def seen(tables: Dump) -> Dump:
    """Return the noted tables without empty values and columns that aren't noted."""
    return {
        table: {
            pk: {
                key: value
                for key, value in row.items()
                if key not in left_out.split(",") and value is not None
            }
            for pk, row in tables[table].items()
        }
        for table, left_out in NOTED.items()
    }


def test_all_that_events_change_is_noted_and_nothing_else(
    sandbox: Sandbox, settings: Settings
) -> None:
    recorded = lives.record(sandbox, settings)
    payment = sandbox.stripe.v1.payment_intents.list({}).data[-1].id
    sandbox.stripe.v1.refunds.create({"payment_intent": payment, "amount": 100})
    recorded.stage()
    before, last = dump(), RowChange.objects.order_by("pk").last()
    deliver(recorded.events)
    after = dump()
    noted = list(RowChange.objects.filter(pk__gt=last.pk if last else 0).order_by("pk"))
    replayed, wanted = seen(apply(before, noted)), seen(after)
    assert replayed["emails_message"].keys() == wanted["emails_message"].keys()
    # Jobs of their own read the balance and send messages.
    for table in NOTED.keys() - {"billing_balancetransaction", "emails_message"}:
        assert replayed[table] == wanted[table], table
    others = {
        table
        for table in after
        if before[table] != after[table] and table not in NOTED and table not in MACHINERY
    }
    assert others == set()
    assert len({one.table for one in noted}) > 6


def test_an_attempt_says_how_it_ended_and_what_it_changed(sandbox: Sandbox) -> None:
    paid_member(sandbox)
    event = StripeEvent.objects.get(type="invoice.paid")
    [attempt] = event.tries.all()
    assert attempt.state == EventState.PROCESSED
    assert attempt.ended_at
    assert attempt.ended_at >= attempt.began_at
    assert not attempt.is_replay
    changed = RowChange.objects.filter(attempt__event__object_id=event.object_id)
    new = changed.get(table="billing_invoice", action="I")
    assert new.row == Invoice.objects.get().pk
    assert new.before is None
    assert new.after is not None
    assert new.after["stripe_id"] == event.object_id
    assert not {"id", "read_at"} & new.after.keys()
    message = RowChange.objects.filter(table="emails_message").first()
    assert message
    assert message.after
    # What it says, and to whom, is in the message alone.
    assert not {"recipient", "subject", "context", "dedupe_key"} & message.after.keys()


def test_a_change_has_only_what_differs(sandbox: Sandbox) -> None:
    paid_member(sandbox)
    invoice = Invoice.objects.get()
    Invoice.objects.update(amount_paid=1, number="OLD-1")
    event = StripeEvent.objects.get(type="invoice.paid")
    inbox.replay(event)
    run_jobs()
    first, second = event.tries.all()
    assert (first.is_replay, second.is_replay) == (False, True)
    change = second.changes.get(table="billing_invoice")
    assert change.before == {"amount_paid": 1, "number": "OLD-1"}
    assert change.after == {"amount_paid": 2900, "number": invoice.number}
    # A replay that finds all as it was notes nothing.
    inbox.replay(event)
    run_jobs()
    assert not event.tries.last().changes.exists()  # type: ignore[union-attr]


def test_a_failed_attempt_says_why_and_nothing_later_is_noted(sandbox: Sandbox) -> None:
    paid_member(sandbox)
    event = StripeEvent.objects.get(type="invoice.paid")
    before = RowChange.objects.count()
    sandbox.control("switches", api_fail=1)
    with pytest.raises(StripeUnavailable):
        events.process(event.pk, is_last_attempt=False, again=True)
    sandbox.control("switches", api_fail=0)
    attempt = event.tries.last()
    assert attempt
    assert attempt.state == EventState.RETRYING
    assert attempt.problem.startswith("Stripe")
    Invoice.objects.update(number="BY-HAND")
    refund_sync.sync_refunds(Invoice.objects.get().payments.get().stripe_id)
    assert RowChange.objects.count() == before


def test_changes_go_with_the_payload(sandbox: Sandbox, settings: Settings) -> None:
    paid_member(sandbox)
    assert RowChange.objects.exists()
    attempts = EventAttempt.objects.count()
    settings.PAYLOADS_KEPT_DAYS = 0
    forgetting.forget_old()
    assert not RowChange.objects.exists()
    assert EventAttempt.objects.count() == attempts


def test_changes_are_deleted_with_the_member(sandbox: Sandbox) -> None:
    alice, bob = paid_member(sandbox), paid_member(sandbox, "Bob Baker")
    forgetting.forget(type(alice).objects.filter(pk=alice.pk))
    left = set(RowChange.objects.values_list("attempt__event__customer_id", flat=True))
    assert left == {Customer.objects.get(user=bob).stripe_id}
