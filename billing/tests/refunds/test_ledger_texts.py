"""Names and words leave the ledger when people do, and the rest is still verified."""

from __future__ import annotations

import hashlib
import json
import secrets
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.db import connection

from billing.core.statuses import LedgerTextKind
from billing.models import LedgerText, Refund, RefundEntry
from billing.refunds import ledger, ledger_texts
from billing.refunds import service as refunds
from billing.tests import factories
from billing.tests.refund_world import approver, ask, policy
from portal.backoffice.close_account import close_account

NOW = datetime(2026, 11, 1, 12, 0, 0, 123456, tzinfo=UTC)
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
    ledger.export_head(ledger.verify())
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
    assert ledger.verify().problems == []


def test_staff_who_leave_leave_what_they_said(bob: User) -> None:
    close_account(bob)

    assert said()[3] == ("Somebody who has left", "Of course, Carol Cole.")
    assert not LedgerText.objects.filter(text__contains="Bob").exists()
    assert ledger.verify().problems == []


def test_nothing_tells_what_is_gone(bob: User) -> None:
    """The digest can't be guessed: its salt is gone, too."""
    entry = RefundEntry.objects.get(number=1)
    name = ledger_texts.actor_name(entry)
    assert entry.actor_digest != hashlib.sha256(name.encode()).hexdigest()
    salts = set(LedgerText.objects.values_list("salt", flat=True))
    assert len(salts) == LedgerText.objects.count()
    close_account(User.objects.get(first_name="Alice"))
    assert not LedgerText.objects.filter(entry=entry).exists()


# Entries of the first scheme, which were hashed anew when names and words left the table


def write_ledger(forged: dict[int, dict[str, Any]] | None = None) -> list[str]:
    """Write two such entries; return the hashes that they had with names and words in them.

    `forged` are columns, by an entry's number, that were changed by hand before it was hashed anew.
    """
    alice = factories.make_member("Alice Archer")
    payment = factories.make_payment(customer=factories.make_customer(alice))
    refund = Refund.objects.create(
        payment=payment, customer=payment.customer, amount=900, amount_asked=900, currency="usd",
        origin="member", state="approved", created_at=NOW, requested_by=alice,
    )  # fmt: skip
    steps = [
        (alice.pk, f"Alice Archer <{alice.email}>", "requested", "", "requested", "not_used: Ill."),
        (None, "The portal", "approved_by_policy", "requested", "approved", ""),
    ]
    hashes, previous = [GENESIS], GENESIS
    for number, (actor, name, action, state, to, words) in enumerate(steps, 1):
        columns = {
            "number": number, "refund": refund.pk, "at": NOW.isoformat(timespec="microseconds"),
            "actor": actor, "actor_name": name, "action": action, "from": state, "to": to,
            "amount": 900, "currency": "usd", "stripe_id": "", "words": words,
            "policy_version": None, "previous_hash": hashes[-1],
        }  # fmt: skip
        text = json.dumps(columns, sort_keys=True, separators=(",", ":"))
        hashes.append(hashlib.sha256(text.encode()).hexdigest())
        entry = columns | (forged or {}).get(number, {})
        previous = hashed_anew(refund, entry, hashes[-1], previous)
    return hashes[1:]


def hashed_anew(refund: Refund, written: dict[str, Any], earlier: str, previous: str) -> str:
    """Write an entry, its texts beside it; return its hash."""
    texts = {
        LedgerTextKind.ACTOR: written["actor_name"] if written["actor"] else "",
        LedgerTextKind.WORDS: written["words"],
        LedgerTextKind.EARLIER: earlier,
    }
    drafts = [
        LedgerText(kind=kind, text=text, salt=secrets.token_hex(16))
        for kind, text in texts.items()
        if text
    ]
    entry = RefundEntry(
        number=written["number"], refund=refund, at=NOW, actor_id=written["actor"],
        action=written["action"], from_state=written["from"], to_state=written["to"],
        amount=written["amount"], currency=written["currency"], previous_hash=previous,
        **{f"{draft.kind}_digest": ledger_texts.digest(draft) for draft in drafts},
    )  # fmt: skip
    entry.hash = ledger.digest(entry)
    entry.save()
    ledger_texts.save(entry, drafts)
    return entry.hash


def test_names_that_were_hashed_once_and_the_heads_of_then_are_proved(
    db: None, heads: Path
) -> None:
    hashes = write_ledger()
    heads.write_text(f"2026-11-02T02:07:00+00:00 2 {hashes[1]}\n")

    assert ledger.verify().problems == []
    alice = User.objects.get(first_name="Alice")
    assert said() == [(f"Alice Archer <{alice.email}>", "not_used: Ill."), ("The portal", "")]
    ledger.export_head(ledger.verify())

    close_account(alice)
    assert ledger.verify().problems == []
    with connection.cursor() as cursor:
        cursor.execute("SELECT r::text FROM billing_refundentry r")
        entries = str(cursor.fetchall())
        cursor.execute("SELECT t::text FROM billing_ledgertext t")
        texts = str(cursor.fetchall())
    for trace in ("Alice", "alice", "Ill.", *hashes[:1]):
        assert trace not in entries + texts


@pytest.mark.parametrize(
    ("number", "column", "value"), [(2, "amount", 800), (1, "words", "W."), (1, "actor_name", "E.")]
)
def test_what_was_tampered_with_before_is_found_after(
    db: None, heads: Path, number: int, column: str, value: Any
) -> None:
    """Hashing anew must not make a forged entry a proper one."""
    write_ledger({number: {column: value}})

    problem = f"Entry {number} was changed before its names were kept apart."
    assert problem in ledger.verify().problems


def test_a_head_of_before_that_was_another_is_found_after(db: None, heads: Path) -> None:
    write_ledger()
    heads.write_text(f"2026-11-02T02:07:00+00:00 2 {'f' * 64}\n")

    assert ledger.verify().problems == ["Entry 2 is not the one that was exported."]
