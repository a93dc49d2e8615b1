"""Several lives at once, under faults: the rows are Stripe's, each message is made once."""

from __future__ import annotations

import random
from collections.abc import Iterable
from typing import Any

import pytest
from django.db import connection
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from pytest_django import Settings

from billing.core.statuses import EventState
from billing.models import (
    Checkout,
    CreditNote,
    Customer,
    Invoice,
    Payment,
    PaymentMethod,
    Reconciliation,
    StripeEvent,
    Subscription,
)
from billing.models.copy import StripeCopy
from billing.reconcile import missed_events
from billing.tests import lives
from billing.tests.life import deliver
from billing.tests.lives import Lives, Told
from conftest import Sandbox, run_jobs
from emails.models import Message
from testing import thorough
from testing.thorough import phases

pytestmark = pytest.mark.django_db
COPIES: tuple[type[StripeCopy], ...] = (
    Customer,
    PaymentMethod,
    Subscription,
    Invoice,
    CreditNote,
    Payment,
)
TIMES = {"read_at", "history_read_at", "methods_read_at"}
OURS = TIMES | {"id", "user", "told_email", "told_name", "told_language"}


def told() -> Told:
    """Return who was told what, once for each email."""
    rows = Message.objects.filter(channel="email").exclude(kind="card_changed")
    return sorted(rows.values_list("user__first_name", "kind"))


def copies() -> dict[str, list[dict[str, Any]]]:
    """Return what every copy says, without our own keys and times."""
    return {model.__name__: [_columns(row) for row in _all(model)] for model in COPIES}


def _all(model: type[StripeCopy]) -> Iterable[StripeCopy]:
    return model._default_manager.order_by("stripe_id")


def _columns(row: StripeCopy) -> dict[str, Any]:
    """Return a row's columns; rows that it leads to by their Stripe ids."""
    values = {}
    for one in row._meta.concrete_fields:
        value = getattr(row, one.name)
        if one.name not in OURS:
            values[one.name] = value.stripe_id if isinstance(value, StripeCopy) else value
    return values


def forget() -> None:
    """Go back to before the first event. What members did here, their checkouts, stays."""
    Checkout.objects.update(payment=None)
    copied = (PaymentMethod, Payment, CreditNote, Invoice, Subscription)
    for model in (*copied, StripeEvent, Message, Reconciliation):
        model._default_manager.all().delete()
    with connection.cursor() as cursor:
        cursor.execute("DELETE FROM procrastinate_events; DELETE FROM procrastinate_jobs")


def faults(chance: random.Random, events: list[dict[str, Any]], lost: float) -> None:
    """Let events arrive late, doubled, shuffled or never."""
    arriving = [event for event in events if chance.random() >= lost]
    arriving += [event for event in arriving if chance.random() < 0.3]
    chance.shuffle(arriving)
    deliver(arriving)


def assert_all_is_done() -> None:
    done = [EventState.PROCESSED, EventState.IGNORED]
    assert not StripeEvent.objects.exclude(state__in=done).exists()


@pytest.fixture
def recorded(sandbox: Sandbox, settings: Settings) -> Lives:
    return lives.record(sandbox, settings)


def play_each_stage(recorded: Lives, number: int, lost: float) -> None:
    chance, expected = random.Random(number), []
    forget()
    for stage in recorded.stages:
        recorded.go_back(stage)
        faults(chance, stage.events, lost)
        # The missed ones, in their order, as the hourly look for them stores them.
        deliver(stage.events)
        expected += stage.told
        assert told() == sorted(expected), stage.bookmark


def play_all_at_once(recorded: Lives, number: int, lost: float) -> None:
    forget()
    recorded.go_back(recorded.stages[-1])
    faults(random.Random(number), recorded.events, lost)


@thorough.MARK
def test_lives_under_faults(recorded: Lives) -> None:
    """In the right order first: what that ends in is what faults must end in, too."""
    play_each_stage(recorded, 0, 0)
    expected = copies()
    counts = {name: len(rows) for name, rows in expected.items()}
    assert counts["CreditNote"] == 1
    assert min(counts.values()) == 1
    assert counts["Invoice"] > 4
    assert counts["Payment"] > 4
    play_all_at_once(recorded, 0, 0)
    told_at_once = told()

    @settings(
        max_examples=2,
        phases=phases(),
        deadline=None,
        suppress_health_check=[HealthCheck.function_scoped_fixture],
    )
    @given(number=st.integers(0, 2**32), lost=st.floats(0, 0.9))
    @example(number=1, lost=0.4)
    def stage_by_stage(number: int, lost: float) -> None:
        play_each_stage(recorded, number, lost)
        assert copies() == expected
        assert missed_events.reconcile(repair=False).differences_found == 0
        assert_all_is_done()

    @settings(
        max_examples=4,
        phases=phases(),
        deadline=None,
        suppress_health_check=[HealthCheck.function_scoped_fixture],
    )
    @given(number=st.integers(0, 2**32), lost=st.floats(0, 1))
    @example(number=2, lost=0.4)
    def all_at_once(number: int, lost: float) -> None:
        play_all_at_once(recorded, number, lost)
        run = missed_events.reconcile(repair=True)
        run_jobs()
        assert run.differences_left == 0
        assert copies() == expected
        assert told() == told_at_once
        assert_all_is_done()

    stage_by_stage()
    all_at_once()
