"""Setup intents: a card is saved for later, and nothing is charged."""

from __future__ import annotations

from sandbox.stripe import cards, payment_methods
from sandbox.stripe.errors import ApiError, invalid, missing
from sandbox.stripe.events import emit
from sandbox.stripe.params import merge_metadata, new_metadata
from sandbox.stripe.shown import public, whole
from sandbox.world import Json, World

_OPEN = ("requires_payment_method", "requires_confirmation", "requires_action")


def create(world: World, params: Json) -> Json:
    """Create a setup intent; with `confirm`, try its card right away."""
    intent_id = world.new_id("seti_1")
    intent: Json = whole(
        {
            "id": intent_id,
            "object": "setup_intent",
            "allowed_payment_method_types": params.get("allowed_payment_method_types"),
            "automatic_payment_methods": params.get("automatic_payment_methods"),
            "client_secret": world.new_id(f"{intent_id}_secret_"),
            "created": world.now(),
            "customer": params.get("customer"),
            "description": params.get("description"),
            "livemode": False,
            "managed_payments": {"enabled": False},
            "metadata": new_metadata(params),
            "payment_method_types": params.get("allowed_payment_method_types")
            or params.get("payment_method_types")
            or ["card"],
            "status": "requires_payment_method",
            "usage": params.get("usage") or "off_session",
        }
    )
    if method_id := params.get("payment_method"):
        method = payment_methods.find(world, method_id, param="payment_method")
        intent |= {"payment_method": method["id"], "status": "requires_confirmation"}
    world.objects.put(intent)
    emit(world, "setup_intent.created", intent)
    return confirm(world, intent, params) if params.get("confirm") else intent


def confirm(world: World, intent: Json, params: Json) -> Json:
    """Try the card, and attach it to the intent's customer.

    Raises:
        ApiError: 402 if its bank refuses, 400 if there is none or the intent is over.
    """
    if intent["status"] not in _OPEN:
        raise _over(intent, "confirm")
    method_id = params.get("payment_method") or intent["payment_method"]
    if not method_id:
        message = (
            "You cannot confirm this SetupIntent because it's missing a payment method. Update the "
            "SetupIntent with a payment method and then confirm it again."
        )
        raise invalid(message, code="setup_intent_unexpected_state")
    method = payment_methods.find(world, method_id, param="payment_method")
    card = cards.of_method(method)
    if card.is_declined(off_session=False):
        raise _refused(world, intent, method, card)
    intent["payment_method"] = method["id"]
    if card.needs_authentication(off_session=False):
        intent |= {
            "next_action": {
                "type": "use_stripe_sdk",
                "use_stripe_sdk": {"type": "three_d_secure_redirect"},
            },
            "status": "requires_action",
        }
        world.objects.put(intent)
        emit(world, "setup_intent.requires_action", intent)
        return intent
    return succeed(world, intent, method)


def succeed(world: World, intent: Json, method: Json) -> Json:
    """Finish it: the payment method is the customer's from now on."""
    if intent["customer"]:
        payment_methods.attach(world, method, intent["customer"])
    intent |= {
        "last_setup_error": None,
        "next_action": None,
        "payment_method": method["id"],
        "status": "succeeded",
    }
    world.objects.put(intent)
    emit(world, "setup_intent.succeeded", intent)
    return intent


def _refused(world: World, intent: Json, method: Json, card: cards.Card) -> ApiError:
    refusal = cards.refused(card)
    intent |= {
        "last_setup_error": {
            **refusal.details,
            "message": str(refusal),
            "payment_method": public(method),
            "type": "card_error",
        },
        "payment_method": None,
        "status": "requires_payment_method",
    }
    world.objects.put(intent)
    emit(world, "setup_intent.setup_failed", intent)
    refusal.details["setup_intent"] = public(intent)
    return refusal


def _over(intent: Json, action: str) -> ApiError:
    message = f"You cannot {action} this SetupIntent because it has a status of {intent['status']}."
    return invalid(message, code="setup_intent_unexpected_state")


def update(world: World, intent: Json, params: Json) -> Json:
    """Change what may be changed before it's done."""
    for name in ("customer", "description"):
        if name in params:
            intent[name] = params[name]
    if params.get("payment_method"):
        method = payment_methods.find(world, params["payment_method"], param="payment_method")
        intent |= {"payment_method": method["id"], "status": "requires_confirmation"}
    if "metadata" in params:
        intent["metadata"] = merge_metadata(intent["metadata"], params["metadata"])
    return world.objects.put(intent)


def cancel(world: World, intent: Json, reason: str | None) -> Json:
    """Cancel it, unless it's done."""
    if intent["status"] not in _OPEN:
        raise _over(intent, "cancel")
    intent |= {"cancellation_reason": reason, "next_action": None, "status": "canceled"}
    world.objects.put(intent)
    emit(world, "setup_intent.canceled", intent)
    return intent


def find(world: World, intent_id: str) -> Json:
    intent = world.objects.get(intent_id)
    if intent is None or intent["object"] != "setup_intent":
        raise missing("setupintent", intent_id, param="intent")
    return intent
