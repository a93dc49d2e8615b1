"""Refunds: immediate, delayed, waiting for the customer's answer, or failing in the end."""

from __future__ import annotations

from collections.abc import Callable
from hashlib import sha256

from sandbox.stripe import (
    amounts,
    balance,
    charges,
    checkout_rules,
    currencies,
    fraud_warnings,
    payment_intents,
)
from sandbox.stripe.errors import invalid, missing
from sandbox.stripe.events import changing, emit
from sandbox.stripe.params import merge_metadata, missing_parameter, new_metadata
from sandbox.world import PRIVATE, Json, World

HOLDS_MONEY = ("pending", "requires_action", "succeeded")
_DAY = 86400
ANSWERED_WITHIN = 45 * _DAY
"""So long somebody may take to say where the money is to go, in seconds."""


def create(world: World, params: Json) -> Json:
    checkout_rules.only_one_of(params, "charge", "payment_intent")
    charge = _charge(world, params)
    amount = params.get("amount") or charge["amount"] - charge["amount_refunded"]
    _check(charge, amount)
    refund = _blank(world, charge, amount, params)
    if world.switches.refunds_ask:
        _ask(world, refund, params)
    else:
        _decide(world, refund, charge)
    world.objects.put(refund)
    _book(world, refund, charge)
    emit(world, "refund.created", refund)
    _recount(world, charge)
    emit(world, "charge.refunded", charge, {"amount_refunded": charge["amount_refunded"] - amount})
    fraud_warnings.judge(world, charge)
    return refund


def _decide(world: World, refund: Json, charge: Json) -> None:
    """Whether it succeeds right away, depending on the card and the balance."""
    card = charges.card_of(world, charge)
    is_short = balance.total(world, charge["currency"]) < refund["amount"]
    if card.refunds == "pending" or is_short:
        _await(world, refund, "processing" if card.refunds == "pending" else "insufficient_funds")
        return
    refund["status"] = "succeeded"
    if card.refunds == "fail_later":
        refund[PRIVATE] = {"fails_at": world.now() + _DAY}


def _await(world: World, refund: Json, reason: str) -> None:
    refund |= {"status": "pending", "pending_reason": reason}
    refund[PRIVATE] = {"succeeds_at": world.now() + 3 * _DAY}


def _ask(world: World, refund: Json, params: Json) -> None:
    """Ask by email where the money should go, since its source can't take it back."""
    customer = world.objects.get(refund["customer"] or "") or {}
    email = params.get("instructions_email") or customer.get("email")
    if not email:
        raise invalid(
            "The customer has no email address to ask for refund details. Set one on the "
            "customer, or pass `instructions_email`.",
            param="instructions_email",
        )
    expires_at = world.now() + ANSWERED_WITHIN
    refund |= {
        "status": "requires_action",
        "destination_details": {
            "type": "us_bank_transfer",
            "us_bank_transfer": {"reference_status": "pending"},
        },
        "instructions_email": email,
        "next_action": {
            "type": "display_details",
            "display_details": {
                "email_sent": {"email_sent_at": world.now(), "email_sent_to": email},
                "expires_at": expires_at,
            },
        },
    }
    refund[PRIVATE] = {"expires_at": expires_at}


def _charge(world: World, params: Json) -> Json:
    if params.get("charge"):
        return charges.find(world, params["charge"], param="charge")
    if not params.get("payment_intent"):
        raise missing_parameter("charge")
    intent = payment_intents.find(world, params["payment_intent"], param="payment_intent")
    if not intent["latest_charge"] or intent["status"] != "succeeded":
        raise invalid(
            "This PaymentIntent does not have a successful charge to refund.",
            param="payment_intent",
        )
    return charges.find(world, intent["latest_charge"])


def _check(charge: Json, amount: int) -> None:
    left = charge["amount"] - charge["amount_refunded"]
    if charge["disputed"]:
        raise invalid("This charge has been charged back.", code="charge_disputed")
    if charge["status"] != "succeeded":
        raise invalid(
            "This charge did not succeed, so it cannot be refunded.", code="charge_not_refundable"
        )
    if left == 0:
        raise invalid(
            f"Charge {charge['id']} has already been refunded.", code="charge_already_refunded"
        )
    if amount <= 0:
        raise invalid("Invalid positive integer", param="amount", code="parameter_invalid_integer")
    amounts.check_step(amount, charge["currency"], param="amount")
    if amount > left:
        raise invalid(
            f"Refund amount ({_money(amount, charge)}) is greater than unrefunded amount "
            f"on charge ({_money(left, charge)})",
            param="amount",
        )


def _money(amount: int, charge: Json) -> str:
    return currencies.figure(amount, charge["currency"])


def _blank(world: World, charge: Json, amount: int, params: Json) -> Json:
    return {
        "id": world.new_id("re_3"),
        "object": "refund",
        "amount": amount,
        "balance_transaction": None,
        "charge": charge["id"],
        "created": world.now(),
        "currency": charge["currency"],
        "customer": charge["customer"],
        "customer_account": None,
        "description": None,
        "destination_details": {
            "card": {
                "reference_status": "pending",
                "reference_type": "acquirer_reference_number",
                "type": "refund",
            },
            "type": "card",
        },
        "failure_balance_transaction": None,
        "failure_reason": None,
        "instructions_email": None,
        "metadata": new_metadata(params),
        "next_action": None,
        "payment_intent": charge["payment_intent"],
        "payment_method": charge["payment_method"],
        "pending_reason": None,
        "presentment_details": None,
        "reason": params.get("reason"),
        "receipt_number": None,
        "source_transfer_reversal": None,
        "status": "pending",
        "transfer_reversal": None,
    }


def _book(world: World, refund: Json, charge: Json) -> None:
    if refund["status"] == "succeeded":
        kind = "refund" if "card" in charge["payment_method_details"] else "payment_refund"
        entry = balance.book(world, _booked_as(refund, charge), -refund["amount"], kind)
        refund["balance_transaction"] = entry["id"]


def _booked_as(refund: Json, charge: Json) -> Json:
    return {**refund, "description": charge["description"]}


def _recount(world: World, charge: Json) -> None:
    refunds = world.objects.list("refund", charge=charge["id"])
    charge["amount_refunded"] = sum(
        entry["amount"] for entry in refunds if entry["status"] in HOLDS_MONEY
    )
    charge["refunded"] = charge["amount_refunded"] == charge["amount"]
    world.objects.put(charge)


def answer(world: World, refund: Json) -> None:
    """The customer says where the money should go, and it leaves."""
    with changing(world, refund, "refund.updated"):
        refund["next_action"] = None
        _await(world, refund, "processing")


def succeed(world: World, refund: Json) -> None:
    """Let a pending refund arrive."""
    refund.pop(PRIVATE, None)
    charge = charges.find(world, refund["charge"])
    with changing(world, refund, "refund.updated"):
        refund |= {"status": "succeeded", "pending_reason": None}
        _book(world, refund, charge)


def fail(world: World, refund: Json, reason: str = "lost_or_stolen_card") -> None:
    """The bank returns the money: the refund fails, even after it had succeeded."""
    refund.pop(PRIVATE, None)
    charge = charges.find(world, refund["charge"])
    previous = {
        "status": refund["status"],
        "failure_reason": None,
        "failure_balance_transaction": None,
    }
    if refund["status"] == "succeeded":
        returned = balance.book(
            world, _booked_as(refund, charge), refund["amount"], "refund_failure"
        )
        refund["failure_balance_transaction"] = returned["id"]
    refund |= {"status": "failed", "failure_reason": reason, "pending_reason": None}
    world.objects.put(refund)
    _recount(world, charge)
    emit(world, "refund.updated", refund, previous)
    emit(world, "refund.failed", refund, previous)
    fraud_warnings.judge(world, charge)


def cancel(world: World, refund: Json) -> Json:
    """Stop waiting for an answer: nothing was sent. Raises if none is expected."""
    if refund["status"] != "requires_action":
        raise invalid(
            "Only refunds that require action can be canceled.", code="resource_invalid_state"
        )
    refund.pop(PRIVATE, None)
    with changing(world, refund, "refund.updated"):
        refund |= {"status": "canceled", "next_action": None}
    charge = charges.find(world, refund["charge"])
    _recount(world, charge)
    fraud_warnings.judge(world, charge)
    return refund


def give_reference(world: World, refund: Json) -> None:
    """The bank gives the refund a reference number; the second time, another one."""
    details = refund["destination_details"]
    number = f"{int(sha256(world.new_id('re_3').encode()).hexdigest(), 16):023d}"[-23:]
    with changing(world, refund, "refund.updated"):
        refund["destination_details"] = details | {
            details["type"]: details[details["type"]]
            | {"reference": number, "reference_status": "available"}
        }


NEXT: dict[str, dict[str, Callable[[World, Json], object]]] = {
    "requires_action": {"answer": answer, "cancel": cancel},
    "pending": {"succeed": succeed, "fail": fail},
    "succeeded": {"refer": give_reference, "fail": fail},
}
"""What can become of a refund next, by its status, and how."""


def go_on(world: World, refund: Json, step: str) -> None:
    """Take a refund's next step. Raises ValueError if it's not one of its steps."""
    steps = NEXT.get(refund["status"], {})
    if step not in steps:
        raise ValueError("That is not what comes next for this refund.")
    steps[step](world, refund)


def update(world: World, refund: Json, params: Json) -> Json:
    if "metadata" in params:
        with changing(world, refund, "refund.updated"):
            refund["metadata"] = merge_metadata(refund["metadata"], params["metadata"])
    return refund


def find(world: World, refund_id: str) -> Json:
    refund = world.objects.get(refund_id)
    if refund is None or refund["object"] != "refund":
        raise missing("refund", refund_id)
    return refund
