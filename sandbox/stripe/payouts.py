"""Payouts to the business's bank account: made by hand, or every day."""

from __future__ import annotations

from collections.abc import Callable

from sandbox.stripe import balance
from sandbox.stripe.errors import invalid, missing
from sandbox.stripe.events import emit, private
from sandbox.stripe.params import new_metadata
from sandbox.stripe.periods import DAY
from sandbox.stripe.shown import whole
from sandbox.world import Json, World

ARRIVES_AFTER = 2 * DAY
ON_THE_WAY = ("pending", "in_transit")


def create(world: World, params: Json) -> Json:
    """Pay out a part of the available balance.

    Raises:
        ApiError: 400 `balance_insufficient` if there's less.
    """
    amount, currency = params["amount"], params["currency"].lower()
    _check_available(world, amount, currency)
    return _make(
        world,
        {
            "amount": amount,
            "currency": currency,
            "description": params.get("description"),
            "metadata": new_metadata(params),
            "method": params.get("method") or "standard",
            "source_type": params.get("source_type") or "card",
            "statement_descriptor": params.get("statement_descriptor"),
        },
    )


def _make(world: World, how: Json) -> Json:
    """Make a payout; its money leaves the balance right away."""
    payout: Json = whole(
        {
            "id": world.new_id("po_1"),
            "object": "payout",
            "arrival_date": world.now() + ARRIVES_AFTER,
            "automatic": False,
            "created": world.now(),
            "livemode": False,
            "metadata": {},
            "method": "standard",
            "reconciliation_status": "not_applicable",
            "source_type": "card",
            "statement_descriptor": None,
            "status": "pending",
            "trace_id": {"status": "pending", "value": None},
            "type": "bank_account",
            **how,
        }
    )
    booked = balance.book(world, payout, -payout["amount"], "payout", at_once=True)
    payout["balance_transaction"] = booked["id"]
    world.objects.put(payout)
    emit(world, "payout.created", payout)
    return payout


def _check_available(world: World, amount: int, currency: str) -> None:
    """Refuse to pay out more than the balance has."""
    available = {one["currency"]: one["amount"] for one in balance.read(world)["available"]}
    if amount > available.get(currency, 0):
        message = (
            "You have insufficient funds in your Stripe account for this transfer. Your card "
            "balance is too low. You can use the the /v1/balance endpoint to view your Stripe "
            "balance (for more details, see stripe.com/docs/api#balance)."
        )
        raise invalid(message, code="balance_insufficient")


def next_automatic(world: World, currency: str) -> int | None:
    """When the next automatic payout is due: a midnight at which more came than left."""
    waiting = sorted(balance.not_paid_out(world, currency), key=lambda one: one["available_on"])
    amount, due = 0, None
    for place, entry in enumerate(waiting):
        amount += entry["net"]
        midnight = _midnight(entry["available_on"])
        is_last = place + 1 == len(waiting)
        if amount > 0 and (is_last or _midnight(waiting[place + 1]["available_on"]) > midnight):
            due = midnight
            break
    return due


def _midnight(moment: int) -> int:
    return -(-moment // DAY) * DAY


def pay_out(world: World, currency: str) -> None:
    """Pay out what has become available since the last automatic payout."""
    paid = [one for one in balance.not_paid_out(world, currency) if one["status"] == "available"]
    amount = sum(int(one["net"]) for one in paid)
    payout = _make(
        world,
        {
            "amount": amount,
            "automatic": True,
            "currency": currency,
            "description": "STRIPE PAYOUT",
            "reconciliation_status": "in_progress",
            "status": "in_transit",
        },
    )
    own = world.objects.get(payout["balance_transaction"])
    for entry in [*paid, *([own] if own else [])]:
        private(entry)["payout"] = payout["id"]
        world.objects.put(entry)
    payout["reconciliation_status"] = "completed"
    world.objects.put(payout)
    emit(world, "payout.reconciliation_completed", payout)


def entries_of(world: World, payout: Json) -> list[Json]:
    """What an automatic payout pays out, newest first; its own entry is among it.

    Raises:
        ApiError: 400 if it was made by hand, from the balance as a whole.
    """
    if not payout["automatic"]:
        raise invalid(
            "Balance transaction history can only be filtered on automatic transfers, not manual.",
            param="payout",
        )
    kept = world.objects.list("balance_transaction", currency=payout["currency"])
    return [one for one in kept if private(one).get("payout") == payout["id"]]


def arrive(world: World, payout: Json) -> None:
    """The bank has the money."""
    payout |= {
        "status": "paid",
        "trace_id": {"status": "supported", "value": payout["id"][-10:]},
    }
    world.objects.put(payout)
    emit(world, "payout.paid", payout)


def fail(world: World, payout: Json) -> None:
    """The bank returns the money, even after it had arrived: it's in the balance again."""
    booked = balance.book(world, payout, payout["amount"], "payout_failure", at_once=True)
    payout |= {
        "status": "failed",
        "failure_balance_transaction": booked["id"],
        "failure_code": "account_closed",
        "failure_message": "The bank account has been closed.",
    }
    world.objects.put(payout)
    emit(world, "payout.failed", payout)


def shown(world: World, payout: Json) -> Json:
    """A payout as of now: it has arrived once its day has come."""
    if payout["status"] in ON_THE_WAY and payout["arrival_date"] <= world.now():
        arrive(world, payout)
    return payout


def cancel(world: World, payout: Json) -> Json:
    """Cancel a pending payout; the money is available again."""
    if shown(world, payout)["status"] != "pending":
        raise invalid("Payouts can only be canceled while they are pending.")
    booked = balance.book(world, payout, payout["amount"], "payout_cancel", at_once=True)
    payout |= {"status": "canceled", "failure_balance_transaction": booked["id"]}
    world.objects.put(payout)
    emit(world, "payout.canceled", payout)
    return payout


NEXT: dict[str, dict[str, Callable[[World, Json], object]]] = {
    "pending": {"arrive": arrive, "fail": fail, "cancel": cancel},
    "in_transit": {"arrive": arrive, "fail": fail},
    "paid": {"fail": fail},
}
"""What can become of a payout next, by its status, and how."""


def go_on(world: World, payout: Json, step: str) -> None:
    """Take a payout's next step. Raises ValueError if it's not one of its steps."""
    steps = NEXT.get(payout["status"], {})
    if step not in steps:
        raise ValueError("That is not what comes next for this payout.")
    steps[step](world, payout)


def find(world: World, payout_id: str) -> Json:
    payout = world.objects.get(payout_id)
    if payout is None or payout["object"] != "payout":
        raise missing("payout", payout_id, param="payout")
    return shown(world, payout)
