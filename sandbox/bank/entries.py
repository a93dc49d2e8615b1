"""The account: every line of it, when it's posted, and the balance after it."""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from sandbox.world import World

OBJECT = "bank_entry"
OPENED = "bank_opened"
ZONE = ZoneInfo("America/New_York")
"""Where the bank's days begin."""

OPENING_BALANCE = 512_345
"""Cents on the account before its first line."""

ZELLE_IN = ("QUICKPAY_CREDIT", "PARTNERFI_TO_CHASE")
"""The types of a transfer from somebody at Chase, and from somebody at another bank."""
ZELLE_OUT = "CHASE_TO_PARTNERFI"
DETAILS = {
    "QUICKPAY_CREDIT": "CREDIT",
    "PARTNERFI_TO_CHASE": "CREDIT",
    "CHASE_TO_PARTNERFI": "DEBIT",
    "ACH_CREDIT": "CREDIT",
    "ACH_DEBIT": "DEBIT",
    "CHECK_PAID": "CHECK",
    "DEBIT_CARD": "DEBIT",
    "DEPOSIT": "DSLIP",
    "FEE_TRANSACTION": "DEBIT",
}
"""The first column of each type."""

INCOMING = ("CREDIT", "DSLIP")
Entry = dict[str, Any]


@dataclass(frozen=True)
class Posted:
    """A line of the account and the balance after it, in cents; pending ones have none."""

    entry: Entry
    balance: int | None

    @property
    def day(self) -> date:
        return date.fromisoformat(self.entry["posted_on"] or self.entry["day"])


def prepare(world: World) -> None:
    """Open the account with a few lines that have nothing to do with Zelle. Hold the lock."""
    if world.common.meta(OPENED):
        return
    world.common.set_meta(OPENED, True)
    opening = today(world)
    for ago, kind, amount, description, check in (
        (45, "DEPOSIT", 80_000, "DEPOSIT  ID NUMBER 884213", "884213"),
        (43, "CHECK_PAID", 21_050, "CHECK 1042  ", "1042"),
        (41, "ACH_CREDIT", 23_174, "ORIG CO NAME:STRIPE   ORIG ID:4270465600 TRANSFER", ""),
        (40, "DEBIT_CARD", 6_418, "SMITH, JONES & CO SUPPLIES 800-555-0144 CA", ""),
        (38, "FEE_TRANSACTION", 1_500, "MONTHLY SERVICE FEE", ""),
        (0, "DEBIT_CARD", 1_299, "COFFEE SHOP #12 PORTLAND OR", ""),
    ):
        add(
            world,
            kind=kind,
            amount=amount,
            day=opening - timedelta(days=ago),
            description=description,
            check=check,
            is_pending=not ago,
        )


def today(world: World) -> date:
    """The bank's day at the sandbox's time."""
    return datetime.fromtimestamp(world.now(), ZONE).date()


def add(
    world: World, *, kind: str, amount: int, day: date, is_pending: bool = False, **more: Any
) -> Entry:
    """Add a line; `held` in `more` says why it isn't posted. Hold the lock."""
    entry: Entry = {
        "id": "banktx_" + secrets.token_hex(10),
        "object": OBJECT,
        "serial": len(world.common.list(OBJECT)) + 1,
        "kind": kind,
        "amount": amount,
        "day": day.isoformat(),
        "description": "",
        "check": "",
        "held": "",
        "pending_until": _midnight_after(day) if is_pending else None,
        "posted_on": None,
        "created": world.now(),
        **more,
    }
    world.common.put(entry)
    settle(world)
    return entry


def _midnight_after(day: date) -> int:
    after = datetime.combine(day + timedelta(days=1), datetime.min.time(), ZONE)
    return int(after.astimezone(UTC).timestamp())


def settle(world: World) -> None:
    """Post what waited for its day, or for the switch that held it. Hold the lock."""
    for entry in world.common.list(OBJECT):
        if entry["posted_on"] or not _may_be_posted(world, entry):
            continue
        waited = entry["held"] or entry["pending_until"]
        now = today(world).isoformat()
        entry["posted_on"] = max(entry["day"], now) if waited else entry["day"]
        entry["held"] = ""
        world.common.put(entry)


def _may_be_posted(world: World, entry: Entry) -> bool:
    if entry["held"] and (entry["held"] != "switch" or world.switches.bank_late_file):
        return False
    return not entry["pending_until"] or bool(entry["pending_until"] <= world.now())


def release(world: World, entry: Entry) -> None:
    """Let a held line onto the account. Hold the lock."""
    if entry["held"]:
        entry["posted_on"] = max(entry["day"], today(world).isoformat())
        entry["held"] = ""
        world.common.put(entry)


def state(entry: Entry) -> str:
    """`posted`, `pending`, `late`, or `no_money` behind a forged mail."""
    if entry["posted_on"]:
        return "posted"
    if entry["held"] == "forged":
        return "no_money"
    return "late" if entry["held"] else "pending"


def signed(entry: Entry) -> int:
    """Cents that a line adds to the account."""
    amount = int(entry["amount"])
    return amount if DETAILS[entry["kind"]] in INCOMING else -amount


def lines(world: World) -> list[Posted]:
    """What the account's activity shows: pending lines, then the posted ones, newest first."""
    with world.lock:
        settle(world)
        world.save()
        entries = world.common.list(OBJECT)
    pending = [Posted(entry, None) for entry in entries if state(entry) == "pending"]
    posted = sorted(
        (entry for entry in entries if entry["posted_on"]),
        key=lambda entry: (entry["posted_on"], entry["serial"]),
    )
    balance, shown = OPENING_BALANCE, []
    for entry in posted:
        balance += signed(entry)
        shown.append(Posted(entry, balance))
    return [*pending, *reversed(shown)]


def balance(world: World) -> int:
    """What's on the account, in cents."""
    known = (line.balance for line in lines(world) if line.balance is not None)
    return next(known, OPENING_BALANCE)
