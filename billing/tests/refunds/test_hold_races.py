"""Whose account is changed at this very moment decides on no money beside it."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator

import pytest
from django.contrib.auth.models import User
from django.db import connection, transaction
from pytest_django.plugin import DjangoDbBlocker

from billing.membership import cancellation
from billing.membership.cancellation import MembershipError
from billing.models import MembershipDecision, RefundPolicy
from billing.refunds import terms as refund_terms
from billing.refunds.policy import PaymentKind, PolicyError, Rule
from billing.tests import factories, refund_world
from members import access_changes
from members.accounts import open_account
from testing.own_database import copy_of_the_test_database

# What is not granted is waited for. `pg_stat_activity` would stay as it was first seen in here.
# A wait for a row names no database, but who waits has locked a table of one. The server has other
# databases, of other tests.
WAITED_FOR = """
SELECT count(*) FROM pg_locks one WHERE NOT granted AND EXISTS (
    SELECT FROM pg_locks two JOIN pg_database ON pg_database.oid = two.database
    WHERE two.pid = one.pid AND datname = current_database())
"""
GIVEN_UP_AFTER = 20


@pytest.fixture
def own_database(django_db_setup: None, django_db_blocker: DjangoDbBlocker) -> Iterator[None]:
    """A copy of the test database, whose rows are committed."""
    with django_db_blocker.unblock(), copy_of_the_test_database():
        yield


def owner(name: str) -> User:
    email = f"{name.lower()}@example.com"
    return open_account(email, f"{name} Owner", None, is_staff=True, is_superuser=True)


def beside_a_change(sam: User, act: Callable[[], object]) -> object:
    """Act on another connection while a change of Sam's account is not committed yet."""
    outcome: list[object] = []

    def run() -> None:
        try:
            outcome.append(act())
        except Exception as error:  # noqa: BLE001  (the test looks at it)
            outcome.append(error)
        finally:
            connection.close()

    thread = threading.Thread(target=run)
    with transaction.atomic():
        access_changes.record(sam, owner("Alex"), "A link to a new password was sent.")
        thread.start()
        until = time.monotonic() + GIVEN_UP_AFTER
        while thread.is_alive() and not is_waited_for() and time.monotonic() < until:
            thread.join(timeout=0.05)
    thread.join(timeout=30)
    return outcome[0]


def is_waited_for() -> bool:
    with connection.cursor() as cursor:
        cursor.execute(WAITED_FOR)
        return bool(cursor.fetchone()[0])


def test_a_membership_is_not_ended_beside_a_change(own_database: None) -> None:
    sam, row = owner("Sam"), factories.make_subscription()
    said = beside_a_change(sam, lambda: cancellation.cancel_now(row, sam))
    assert isinstance(said, MembershipError), said
    assert "less than 24 hours ago" in str(said)
    assert not MembershipDecision.objects.exists()


def test_a_policy_is_not_saved_beside_a_change(own_database: None) -> None:
    sam = owner("Sam")
    rules = dict.fromkeys(PaymentKind, Rule(**refund_world.USUAL))
    said = beside_a_change(sam, lambda: refund_terms.save_policy(rules, "Mine", sam))
    assert isinstance(said, PolicyError), said
    assert not RefundPolicy.objects.filter(created_by=sam).exists()
