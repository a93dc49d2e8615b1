"""Names and words leave the ledger when people do, and what is left of it is proved as before."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.db import connection, connections
from django.db.migrations.executor import MigrationExecutor

from billing import ledger_texts, refund_ledger, refunds
from billing.models import LedgerText, RefundEntry
from billing.tests import factories
from billing.tests.refund_world import approver, ask, policy
from members.closing import close_account

BEFORE = [("billing", "0027_columns_as_wide_as_stripes_texts")]
GENESIS = "0" * 64


@pytest.fixture
def heads(settings: Any, tmp_path: Path) -> Path:
    """Where heads are exported to."""
    settings.LEDGER_HEADS_FILE = str(tmp_path / "heads")
    return tmp_path / "heads"


# Somebody leaves


@pytest.fixture
def bob(db: None, heads: Path) -> User:
    """One of the staff, who has approved a refund of Alice's and one of Carol's."""
    policy(automatic_up_to=0)
    bob = approver("Bob Baker")
    for name in ("Alice Archer", "Carol Cole"):
        customer = factories.make_customer(factories.make_member(name))
        row = ask(customer.user, factories.make_payment(customer=customer), 900)
        refunds.approve(row.pk, bob, words=f"Of course, {name}.")
    return bob


def said() -> list[tuple[str, str]]:
    entries = RefundEntry.objects.order_by("number").select_related("actor")
    return [(ledger_texts.actor_name(one), ledger_texts.words(one)) for one in entries]


def test_who_leaves_takes_name_and_words_along_and_the_chain_holds(bob: User) -> None:
    refund_ledger.export_head(refund_ledger.verify())
    hashes = list(RefundEntry.objects.values_list("hash", flat=True))
    carol = User.objects.get(first_name="Carol")
    close_account(User.objects.get(first_name="Alice"))

    assert said() == [
        ("Somebody who has left", ""),
        (f"Bob Baker <{bob.email}>", ""),
        (f"Carol Cole <{carol.email}>", "not_used"),
        (f"Bob Baker <{bob.email}>", "Of course, Carol Cole."),
    ]
    assert list(RefundEntry.objects.values_list("hash", flat=True)) == hashes
    assert refund_ledger.verify().problems == []


def test_staff_who_leave_leave_what_they_said(bob: User) -> None:
    close_account(bob)

    assert said()[3] == ("Somebody who has left", "Of course, Carol Cole.")
    assert not LedgerText.objects.filter(text__contains="Bob").exists()
    assert refund_ledger.verify().problems == []


def test_nothing_tells_what_is_gone(bob: User) -> None:
    """The digest can't be guessed: its salt is gone, too."""
    entry = RefundEntry.objects.get(number=1)
    name = ledger_texts.actor_name(entry)
    assert entry.actor_digest != hashlib.sha256(name.encode()).hexdigest()
    salts = set(LedgerText.objects.values_list("salt", flat=True))
    assert len(salts) == LedgerText.objects.count()
    close_account(User.objects.get(first_name="Alice"))
    assert not LedgerText.objects.filter(entry=entry).exists()


# Ledgers of before


@pytest.fixture(scope="module")
def old_database(test_database: None, django_db_blocker: Any) -> Iterator[str]:
    """A database as it was when names and words were columns of the entries, to be copied."""
    name = f"{connection.settings_dict['NAME']}_old"
    with django_db_blocker.unblock():
        _run(f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)')
        _run(f'CREATE DATABASE "{name}"')
        with _working_on(name):
            MigrationExecutor(connection).migrate(BEFORE)
        yield name
        _run(f'DROP DATABASE "{name}" WITH (FORCE)')


@pytest.fixture
def before(old_database: str, django_db_blocker: Any, heads: Path) -> Iterator[MigrationExecutor]:
    """Work on a copy of it."""
    name = f"{old_database}_copy"
    with django_db_blocker.unblock():
        _run(f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)')
        _run(f'CREATE DATABASE "{name}" TEMPLATE "{old_database}"')
        with _working_on(name):
            yield MigrationExecutor(connection)
        _run(f'DROP DATABASE "{name}" WITH (FORCE)')


@contextmanager
def _working_on(name: str) -> Iterator[None]:
    settings = connection.settings_dict
    original = settings["NAME"]
    connections.close_all()
    settings["NAME"] = name
    try:
        yield
    finally:
        connections.close_all()
        settings["NAME"] = original


def _run(sql: str) -> None:
    with connection._nodb_cursor() as cursor:
        cursor.execute(sql)


def write_ledger(executor: MigrationExecutor) -> list[str]:
    """Write three entries as they were written then; return their hashes."""
    apps = executor.loader.project_state(BEFORE).apps
    user = apps.get_model("auth", "User").objects.create(
        username="alice", email="alice@example.com", first_name="Alice", last_name="Archer"
    )
    now = datetime(2026, 11, 1, 12, 0, 0, 123456, tzinfo=UTC)
    customer = apps.get_model("billing", "Customer").objects.create(
        user=user, stripe_id="cus_1", read_at=now, created_at=now
    )
    payment = apps.get_model("billing", "Payment").objects.create(
        stripe_id="pi_1", customer=customer, status="succeeded", amount=2900,
        amount_received=2900, currency="usd", read_at=now, created_at=now,
    )  # fmt: skip
    refund = apps.get_model("billing", "Refund").objects.create(
        payment=payment, customer=customer, amount=900, amount_asked=900, currency="usd",
        origin="member", state="approved", created_at=now, requested_by=user,
    )  # fmt: skip
    steps = [
        (user, "Alice Archer <alice@example.com>", "requested", "", "requested", "not_used: Ill."),
        (None, "The portal", "approved_by_policy", "requested", "approved", ""),
    ]
    hashes = [GENESIS]
    for number, (actor, name, action, state, to, words) in enumerate(steps, 1):
        columns = {
            "number": number, "refund": refund.pk, "at": now.isoformat(timespec="microseconds"),
            "actor": actor and actor.pk, "actor_name": name, "action": action, "from": state,
            "to": to, "amount": 900, "currency": "usd", "stripe_id": "", "words": words,
            "policy_version": None, "previous_hash": hashes[-1],
        }  # fmt: skip
        text = json.dumps(columns, sort_keys=True, separators=(",", ":"))
        apps.get_model("billing", "RefundEntry").objects.create(
            number=number, refund=refund, at=now, actor=actor, actor_name=name, action=action,
            from_state=state, to_state=to, amount=900, currency="usd", words=words,
            previous_hash=hashes[-1], hash=hashlib.sha256(text.encode()).hexdigest(),
        )  # fmt: skip
        hashes.append(hashlib.sha256(text.encode()).hexdigest())
    return hashes[1:]


def migrate_on() -> None:
    executor = MigrationExecutor(connection)
    executor.migrate(executor.loader.graph.leaf_nodes())


def test_names_move_and_the_chain_and_its_heads_are_proved(
    before: MigrationExecutor, heads: Path
) -> None:
    hashes = write_ledger(before)
    heads.write_text(f"2026-11-02T02:07:00+00:00 2 {hashes[1]}\n")
    migrate_on()

    assert refund_ledger.verify().problems == []
    assert said() == [("Alice Archer <alice@example.com>", "not_used: Ill."), ("The portal", "")]
    refund_ledger.export_head(refund_ledger.verify())
    with connection.cursor() as cursor, pytest.raises(Exception, match="append-only"):
        cursor.execute("UPDATE billing_refundentry SET amount = 1")

    close_account(User.objects.get(username="alice"))
    assert refund_ledger.verify().problems == []
    with connection.cursor() as cursor:
        cursor.execute("SELECT r::text FROM billing_refundentry r")
        entries = str(cursor.fetchall())
        cursor.execute("SELECT t::text FROM billing_ledgertext t")
        texts = str(cursor.fetchall())
    for trace in ("Alice", "alice", "Ill.", *hashes[:1]):
        assert trace not in entries + texts


@pytest.mark.parametrize(
    ("tampering", "problem"),
    [
        ("UPDATE billing_refundentry SET amount = 800 WHERE number = 2", "Entry 2 was changed"),
        ("UPDATE billing_refundentry SET words = 'Well.' WHERE number = 1", "Entry 1 was changed"),
        ("UPDATE billing_refundentry SET actor_name = 'Eve' WHERE number = 1", "Entry 1 was"),
    ],
)
def test_what_was_tampered_with_before_is_found_after(
    before: MigrationExecutor, tampering: str, problem: str
) -> None:
    """Hashing anew must not make a forged entry a proper one."""
    write_ledger(before)
    with connection.cursor() as cursor:
        cursor.execute("SET session_replication_role = replica")
        cursor.execute(tampering)
        cursor.execute("SET session_replication_role = origin")
    migrate_on()

    problems = refund_ledger.verify().problems
    assert any(one.startswith(problem) for one in problems), problems


def test_a_head_of_before_that_was_another_is_found_after(
    before: MigrationExecutor, heads: Path
) -> None:
    write_ledger(before)
    heads.write_text(f"2026-11-02T02:07:00+00:00 2 {'f' * 64}\n")
    migrate_on()

    assert refund_ledger.verify().problems == ["Entry 2 is not the one that was exported."]
