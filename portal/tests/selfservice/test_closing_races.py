"""A plan to close an account is taken back while the job closes it: one of them comes first."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator

import pytest
from django.contrib.auth.models import User
from django.db import connection, transaction
from django.utils import timezone
from pytest_django.plugin import DjangoDbBlocker

from members.models import Member
from members.tests.actors import ALICE, alice
from portal.backoffice import planned_closings
from portal.models import PlannedClosing
from portal.selfservice import closing
from testing.own_database import copy_of_the_test_database


@pytest.fixture
def own_database(django_db_setup: None, django_db_blocker: DjangoDbBlocker) -> Iterator[None]:
    """A copy of the test database, whose rows are committed."""
    with django_db_blocker.unblock(), copy_of_the_test_database():
        yield


def beside(act: Callable[[], object]) -> tuple[threading.Thread, list[object]]:
    """Act on another connection; return its thread, and what came of it."""
    outcome: list[object] = []

    def run() -> None:
        try:
            outcome.append(act())
        except Exception as error:  # noqa: BLE001  (the test looks at it)
            outcome.append(error)
        finally:
            connection.close()

    thread = threading.Thread(target=run)
    thread.start()
    return thread, outcome


@pytest.mark.slow
def test_who_keeps_it_while_the_job_closes_it_is_told_or_in_time(own_database: None) -> None:
    user = alice()
    made = closing.plan(user)
    PlannedClosing.objects.update(closes_at=timezone.now())
    # The job holds the lock until it commits.
    with transaction.atomic():
        Member.objects.select_for_update().get(user=user)
        thread, outcome = beside(lambda: closing.keep(user))
        time.sleep(0.5)
        assert thread.is_alive()
        planned_closings.tend(made.pk)
    thread.join(timeout=20)
    [refusal] = outcome
    assert isinstance(refusal, closing.ClosingRefused)
    assert not User.objects.filter(email=ALICE).exists()


@pytest.mark.slow
def test_who_was_first_keeps_it(own_database: None) -> None:
    user = alice()
    made = closing.plan(user)
    PlannedClosing.objects.update(closes_at=timezone.now())
    with transaction.atomic():
        Member.objects.select_for_update().get(user=user)
        thread, outcome = beside(lambda: planned_closings.tend(made.pk))
        time.sleep(0.5)
        assert thread.is_alive()
        closing.keep(user)
    thread.join(timeout=20)
    assert outcome == [None]
    assert User.objects.filter(email=ALICE).exists()
