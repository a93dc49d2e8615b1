"""Payment intents: one amount, tried on cards until one pays."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from sandbox.stripe import cards, charges
from sandbox.stripe.errors import ApiError, declined, invalid, missing
from sandbox.stripe.events import emit, private
from sandbox.stripe.params import merge_metadata
from sandbox.stripe.periods import DAY
from sandbox.stripe.shown import public, whole
from sandbox.world import Json, World

_AUTHENTICATION_FAILED = "payment_intent_authentication_failure"
_UNAUTHENTICATED = (
    "The provided PaymentMethod has failed authentication. "
    "You can provide payment_method_data or a new PaymentMethod to attempt to fulfill this "
    "PaymentIntent again."
)


AS_GIVEN = frozenset(
    {
        *("allowed_payment_method_types", "automatic_payment_methods", "capture_method"),
        *("payment_method_types", "shipping"),
        *("statement_descriptor", "statement_descriptor_suffix"),
    }
)
BANK_DAYS = 4
"""Days until a bank says whether it pays."""


@dataclass(frozen=True)
class Outcome:
    """How an attempt to pay ended, and what to tell the payer."""

    status: Literal["complete", "declined", "processing", "requires_action"]
    message: str = ""


def create(
    world: World,
    *,
    amount: int,
    currency: str,
    customer: str | None,
    description: str | None = None,
    metadata: Json | None = None,
    receipt_email: str | None = None,
    setup_future_usage: str | None = None,
    more: Json | None = None,
) -> Json:
    """Create a payment intent that nobody has tried to pay. `more` holds fields stored as given.

    They're those of `AS_GIVEN`: capture method, statement descriptor, shipping.
    """
    intent_id = world.new_id("pi_3")
    intent: Json = whole(
        {
            "id": intent_id,
            "object": "payment_intent",
            "amount": amount,
            "amount_capturable": 0,
            "amount_details": {"tip": {}},
            "amount_received": 0,
            "capture_method": "automatic",
            "client_secret": world.new_id(f"{intent_id}_secret_"),
            "confirmation_method": "automatic",
            "created": world.now(),
            "currency": currency,
            "customer": customer,
            "description": description,
            "livemode": False,
            "managed_payments": {"enabled": False},
            "metadata": metadata or {},
            "payment_method_options": _card_options(),
            "payment_method_types": ["card"],
            "receipt_email": receipt_email,
            "setup_future_usage": setup_future_usage,
            "status": "requires_payment_method",
        }
    ) | {name: value for name, value in (more or {}).items() if name in AS_GIVEN}
    world.objects.put(intent)
    emit(world, "payment_intent.created", intent)
    return intent


def _card_options() -> Json:
    unset = dict.fromkeys(("installments", "mandate_options", "network"))
    return {"card": unset | {"request_three_d_secure": "automatic"}}


def confirm(
    world: World, intent: Json, method: Json, *, off_session: bool, authenticate: bool | None
) -> Outcome:
    """Try a card. `authenticate` is the cardholder's answer to 3-D Secure; None: not asked."""
    card = cards.of_method(method)
    intent["payment_method"] = method["id"]
    if card.needs_authentication(off_session=off_session) and authenticate is not True:
        return _unauthenticated(world, intent, method, refused=authenticate is False)
    if card.is_declined(off_session=off_session) and card.decline:
        return _declined(world, intent, method, card.decline)
    if card.delayed:
        return _process(world, intent, method)
    return _pay(world, intent, method)


def _process(world: World, intent: Json, method: Json) -> Outcome:
    """Charge a bank account: whether it pays is known a few days later."""
    charge = charges.create(world, intent, method, None)
    intent |= {
        "last_payment_error": None,
        "latest_charge": charge["id"],
        "payment_method_types": ["us_bank_account"],
        "status": "processing",
    }
    private(intent)["settles_at"] = world.now() + BANK_DAYS * DAY
    world.objects.put(intent)
    emit(world, "payment_intent.processing", intent)
    return Outcome("processing")


def settle(world: World, intent: Json) -> Outcome:
    """Apply the bank's answer."""
    private(intent).pop("settles_at")
    method = world.objects.get(intent["payment_method"]) or {}
    charge = charges.find(world, intent["latest_charge"])
    if cards.of_method(method).delayed == "pays":
        charges.succeed(world, charge)
        intent |= {"amount_received": intent["amount"], "status": "succeeded"}
        world.objects.put(intent)
        emit(world, "payment_intent.succeeded", intent)
        return Outcome("complete")
    code, message = "account_closed", "The bank account has been closed."
    charges.fail(world, charge, code, message)
    _fail(world, intent, {"charge": charge["id"], "code": code, "message": message}, method)
    return Outcome("declined", message)


def _pay(world: World, intent: Json, method: Json) -> Outcome:
    if intent["capture_method"] == "manual":
        return _hold(world, intent, method)
    charge = charges.create(world, intent, method, None)
    intent |= {
        "amount_received": intent["amount"],
        "last_payment_error": None,
        "latest_charge": charge["id"],
        "next_action": None,
        "status": "succeeded",
    }
    world.objects.put(intent)
    emit(world, "payment_intent.succeeded", intent)
    return Outcome("complete")


def _hold(world: World, intent: Json, method: Json) -> Outcome:
    """Reserve the amount on the card until it's captured."""
    charge = charges.hold(world, intent, method)
    intent |= {
        "amount_capturable": intent["amount"],
        "last_payment_error": None,
        "latest_charge": charge["id"],
        "next_action": None,
        "status": "requires_capture",
    }
    world.objects.put(intent)
    emit(world, "payment_intent.amount_capturable_updated", intent)
    return Outcome("complete")


def capture(world: World, intent: Json, amount: int | None) -> Json:
    """Capture the reserved amount, in full or in part; the rest is released."""
    if intent["status"] != "requires_capture":
        message = (
            f"This PaymentIntent could not be captured because it has a status of "
            f"{intent['status']}. Only a PaymentIntent with one of the following statuses may be "
            "captured: requires_capture."
        )
        raise _unexpected(message, intent)
    wanted = intent["amount_capturable"] if amount is None else amount
    if wanted > intent["amount_capturable"]:
        message = (
            "The payment intent amount_to_capture cannot be greater than the amount capturable."
        )
        raise invalid(message, code="amount_too_large", param="amount_to_capture")
    charges.capture(world, charges.find(world, intent["latest_charge"]), wanted)
    intent |= {"amount_capturable": 0, "amount_received": wanted, "status": "succeeded"}
    world.objects.put(intent)
    emit(world, "payment_intent.succeeded", intent)
    return intent


def _declined(
    world: World, intent: Json, method: Json, decline: tuple[str, str | None, str]
) -> Outcome:
    charge = charges.create(world, intent, method, decline)
    code, decline_code, message = decline
    error = {"charge": charge["id"], "code": code, "decline_code": decline_code, "message": message}
    intent["latest_charge"] = charge["id"]
    _fail(world, intent, error, method)
    return Outcome("declined", message)


def _unauthenticated(world: World, intent: Json, method: Json, *, refused: bool) -> Outcome:
    if refused:
        error = {"code": _AUTHENTICATION_FAILED, "message": _UNAUTHENTICATED}
        _fail(world, intent, error, method)
        return Outcome("declined", "We are unable to authenticate your payment method.")
    intent["status"] = "requires_action"
    intent["next_action"] = {
        "type": "use_stripe_sdk",
        "use_stripe_sdk": {"type": "three_d_secure_redirect"},
    }
    world.objects.put(intent)
    emit(world, "payment_intent.requires_action", intent)
    return Outcome("requires_action", "Your bank asks you to confirm this payment.")


def _fail(world: World, intent: Json, error: Json, method: Json) -> None:
    of_card = error["code"] != _AUTHENTICATION_FAILED
    error_type = "card_error" if of_card else "invalid_request_error"
    intent["last_payment_error"] = {
        **error,
        "doc_url": f"https://stripe.com/docs/error-codes/{error['code'].replace('_', '-')}",
        "payment_method": public(method),
        "type": error_type,
    }
    intent |= {"status": "requires_payment_method", "payment_method": None, "next_action": None}
    world.objects.put(intent)
    emit(world, "payment_intent.payment_failed", intent)


def refusal(intent: Json) -> ApiError:
    """The error for a request that tried to charge and was declined."""
    error = intent["last_payment_error"]
    return declined(
        error["message"],
        code=error["code"],
        decline_code=error.get("decline_code"),
        charge=error.get("charge"),
        intent=public(intent),
    )


def authentication_required(intent: Json) -> ApiError:
    """The error if the cardholder would have to confirm but isn't present."""
    return declined(
        "This payment requires additional user action before it can be completed successfully.",
        code="invoice_payment_intent_requires_action",
        decline_code=None,
        charge=None,
        intent=public(intent),
    )


def check_confirmable(intent: Json, method: str | None) -> None:
    """Refuse to charge what's paid, on its way, or without a card."""
    status = intent["status"]
    if status == "succeeded":
        raise _unexpected(
            "You cannot confirm this PaymentIntent because it has already succeeded after being "
            "previously confirmed.",
            intent,
        )
    if status in ("canceled", "processing"):
        raise _unexpected(
            f"You cannot confirm this PaymentIntent because it has a status of {status}. Only a "
            "PaymentIntent with one of the following statuses may be confirmed: "
            "requires_confirmation, requires_action.",
            intent,
        )
    if not method:
        raise _unexpected(
            "You cannot confirm this PaymentIntent because it's missing a payment method. You can "
            "either update the PaymentIntent with a payment method and then confirm it again, or "
            "confirm it again directly with a payment method or ConfirmationToken.",
            intent,
        )


def check_owner(intent: Json, method: Json) -> None:
    """Refuse someone else's card."""
    if method["customer"] and method["customer"] != intent["customer"]:
        raise invalid(
            f"The payment method {method['id']} does not belong to the Customer "
            f"{intent['customer']}. Please use this payment method with the Customer that it "
            "belongs to instead."
        )


def check_changeable(intent: Json) -> None:
    """Refuse to change the amount once it was charged."""
    if intent["status"] in ("succeeded", "canceled", "processing"):
        raise _unexpected(
            "This PaymentIntent's amount could not be updated because it has a status of "
            f"{intent['status']}. You may only update the amount of a PaymentIntent with one of "
            "the following statuses: requires_payment_method, requires_confirmation, "
            "requires_action.",
            intent,
        )


def _unexpected(message: str, intent: Json) -> ApiError:
    return ApiError(
        400,
        "invalid_request_error",
        message,
        code="payment_intent_unexpected_state",
        payment_intent=public(intent),
    )


def cancel(world: World, intent: Json, reason: str | None) -> Json:
    if intent["status"] in ("succeeded", "canceled"):
        message = (
            "You cannot cancel this PaymentIntent because it has a status of "
            f"{intent['status']}. "
            "Only a PaymentIntent with one of the following statuses may be canceled: "
            "requires_payment_method, requires_capture, requires_reauthorization, "
            "requires_confirmation, requires_action, processing."
        )
        raise _unexpected(message, intent)
    if intent["status"] == "requires_capture":
        charges.let_go(world, charges.find(world, intent["latest_charge"]))
    intent |= {
        "amount_capturable": 0,
        "status": "canceled",
        "canceled_at": world.now(),
        "cancellation_reason": reason,
        "next_action": None,
    }
    world.objects.put(intent)
    emit(world, "payment_intent.canceled", intent)
    return intent


def update(world: World, intent: Json, params: Json) -> Json:
    for name in ("amount", "description", "receipt_email"):
        if name in params:
            intent[name] = params[name]
    if "metadata" in params:
        intent["metadata"] = merge_metadata(intent["metadata"], params["metadata"])
    return world.objects.put(intent)


def find(world: World, intent_id: str, *, param: str | None = None) -> Json:
    intent = world.objects.get(intent_id)
    if intent is None or intent["object"] != "payment_intent":
        raise missing(
            "payment_intent", intent_id, param=param or "intent", status=400 if param else 404
        )
    return intent
