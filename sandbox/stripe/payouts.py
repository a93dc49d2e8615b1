"""The balance, and payouts to the business's bank account."""

from __future__ import annotations

from sandbox.stripe import charges, refunds
from sandbox.stripe.errors import invalid, missing
from sandbox.stripe.events import emit
from sandbox.stripe.params import new_metadata
from sandbox.stripe.periods import DAY
from sandbox.stripe.shown import whole
from sandbox.world import Json, World

ARRIVES_AFTER = 2 * DAY


def balance(world: World) -> Json:
    """The available and pending balance, for each currency ever used."""
    entries = world.objects.list("balance_transaction")
    currencies = sorted({entry["currency"] for entry in entries}) or ["usd"]
    pending = {currency: _pending(entries, currency, world.now()) for currency in currencies}
    available = {one: refunds.available(world, one) - pending[one] for one in currencies}
    return {
        "object": "balance",
        "available": [_amount(one, available[one]) for one in currencies],
        "livemode": False,
        "pending": [_amount(one, pending[one]) for one in currencies],
        "refund_and_dispute_prefunding": {
            "available": [_amount(one, 0) for one in currencies],
            "pending": [_amount(one, 0) for one in currencies],
        },
    }


def _amount(currency: str, amount: int) -> Json:
    return {"amount": amount, "currency": currency, "source_types": {"card": amount}}


def _pending(entries: list[Json], currency: str, now: int) -> int:
    """Recent amounts: cards pay out after a few days."""
    return sum(
        int(entry["net"])
        for entry in entries
        if entry["currency"] == currency and entry["available_on"] > now
    )


def create(world: World, params: Json) -> Json:
    """Pay out a part of the available balance.

    Raises:
        ApiError: 400 `balance_insufficient` if there's less.
    """
    amount, currency = params["amount"], params["currency"].lower()
    _check_available(world, amount, currency)
    payout: Json = whole(
        {
            "id": world.new_id("po_1"),
            "object": "payout",
            "amount": amount,
            "arrival_date": world.now() + ARRIVES_AFTER,
            "automatic": False,
            "created": world.now(),
            "currency": currency,
            "description": params.get("description"),
            "livemode": False,
            "metadata": new_metadata(params),
            "method": params.get("method") or "standard",
            "reconciliation_status": "not_applicable",
            "source_type": params.get("source_type") or "card",
            "statement_descriptor": params.get("statement_descriptor"),
            "status": "pending",
            "trace_id": {"status": "pending", "value": None},
            "type": "bank_account",
        }
    )
    booked = charges.book(world, payout, -amount, "payout")
    booked["available_on"] = world.now()
    world.objects.put(booked)
    payout["balance_transaction"] = booked["id"]
    world.objects.put(payout)
    emit(world, "payout.created", payout)
    return payout


def _check_available(world: World, amount: int, currency: str) -> None:
    """Refuse to pay out more than the balance has."""
    available = {one["currency"]: one["amount"] for one in balance(world)["available"]}
    if amount > available.get(currency, 0):
        message = (
            "You have insufficient funds in your Stripe account for this transfer. Your card "
            "balance is too low. You can use the the /v1/balance endpoint to view your Stripe "
            "balance (for more details, see stripe.com/docs/api#balance)."
        )
        raise invalid(message, code="balance_insufficient")


def shown(world: World, payout: Json) -> Json:
    """A payout as of now: it has arrived once its day has come."""
    if payout["status"] == "pending" and payout["arrival_date"] <= world.now():
        payout |= {
            "status": "paid",
            "trace_id": {"status": "supported", "value": payout["id"][-10:]},
        }
        world.objects.put(payout)
        emit(world, "payout.paid", payout)
    return payout


def cancel(world: World, payout: Json) -> Json:
    """Cancel a pending payout; the money is available again."""
    if shown(world, payout)["status"] != "pending":
        raise invalid("Payouts can only be canceled while they are pending.")
    booked = charges.book(world, payout, payout["amount"], "payout_cancel")
    booked["available_on"] = world.now()
    world.objects.put(booked)
    payout |= {"status": "canceled", "failure_balance_transaction": booked["id"]}
    world.objects.put(payout)
    emit(world, "payout.canceled", payout)
    return payout


def find(world: World, payout_id: str) -> Json:
    payout = world.objects.get(payout_id)
    if payout is None or payout["object"] != "payout":
        raise missing("payout", payout_id, param="payout")
    return shown(world, payout)
