"""The account's balance: each currency's is the sum of its balance transactions, and only that."""

from __future__ import annotations

from sandbox.stripe.events import private
from sandbox.world import PRIVATE, Json, World

BROUGHT_FORWARD = 1_000_000
"""What an account that has done business before begins with, in each currency it uses."""
AVAILABLE_AFTER = 2 * 86400
STRIPE_FEE, DISPUTE_FEE = "Stripe processing fees", "Dispute fee"
_CATEGORIES = {
    "adjustment": "other_adjustment",
    "payment": "charge",
    "payment_refund": "refund",
    "payout_cancel": "payout_reversal",
    "payout_failure": "payout_reversal",
    "reserve_transaction": "risk_reserve",
    "stripe_fee": "fee",
    "tax_fee": "tax",
}
"""Stripe documentation, "Reporting categories": where it isn't the type itself."""


def book(
    world: World,
    source: Json,
    amount: int,
    kind: str,
    *,
    fees: list[Json] | None = None,
    category: str = "",
    at_once: bool = False,
) -> Json:
    """Record an amount in the balance (negative if money leaves)."""
    _bring_forward(world, source["currency"])
    return _put(world, source, amount, kind, fees or [], category, at_once=at_once)


def _put(
    world: World,
    source: Json,
    amount: int,
    kind: str,
    fees: list[Json],
    category: str = "",
    *,
    at_once: bool = False,
) -> Json:
    now = world.now()
    fee = sum(int(one["amount"]) for one in fees)
    return world.objects.put(
        {
            "id": world.new_id("txn_3"),
            "object": "balance_transaction",
            "amount": amount,
            "available_on": now if at_once else now + AVAILABLE_AFTER,
            "balance_type": "payments",
            "created": now,
            "currency": source["currency"],
            "description": source.get("description"),
            "exchange_rate": None,
            "fee": fee,
            "fee_details": fees,
            "net": amount - fee,
            "reporting_category": category or _CATEGORIES.get(kind, kind),
            "source": source.get("id"),
            "status": "available" if at_once else "pending",
            "type": kind,
        }
    )


def fee(amount: int, currency: str, *, kind: str = "stripe_fee", words: str = STRIPE_FEE) -> Json:
    """A part of a balance transaction's fee."""
    return {
        "amount": amount,
        "application": None,
        "currency": currency,
        "description": words,
        "type": kind,
    }


def _bring_forward(world: World, currency: str) -> None:
    """Begin a currency's balance, before its first entry."""
    if not world.objects.list("balance_transaction", currency=currency):
        _put_opening(world, currency, BROUGHT_FORWARD)


def _put_opening(world: World, currency: str, amount: int) -> None:
    """Book what's from before; it stays in the balance, as Stripe's minimum balance does."""
    before = {"currency": currency, "description": "Balance brought forward"}
    private(_put(world, before, amount, "adjustment", [], at_once=True))["stays"] = True


def entries(world: World, currency: str) -> list[Json]:
    """A currency's entries, newest first, as of now."""
    _bring_forward(world, currency)
    return [
        shown(world, one) for one in world.objects.list("balance_transaction", currency=currency)
    ]


def shown(world: World, entry: Json) -> Json:
    """An entry as of now: it's available once its day has come."""
    if entry["status"] == "pending" and entry["available_on"] <= world.now():
        entry["status"] = "available"
        world.objects.put(entry)
    return entry


def total(world: World, currency: str) -> int:
    """All that a currency has, in minor units."""
    return sum(int(entry["net"]) for entry in entries(world, currency))


def set_total(world: World, currency: str, amount: int) -> None:
    """Set what a currency has, as if the account had begun with more or less."""
    missing = amount - total(world, currency)
    if missing:
        _put_opening(world, currency, missing)


def not_paid_out(world: World, currency: str) -> list[Json]:
    """The entries that no automatic payout has paid out yet, oldest first."""
    kept = entries(world, currency)[::-1]
    return [one for one in kept if not {"stays", "payout"} & {*one.get(PRIVATE, {})}]


def used(world: World) -> list[str]:
    """The currencies of all entries."""
    return sorted({entry["currency"] for entry in world.objects.list("balance_transaction")})


def read(world: World) -> Json:
    """The available and pending balance, for each currency ever used."""
    sums = {one: _split(world, one) for one in used(world) or ["usd"]}
    return {
        "object": "balance",
        "available": [_amount(one, available) for one, (available, _) in sums.items()],
        "livemode": False,
        "pending": [_amount(one, pending) for one, (_, pending) in sums.items()],
        "refund_and_dispute_prefunding": {
            "available": [_amount(one, 0) for one in sums],
            "pending": [_amount(one, 0) for one in sums],
        },
    }


def _split(world: World, currency: str) -> tuple[int, int]:
    """What's available, and what's pending: cards pay out after a few days."""
    kept = entries(world, currency)
    available = sum(int(one["net"]) for one in kept if one["status"] == "available")
    return available, sum(int(one["net"]) for one in kept) - available


def _amount(currency: str, amount: int) -> Json:
    return {"amount": amount, "currency": currency, "source_types": {"card": amount}}
