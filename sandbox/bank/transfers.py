"""Zelle payments to and from the business: what's asked for, what's mailed, what's posted."""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, time
from typing import Any

from sandbox.bank import entries, notices, store
from sandbox.bank.entries import DETAILS, INCOMING, ZELLE_IN, ZELLE_OUT, ZONE, Entry
from sandbox.bank.notices import Notice
from sandbox.stripe import currencies
from sandbox.switches import FORGERIES
from sandbox.world import World

LARGEST = 1_000_000_00
LONGEST = 140
ANOTHER_MEMO = "thanks for everything!"
TOO_MUCH = 10_00
"""What a wrong amount is above the right one, in cents."""

EFFECTS = ("no_mail", "no_memo", "wrong_memo", "wrong_amount", "doubled_mail", "late_file")
"""What a transfer may ask for by itself, whatever the switch `bank_…` says."""

KNOWN = {
    *("name", "amount", "memo", "direction", "day", "reference", "kind", "pending", "forged"),
    *EFFECTS,
}
_LETTERS = "abcdefghjkmnpqrstuvwxyz0123456789"


@dataclass(frozen=True)
class Wanted:
    """A transfer that's asked for, checked."""

    name: str
    amount: int
    memo: str
    kind: str
    day: date
    reference: str | None
    effects: Mapping[str, Any] = field(default_factory=dict)
    is_pending: bool = False

    @property
    def is_zelle(self) -> bool:
        return self.kind in (*ZELLE_IN, ZELLE_OUT)


def make(world: World, body: Mapping[str, Any]) -> Entry:
    """Move money as `body` says, and tell the business by mail. Hold the lock.

    Raises:
        ValueError: something is missing or wrong; nothing happened.
    """
    wanted = _checked(world, body)
    if not wanted.is_zelle:
        return _add(world, wanted, description=wanted.name)
    number = _new_number(world)
    entry = _add(
        world,
        wanted,
        name=wanted.name,
        memo=wanted.memo,
        transaction=number,
        reference=_reference(wanted, number),
        sent_at=_moment(world, wanted.day),
        effects=dict(wanted.effects),
        mails=[],
        said=[],
    )
    if not _effect(world, entry, "no_mail"):
        tell(world, entry)
    return entry


def _add(world: World, wanted: Wanted, **more: Any) -> Entry:
    return entries.add(
        world,
        kind=wanted.kind,
        amount=wanted.amount,
        day=wanted.day,
        is_pending=wanted.is_pending,
        held=_held(world, wanted.effects),
        **more,
    )


def _held(world: World, effects: Mapping[str, Any]) -> str:
    """Why a new line isn't posted at once: nobody paid, the test says so, or the switch."""
    if "late_file" in effects:
        return "alone" if effects["late_file"] else ""
    if (effects.get("forged") or world.switches.bank_forged) != "none":
        return "forged"
    return "switch" if world.switches.bank_late_file else ""


def tell(world: World, entry: Entry) -> None:
    """Mail the business about a transfer; again means with another Message-ID. Hold the lock."""
    notice = _notice(world, entry)
    mail = notices.write(world, entry, notice)
    copies = 2 if _effect(world, entry, "doubled_mail") else 1
    for _ in range(copies):
        entry["mails"].append(store.receive(world, mail)["uid"])
        entry["said"].append(_otherwise(entry, notice))
    world.common.put(entry)


def _notice(world: World, entry: Entry) -> Notice:
    wrong_amount = _effect(world, entry, "wrong_amount")
    amount = entry["amount"] + TOO_MUCH if wrong_amount is True else wrong_amount or entry["amount"]
    wrong_memo = _effect(world, entry, "wrong_memo")
    memo = ANOTHER_MEMO if wrong_memo is True else wrong_memo or entry["memo"]
    forged = entry["effects"].get("forged") or world.switches.bank_forged
    return Notice(amount, "" if _effect(world, entry, "no_memo") else memo, forged)


def _otherwise(entry: Entry, notice: Notice) -> str:
    """What a mail says that isn't so, in words."""
    found = []
    if notice.forged != "none":
        found.append(f"forged ({notice.forged.replace('_', ' ')})")
    if notice.amount != entry["amount"]:
        found.append(f"says {currencies.money(notice.amount, 'usd')}")
    if notice.memo != entry["memo"]:
        found.append(f"memo “{notice.memo}”" if notice.memo else "no memo")
    return ", ".join(found)


def _effect(world: World, entry: Entry, name: str) -> Any:
    """What the transfer asks for; otherwise what the switch says."""
    return entry["effects"].get(name, getattr(world.switches, f"bank_{name}"))


def find(world: World, entry_id: str) -> Entry:
    """A transfer by its ID. Raises LookupError."""
    entry = world.common.get(entry_id)
    if entry is None or entry["object"] != entries.OBJECT or "transaction" not in entry:
        raise LookupError(f"There is no transfer {entry_id}.")
    return entry


def newest_first(world: World) -> list[Entry]:
    """The Zelle payments, forged ones too."""
    with world.lock:
        entries.settle(world)
        return [entry for entry in world.common.list(entries.OBJECT) if "transaction" in entry]


def public(entry: Entry) -> dict[str, Any]:
    """The transfer, or another line, as the control API shows it."""
    shown = ("id", "kind", "name", "memo", "amount", "day", "transaction", "reference", "posted_on")
    return {
        **{name: entry[name] for name in shown if name in entry},
        "direction": "in" if DETAILS[entry["kind"]] in INCOMING else "out",
        "state": entries.state(entry),
        "mails": entry.get("mails", []),
    }


def _checked(world: World, body: Mapping[str, Any]) -> Wanted:
    if unknown := set(body) - KNOWN:
        raise ValueError(f"A transfer has no {', '.join(sorted(unknown))}.")
    return Wanted(
        name=_text(body, "name"),
        amount=_cents(body.get("amount")),
        memo=_text(body, "memo", ""),
        kind=_kind(body),
        day=_day(world, body.get("day")),
        reference=_text(body, "reference", "") if body.get("reference") is not None else None,
        effects=_effects(body),
        is_pending=_as_bool("pending", body.get("pending", False)),
    )


def _kind(body: Mapping[str, Any]) -> str:
    """The type of the line; without one, a transfer from or to somebody at Chase."""
    direction, kind = body.get("direction"), body.get("kind")
    if direction not in (None, "in", "out"):
        raise ValueError("The direction is in or out.")
    if kind is None:
        return ZELLE_OUT if direction == "out" else ZELLE_IN[0]
    if kind not in DETAILS:
        raise ValueError(f"The kind is one of {', '.join(DETAILS)}.")
    if direction and (DETAILS[kind] in INCOMING) != (direction == "in"):
        raise ValueError(f"{kind} is the other direction.")
    return str(kind)


def _text(body: Mapping[str, Any], name: str, default: str | None = None) -> str:
    text = body.get(name, default)
    if not isinstance(text, str) or len(text) > LONGEST or not (text + "x").isprintable():
        raise ValueError(f"The {name} is a line of at most {LONGEST} characters.")
    if default is None and not text.strip():
        raise ValueError(f"The {name} is missing.")
    return text.strip()


def _cents(value: object) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or not 0 < value <= LARGEST:
        raise ValueError("The amount is a whole number of cents, above zero.")
    return value


def _day(world: World, value: object) -> date:
    if value is None:
        return entries.today(world)
    try:
        return date.fromisoformat(str(value))
    except ValueError:
        raise ValueError("A day is written like 2026-03-28.") from None


def _as_bool(name: str, value: object) -> bool:
    if not isinstance(value, bool):
        raise ValueError(f"{name} is either true or false.")
    return value


def _effects(body: Mapping[str, Any]) -> dict[str, Any]:
    """The effects that a transfer asks for, each in a form of its own."""
    effects = {name: body[name] for name in EFFECTS if name in body}
    for name, value in effects.items():
        if name == "wrong_memo" and isinstance(value, str):
            _text(effects, name, "")
        elif name == "wrong_amount" and not isinstance(value, bool):
            _cents(value)
        else:
            _as_bool(name, value)
    if "forged" in body:
        if body["forged"] not in FORGERIES:
            raise ValueError(f"forged is one of {', '.join(FORGERIES)}.")
        effects["forged"] = body["forged"]
    return effects


def _new_number(world: World) -> str:
    taken = {entry.get("transaction") for entry in world.common.list(entries.OBJECT)}
    while (number := f"{20_000_000_000 + secrets.randbelow(10_000_000_000)}") in taken:
        pass
    return number


def _reference(wanted: Wanted, number: str) -> str:
    """What the file shows behind the name: within Chase, the number of the mail."""
    if wanted.reference is not None:
        return wanted.reference
    if wanted.kind != ZELLE_IN[1]:
        return number
    return f"BAC{''.join(secrets.choice(_LETTERS) for _ in range(8))}{secrets.randbelow(10)}"


def _moment(world: World, day: date) -> int:
    """When the transfer was sent: now, or at noon of another day."""
    if day == entries.today(world):
        return world.now()
    return int(datetime.combine(day, time(12), ZONE).timestamp())
