"""Two staff merge the same accounts at the same moment: one does, the other reads why not."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator

import pytest
from django.contrib.auth.models import User
from django.db import connection, transaction
from pytest_django.plugin import DjangoDbBlocker

from billing.models import Customer, Payment
from billing.models.locks import lock_members
from billing.moving import Move
from billing.tests import factories
from billing.tests.refunds.test_hold_races import WAITED_FOR, owner
from members.accounts import open_account
from portal.backoffice import merging
from portal.backoffice.merging import MergeRefused
from testing.own_database import copy_of_the_test_database

Act = Callable[[], object]
GIVEN_UP_AFTER = 20


@pytest.fixture
def own_database(django_db_setup: None, django_db_blocker: DjangoDbBlocker) -> Iterator[None]:
    """A copy of the test database, whose rows are committed."""
    with django_db_blocker.unblock(), copy_of_the_test_database():
        yield


def member(name: str) -> User:
    """A member with a customer and a payment."""
    user = open_account(f"{name.lower()}@example.com", f"{name} Member", None)
    factories.make_payment(customer=factories.make_customer(user=user))
    return user


def press(origin: User, to: User, actor: User, customer: Customer | None = None) -> Act:
    """Look at the preview; what's returned presses its button."""
    move = Move(origin, to, customer)
    seen = merging.mark(move)
    return lambda: merging.merge(move, actor, seen)


def at_once(users: list[User], *acts: Act) -> list[object]:
    """Begin each on a connection of its own while both members are locked, then let go."""
    outcomes: list[object] = [None] * len(acts)

    def run(index: int) -> None:
        try:
            outcomes[index] = acts[index]()
        except Exception as error:  # noqa: BLE001  (the test looks at it)
            outcomes[index] = error
        finally:
            connection.close()

    threads = [threading.Thread(target=run, args=[index]) for index in range(len(acts))]
    with transaction.atomic():
        lock_members(*(user.pk for user in users))
        for thread in threads:
            thread.start()
        until = time.monotonic() + GIVEN_UP_AFTER
        while waiting() < len(acts) and time.monotonic() < until:
            time.sleep(0.05)
        assert waiting() == len(acts)
    for thread in threads:
        thread.join(timeout=30)
    return outcomes


def waiting() -> int:
    with connection.cursor() as cursor:
        cursor.execute(WAITED_FOR)
        return int(cursor.fetchone()[0])


def one_of(outcomes: list[object]) -> str:
    """Return what the other one reads, once exactly one has merged."""
    refused = [one for one in outcomes if isinstance(one, MergeRefused)]
    done = [one for one in outcomes if isinstance(one, list)]
    assert (len(refused), len(done)) == (1, 1), outcomes
    return str(refused[0])


def test_the_same_merge_twice_happens_once(own_database: None) -> None:
    bob, alice, staff = member("Bob"), member("Alice"), [owner("Sam"), owner("Olga")]
    said = one_of(at_once([bob, alice], *(press(bob, alice, one) for one in staff)))
    assert "has nothing left to move" in said
    assert Payment.objects.filter(customer__user=alice).count() == 2
    assert not Customer.objects.filter(user=bob).exists()


def test_of_opposite_merges_one_happens(own_database: None) -> None:
    bob, alice, sam, olga = member("Bob"), member("Alice"), owner("Sam"), owner("Olga")
    said = one_of(at_once([bob, alice], press(bob, alice, sam), press(alice, bob, olga)))
    assert "is switched off" in said
    [kept] = User.objects.filter(pk__in=[bob.pk, alice.pk], is_active=True)
    assert Payment.objects.filter(customer__user=kept).count() == 2
    assert Customer.objects.filter(user=kept).count() == 2


def test_a_customer_moves_to_one_member_of_two(own_database: None) -> None:
    bob, alice, carol = member("Bob"), member("Alice"), member("Carol")
    customer = Customer.objects.get(user=bob)
    acts = press(bob, alice, owner("Sam"), customer), press(bob, carol, owner("Olga"), customer)
    said = one_of(at_once([bob, alice, carol], *acts))
    assert "belongs to another member by now" in said
    customer.refresh_from_db()
    assert customer.user in (alice, carol)
    assert Customer.objects.filter(user=customer.user).count() == 2
