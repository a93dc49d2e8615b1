"""The history of all refunds: one chain of entries, each with the previous one's hash."""

from __future__ import annotations

import hashlib
import json
import logging
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC
from pathlib import Path

from django.conf import settings
from django.contrib.auth.models import User
from django.db import connection, transaction
from django.db.models import F, Q, Sum
from django.utils import timezone

from billing.core.statuses import (
    REFUND_MOVES,
    REFUND_VOID,
    LedgerTextKind,
    RefundAction,
    RefundState,
)
from billing.models import LedgerCheck, Refund, RefundEntry
from billing.refunds import ledger_texts
from billing.refunds.ledger_texts import GENESIS

logger = logging.getLogger(__name__)

# The number of PostgreSQL's advisory lock: "refunds" in ASCII.
LOCK = 0x726566756E6473
# Which columns are hashed. The first scheme included names and words (see `ledger_texts`).
SCHEME = 2
DECISIONS = frozenset({RefundAction.APPROVED, RefundAction.APPROVED_FIRST, RefundAction.DENIED})
# As plain text: a tampered table may hold something that isn't a state.
MOVES = {str(state): moves for state, moves in REFUND_MOVES.items()}
LISTED, FETCHED = 200, 500
# A line in the heads file: the time, the last entry's number (0: nothing yet), its hash, and its
# scheme unless that's the first.
HEAD = re.compile(r"\S+ (?P<number>\d+) (?P<hash>[0-9a-f]{64})( (?P<scheme>\d+))?")


def append(
    refund: Refund,
    action: RefundAction,
    before: RefundState | None,
    *,
    actor: User | None = None,
    words: str = "",
) -> RefundEntry:
    """Append what just happened to a refund, in the transaction that changed its row.

    Entries wait for each other here until commit, since there's one chain.
    """
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(%s)", [LOCK])
    last = RefundEntry.objects.order_by("number").last()
    texts = ledger_texts.drafted(actor, words)
    digests = {text.kind: ledger_texts.digest(text) for text in texts}
    entry = RefundEntry(
        number=last.number + 1 if last else 1,
        refund=refund,
        at=timezone.now(),
        actor=actor,
        actor_digest=digests.get(LedgerTextKind.ACTOR, ""),
        action=action,
        from_state=before or "",
        to_state=refund.state,
        amount=refund.amount,
        currency=refund.currency,
        stripe_id=refund.stripe_id or "",
        words_digest=digests.get(LedgerTextKind.WORDS, ""),
        policy_version=refund.policy.version if refund.policy else None,
        previous_hash=last.hash if last else GENESIS,
    )
    entry.hash = digest(entry)
    entry.save(force_insert=True)
    ledger_texts.save(entry, texts)
    return entry


def digest(entry: RefundEntry) -> str:
    """Return SHA-256 (hexadecimal) over `hashed_text`, encoded as UTF-8."""
    return hashlib.sha256(hashed_text(entry).encode()).hexdigest()


def hashed_text(entry: RefundEntry) -> str:
    """Return an entry's columns as the JSON that's hashed: names sorted, no spaces, ASCII.

    Times are UTC with microseconds; amounts are in minor units. The previous entry's hash is a
    column. Names and words are hashed only as digests (see `ledger_texts`).
    """
    columns = {
        "scheme": SCHEME,
        "number": entry.number,
        "refund": entry.refund_id,
        "at": entry.at.astimezone(UTC).isoformat(timespec="microseconds"),
        "actor": entry.actor_id,
        "actor_digest": entry.actor_digest,
        "action": str(entry.action),
        "from": str(entry.from_state),
        "to": str(entry.to_state),
        "amount": entry.amount,
        "currency": entry.currency,
        "stripe_id": entry.stripe_id,
        "words_digest": entry.words_digest,
        "policy_version": entry.policy_version,
        "earlier_digest": entry.earlier_digest,
        "previous_hash": entry.previous_hash,
    }
    return json.dumps(columns, sort_keys=True, separators=(",", ":"))


# Verifying it


@dataclass
class _Walk:
    """The state of the walk along the chain: the last entry, and each refund's last."""

    entries: int = 0
    head: str = GENESIS
    last: dict[int, tuple[str, int, str]] = field(default_factory=dict)
    problems: list[str] = field(default_factory=list)


def verify() -> LedgerCheck:
    """Verify the chain, and compare it with the rows and the exported heads.

    The result is stored. `refund_sync.compare_with_stripe` adds Stripe's side.
    """
    check = LedgerCheck.objects.create(started_at=timezone.now())
    with transaction.atomic(), connection.cursor() as cursor:
        # While it's held, nothing is appended, so chain and rows match.
        cursor.execute("SELECT pg_advisory_xact_lock(%s)", [LOCK])
        exported = _exported_heads()
        walk = _walk(exported)
        walk.problems += [
            *exported.problems,
            *(
                f"Entry {number} was exported once and is not there any more."
                for number in exported.numbers
                if number > walk.entries
            ),
        ]
        compared = _compare_rows(walk)
        walk.problems += [*_overpaid(), *_own_decisions()]
    check.entries, check.head_hash = walk.entries, walk.head
    check.refunds_compared = compared
    check.problems = walk.problems[:LISTED]
    check.finished_at = timezone.now()
    check.save()
    if walk.problems:
        logger.error("The ledger of refunds has %d problems.", len(walk.problems))
    return check


def _walk(exported: _Heads) -> _Walk:
    walk = _Walk()
    left = set(User.objects.filter(is_active=False).values_list("pk", flat=True))
    entries = RefundEntry.objects.order_by("number").select_related("refund__customer")
    earlier: str | None = ""
    for entry in entries.prefetch_related("texts").iterator(chunk_size=FETCHED):
        walk.problems += _wrong_with(entry, walk)
        walk.problems += ledger_texts.wrong_with(entry, earlier, left)
        earlier = ledger_texts.earlier_hash(entry)
        if not exported.fit(entry, earlier):
            walk.problems.append(f"Entry {entry.number} is not the one that was exported.")
        walk.entries, walk.head = entry.number, entry.hash
        walk.last[entry.refund_id] = (entry.to_state, entry.amount, entry.stripe_id)
    return walk


def _wrong_with(entry: RefundEntry, walk: _Walk) -> Iterator[str]:
    if entry.number != walk.entries + 1:
        yield f"Between entries {walk.entries} and {entry.number} something is missing."
    if entry.previous_hash != walk.head:
        yield f"Entry {entry.number} does not follow from the one before it."
    if digest(entry) != entry.hash:
        yield f"Entry {entry.number} was changed after it was written."
    before, _amount, _stripe_id = walk.last.get(entry.refund_id, ("", 0, ""))
    if entry.from_state != before:
        yield f"Entry {entry.number} begins at “{entry.from_state}”, the last ended at “{before}”."
    if before and entry.to_state not in (before, *MOVES.get(before, frozenset())):
        yield f"Entry {entry.number} goes from “{before}” to “{entry.to_state}”, which can't be."


def _compare_rows(walk: _Walk) -> int:
    """Compare each refund's row with its last entry; return how many there are."""
    count = 0
    for refund in Refund.objects.order_by("pk").iterator():
        count += 1
        row = (refund.state, refund.amount, refund.stripe_id or "")
        last = walk.last.pop(refund.pk, None)
        if last is None:
            walk.problems.append(f"Refund {refund.pk} has no entry.")
        elif row != last:
            walk.problems.append(
                f"Refund {refund.pk} is {_plain(row)}, its last entry says {_plain(last)}."
            )
    walk.problems += [f"Refund {pk} has entries and no row." for pk in walk.last]
    return count


def _plain(parts: tuple[str, int, str]) -> str:
    return " ".join(str(part) for part in parts if part)


def _overpaid() -> Iterator[str]:
    """Yield payments that are refunded more than was paid."""
    held = Sum("amount", filter=~Q(state__in=sorted(REFUND_VOID)))
    sums = Refund.objects.values("payment", "payment__amount_received").annotate(held=held)
    for row in sums.filter(held__gt=F("payment__amount_received")).order_by("payment"):
        yield f"Of payment {row['payment']} more is refunded than was paid."


def _own_decisions() -> Iterator[str]:
    """Yield decisions by people on their own request or payment."""
    own = Q(actor=F("refund__requested_by")) & Q(refund__origin="member")
    own |= Q(actor=F("refund__customer__user"))
    for entry in RefundEntry.objects.filter(own, action__in=sorted(DECISIONS)):
        yield f"Entry {entry.number} is a decision on their own refund."


# Heads: stored outside of the database, they prove that the chain wasn't rewritten


@dataclass
class _Heads:
    """The exported hashes by entry number, in the first scheme and the current one."""

    first: dict[int, set[str]] = field(default_factory=dict)
    ours: dict[int, set[str]] = field(default_factory=dict)
    problems: list[str] = field(default_factory=list)

    @property
    def numbers(self) -> list[int]:
        return sorted({*self.first, *self.ours})

    def add(self, number: int, digest: str, scheme: int) -> None:
        """Add one line of the file."""
        heads = self.ours if scheme == SCHEME else self.first
        heads.setdefault(number, set()).add(digest)

    def fit(self, entry: RefundEntry, earlier: str | None) -> bool:
        """Whether an entry matches its exported hash; a forgotten hash can't be checked."""
        known = earlier is None or self.first.get(entry.number, {earlier}) == {earlier}
        return known and self.ours.get(entry.number, {entry.hash}) == {entry.hash}


def export_head(check: LedgerCheck) -> None:
    """Write the chain's head to the log and LEDGER_HEADS_FILE: time, number, hash, scheme.

    A file that can't be written becomes a problem of the check, which staff see.
    """
    at = (check.finished_at or check.started_at).astimezone(UTC).isoformat(timespec="seconds")
    logger.info("Ledger of refunds: entry %d, head %s", check.entries, check.head_hash)
    if not settings.LEDGER_HEADS_FILE:
        return
    file = Path(settings.LEDGER_HEADS_FILE)
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        with file.open("a") as heads:
            heads.write(f"{at} {check.entries} {check.head_hash} {SCHEME}\n")
    except OSError as error:
        check.problems = [*check.problems, f"The head can't be written: {_why(error)}."]
    else:
        check.head_exported = True
    check.save(update_fields=["problems", "head_exported"])


def _exported_heads() -> _Heads:
    """Read the exported heads. Unreadable lines and a missing file are problems."""
    heads = _Heads()
    if not settings.LEDGER_HEADS_FILE:
        return heads
    try:
        lines = Path(settings.LEDGER_HEADS_FILE).read_text(errors="replace").splitlines()
    except FileNotFoundError:
        if LedgerCheck.objects.filter(head_exported=True).exists():
            heads.problems.append("The file of exported heads is gone.")
        return heads
    except OSError as error:
        heads.problems.append(f"The exported heads can't be read: {_why(error)}.")
        return heads
    for place, line in enumerate(lines, 1):
        head = HEAD.fullmatch(line.strip())
        if head and int(head["number"]):
            heads.add(int(head["number"]), head["hash"], int(head["scheme"] or 1))
        elif line.strip() and not head:
            heads.problems.append(f"Line {place} of the exported heads is no head.")
    return heads


def _why(error: OSError) -> str:
    return f"{error.strerror} ({error.filename})"
