"""Names and words in the refund ledger: proved by its entries, and deleted when people leave.

An entry keeps a digest of each text instead of the text, since what's hashed in the chain stays
forever. The digest has a random salt, so it reveals nothing once text and salt are gone.

Earlier entries were hashed with names and words. Their old hash is kept as a text too, and is
verified while everything it was made from still exists.
"""

from __future__ import annotations

import hashlib
import json
import secrets
from collections.abc import Iterable, Iterator, Mapping
from datetime import UTC

from django.contrib.auth.models import User
from django.db.models import Q, QuerySet

from billing.core.statuses import LedgerTextKind, RefundAction
from billing.models import LedgerText, RefundEntry

SYSTEM, STRIPE, GONE = "The portal", "Stripe", "Somebody who has left"
BY_STRIPE = frozenset({RefundAction.FOUND, RefundAction.STRIPE, RefundAction.REOPENED})
GENESIS = "0" * 64
# What the earlier hash says instead of a person. Unlike the labels above, these never change.
HASHED_SYSTEM, HASHED_STRIPE = "The portal", "Stripe"

Texts = Mapping[LedgerTextKind, str]


def drafted(actor: User | None, words: str) -> list[LedgerText]:
    """Return the texts of an entry about to be written, each with its own salt."""
    texts = {LedgerTextKind.ACTOR: _called(actor) if actor else "", LedgerTextKind.WORDS: words}
    return [
        LedgerText(kind=kind, text=text, salt=secrets.token_hex(16))
        for kind, text in texts.items()
        if text
    ]


def digest(text: LedgerText) -> str:
    """Return SHA-256 (hexadecimal) over a text's salt and the text, encoded as UTF-8."""
    return hashlib.sha256(f"{text.salt}{text.text}".encode()).hexdigest()


def digests_of(entry: RefundEntry) -> dict[LedgerTextKind, str]:
    """Return an entry's digests by kind; an empty one means no text."""
    return {
        LedgerTextKind.ACTOR: entry.actor_digest,
        LedgerTextKind.WORDS: entry.words_digest,
        LedgerTextKind.EARLIER: entry.earlier_digest,
    }


def words(entry: RefundEntry) -> str:
    """Return a step's words, or "" if there were none or they were deleted."""
    return _texts(entry).get(LedgerTextKind.WORDS, "")


def actor_name(entry: RefundEntry) -> str:
    """Return the actor's name at the time, or their current one if that was deleted."""
    if entry.actor is None:
        return machine(entry.action)
    name = _texts(entry).get(LedgerTextKind.ACTOR)
    return name or (_called(entry.actor) if entry.actor.is_active else GONE)


def machine(action: str) -> str:
    """Return the actor of a step that no person took."""
    return STRIPE if action in BY_STRIPE else SYSTEM


def asked(reason: str, words: str) -> str:
    """Return the words of a request's entry: its reason, and what was written with it."""
    return f"{reason}: {words}" if words else reason


def asked_words(text: str) -> str:
    """Return what was written with a request, from the words of its entry."""
    return text.partition(": ")[2]


def _called(actor: User) -> str:
    name = actor.get_full_name() or actor.get_username()
    return f"{name} <{actor.email}>"[:300]


def _texts(entry: RefundEntry) -> Texts:
    return {LedgerTextKind(one.kind): one.text for one in entry.texts.all()}


# Verifying them


def wrong_with(entry: RefundEntry, earlier: str | None, left: set[int]) -> Iterator[str]:
    """Yield problems with an entry's texts: changed, deleted too soon, or not what was hashed.

    `earlier` is the previous entry's earlier hash, or None if that was deleted. `left` are the
    users who left: a text may be missing only if it was one of theirs.
    """
    rows = {LedgerTextKind(one.kind): one for one in entry.texts.all()}
    for kind, kept in digests_of(entry).items():
        text = rows.get(kind)
        if text and digest(text) != kept:
            yield f"A text of entry {entry.number} ({kind}) was changed after it was written."
        elif kept and not text and not left & {entry.actor_id, entry.refund.customer.user_id}:
            yield f"A text of entry {entry.number} ({kind}) is gone, and nobody has left."
    if earlier is not None and (first := rows.get(LedgerTextKind.EARLIER)):
        texts = {kind: one.text for kind, one in rows.items()}
        if _is_whole(entry, texts) and _earlier_hash(entry, texts, earlier) != first.text:
            yield f"Entry {entry.number} was changed before its names were kept apart."


def earlier_hash(entry: RefundEntry) -> str | None:
    """Return the hash from before names were separated: "" for newer entries, None if deleted."""
    if not entry.earlier_digest:
        return ""
    return _texts(entry).get(LedgerTextKind.EARLIER)


def _is_whole(entry: RefundEntry, texts: Texts) -> bool:
    """Whether everything that the earlier hash was made of exists."""
    return all(kind in texts for kind, kept in digests_of(entry).items() if kept)


def _hashed_machine(action: str) -> str:
    return HASHED_STRIPE if action in BY_STRIPE else HASHED_SYSTEM


def _earlier_hash(entry: RefundEntry, texts: Texts, previous: str) -> str:
    """Return the hash as it was computed when names and words were columns."""
    columns = {
        "number": entry.number,
        "refund": entry.refund_id,
        "at": entry.at.astimezone(UTC).isoformat(timespec="microseconds"),
        "actor": entry.actor_id,
        "actor_name": texts.get(LedgerTextKind.ACTOR) or _hashed_machine(entry.action),
        "action": str(entry.action),
        "from": str(entry.from_state),
        "to": str(entry.to_state),
        "amount": entry.amount,
        "currency": entry.currency,
        "stripe_id": entry.stripe_id,
        "words": texts.get(LedgerTextKind.WORDS, ""),
        "policy_version": entry.policy_version,
        "previous_hash": previous or GENESIS,
    }
    hashed = json.dumps(columns, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(hashed.encode()).hexdigest()


# Deleting them


def forget(users: QuerySet[User]) -> int:
    """Delete the names and words of users who left, and what was said to them.

    What staff said about other people's refunds stays, without their name. Return the number of
    deleted texts.
    """
    of_theirs = Q(entry__refund__customer__user__in=users)
    own_name = Q(entry__actor__in=users, kind__in=[LedgerTextKind.ACTOR, LedgerTextKind.EARLIER])
    deleted, _ = LedgerText.objects.filter(of_theirs | own_name).delete()
    return deleted


def save(entry: RefundEntry, texts: Iterable[LedgerText]) -> None:
    """Write an entry's texts once it has its row."""
    for text in texts:
        text.entry = entry
    LedgerText.objects.bulk_create(texts)
