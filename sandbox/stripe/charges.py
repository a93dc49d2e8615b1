"""Charges: what was taken from a card or a bank account."""

from __future__ import annotations

from sandbox.stripe import balance, cards
from sandbox.stripe.errors import missing
from sandbox.stripe.events import changing, emit, private
from sandbox.stripe.shown import copy, whole
from sandbox.world import Json, World

BOOKED_LATE_BY = 60
"""Seconds after which a payment is in the balance, where that takes time."""
# What the account is called on statements, and the most that they have room for.
DESCRIPTOR, LONGEST_DESCRIPTOR = "SANDBOX", 22
_RISK = {"risk_level": "normal", "risk_score": 20}


def create(
    world: World, intent: Json, method: Json, decline: tuple[str, str | None, str] | None
) -> Json:
    """A payment intent's attempt on a card; `decline` is the bank's reason if it refused."""
    charge = _blank(world, intent, method)
    world.objects.put(charge)
    if cards.of_method(method).delayed:
        charge["status"] = "pending"
        emit(world, "charge.pending", charge)
    elif decline:
        code, decline_code, message = decline
        charge |= {"failure_code": code, "failure_message": message}
        charge["outcome"] = _refusal(decline_code or code, message)
        charge["payment_method_details"]["card"]["authorization_code"] = None
        emit(world, "charge.failed", charge)
    else:
        _settle(world, charge)
        _expect_trouble(world, charge, cards.of_method(method))
        emit(world, "charge.succeeded", charge)
    return charge


def _expect_trouble(world: World, charge: Json, card: cards.Card) -> None:
    """Plan a dispute or a warning, for test cards whose owners or banks don't let payments be."""
    if card.disputed:
        planned = {"at": world.now() + 1, "reason": card.disputed, "inquiry": card.inquiry}
        private(charge)["disputed"] = planned
    if card.reported:
        private(charge)["warned"] = {"at": world.now() + 1}


def _settle(world: World, charge: Json) -> None:
    charge |= {
        "amount_captured": charge["amount"],
        "captured": True,
        "paid": True,
        "status": "succeeded",
        "receipt_url": f"{world.base_url}/receipts/{charge['id']}",
        "outcome": _approved(),
    }
    if world.switches.late_balance:
        private(charge)["booked_at"] = world.now() + BOOKED_LATE_BY
    else:
        _enter(world, charge)


def _enter(world: World, charge: Json) -> None:
    # A reserved amount may be captured in part.
    amount = charge["amount_captured"]
    is_card = "card" in charge["payment_method_details"]
    fee = _card_fee(amount) if is_card else _debit_fee(amount)
    fees = [balance.fee(fee, charge["currency"])]
    kind = "charge" if is_card else "payment"
    charge["balance_transaction"] = balance.book(world, charge, amount, kind, fees=fees)["id"]


def _card_fee(amount: int) -> int:
    """Stripe's list price for cards: 2.9% plus 30 minor units."""
    return min(amount, round(amount * 0.029) + 30)


def _debit_fee(amount: int) -> int:
    """Stripe's list price for bank debits: 0.8%, at most 500 minor units."""
    return min(500, round(amount * 0.008))


def _on_statement(intent: Json, method: Json) -> str | None:
    """What the card's statement says: the account's prefix, and the payment's own suffix.

    (Stripe documentation, "Statement descriptors".) Bank debits have none.
    """
    if method["type"] != "card":
        return None
    suffix = intent.get("statement_descriptor_suffix")
    return f"{DESCRIPTOR}* {suffix}"[:LONGEST_DESCRIPTOR] if suffix else DESCRIPTOR


def _approved() -> Json:
    return {
        "advice_code": None,
        "network_advice_code": None,
        "network_decline_code": None,
        "network_status": "approved_by_network",
        "reason": None,
        **_RISK,
        "seller_message": "Payment complete.",
        "type": "authorized",
    }


def book_late(world: World, charge: Json) -> None:
    """Record a payment's balance transaction and fee now."""
    private(charge).pop("booked_at")
    with changing(world, charge, "charge.updated"):
        _enter(world, charge)


def _refusal(reason: str, message: str) -> Json:
    return {
        "advice_code": "do_not_try_again" if reason == "lost_card" else "try_again_later",
        "network_advice_code": None,
        "network_decline_code": "05",
        "network_status": "declined_by_network",
        "reason": reason,
        **_RISK,
        "seller_message": f"The bank did not approve the payment: {message}",
        "type": "issuer_declined",
    }


def _blank(world: World, intent: Json, method: Json) -> Json:
    return whole(
        {
            "id": world.new_id("ch_3"),
            "object": "charge",
            "amount": intent["amount"],
            "amount_captured": 0,
            "amount_refunded": 0,
            "billing_details": copy(method["billing_details"]),
            "calculated_statement_descriptor": _on_statement(intent, method),
            "captured": False,
            "created": world.now(),
            "currency": intent["currency"],
            "customer": intent["customer"],
            "description": intent["description"],
            "disputed": False,
            "fraud_details": {},
            "livemode": False,
            "metadata": dict(intent["metadata"]),
            "paid": False,
            "payment_intent": intent["id"],
            "payment_method": method["id"],
            "payment_method_details": _details(intent, method),
            "radar_options": {},
            "receipt_email": intent["receipt_email"],
            "refunded": False,
            "status": "failed",
        }
    )


def hold(world: World, intent: Json, method: Json) -> Json:
    """An amount that the card's bank has reserved, and nobody has captured yet."""
    charge = _blank(world, intent, method)
    charge |= {"outcome": _approved(), "paid": True, "status": "succeeded"}
    world.objects.put(charge)
    emit(world, "charge.succeeded", charge)
    return charge


def capture(world: World, charge: Json, amount: int) -> None:
    """Capture a reserved amount in full or in part; Stripe shows the rest as refunded."""
    whole = charge["amount"]
    charge["amount"] = amount
    _settle(world, charge)
    charge |= {
        "amount": whole,
        "amount_captured": amount,
        "amount_refunded": whole - amount,
    }
    world.objects.put(charge)
    emit(world, "charge.captured", charge)


def let_go(world: World, charge: Json) -> None:
    """Release a reserved amount: nothing was ever taken."""
    charge |= {"amount_refunded": charge["amount"], "refunded": True}
    world.objects.put(charge)
    emit(world, "charge.refunded", charge)


def succeed(world: World, charge: Json) -> None:
    """A pending charge is paid."""
    _settle(world, charge)
    world.objects.put(charge)
    emit(world, "charge.succeeded", charge)


def fail(world: World, charge: Json, code: str, message: str) -> None:
    """A pending charge is not paid."""
    charge |= {"status": "failed", "failure_code": code, "failure_message": message}
    world.objects.put(charge)
    emit(world, "charge.failed", charge)


def _details(intent: Json, method: Json) -> Json:
    if method["type"] == "card":
        return {"card": _card_details(intent, method), "type": "card"}
    account = method["us_bank_account"]
    shown = ("account_holder_type", "account_type", "bank_name", "fingerprint", "last4")
    details = {name: account[name] for name in (*shown, "routing_number")}
    details["payment_reference"] = None
    return {"type": "us_bank_account", "us_bank_account": details}


def _card_details(intent: Json, method: Json) -> Json:
    card = method["card"]
    return {
        "amount_authorized": intent["amount"],
        "authorization_code": "123456",
        "brand": card["brand"],
        "checks": dict(card["checks"]),
        "country": card["country"],
        "exp_month": card["exp_month"],
        "exp_year": card["exp_year"],
        "extended_authorization": {"status": "disabled"},
        "fingerprint": card["fingerprint"],
        "funding": card["funding"],
        "incremental_authorization": {"status": "unavailable"},
        "installments": None,
        "last4": card["last4"],
        "mandate": None,
        "multicapture": {"status": "unavailable"},
        "network": card["brand"],
        "network_token": {"used": False},
        "network_transaction_id": None,
        "overcapture": {"maximum_amount_capturable": intent["amount"], "status": "unavailable"},
        "regulated_status": card["regulated_status"],
        "three_d_secure": None,
        "transaction_link_id": None,
        "wallet": None,
    }


def find(world: World, charge_id: str, *, param: str | None = None) -> Json:
    charge = world.objects.get(charge_id)
    if charge is None or charge["object"] != "charge":
        raise missing("charge", charge_id, param=param or "id", status=400 if param else 404)
    return charge


def card_of(world: World, charge: Json) -> cards.Card:
    """The test card that was charged."""
    return cards.of_method(charge["payment_method_details"])
