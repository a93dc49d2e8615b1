"""Payment methods: cards, attached to a customer or not."""

from __future__ import annotations

from datetime import UTC, datetime

from sandbox.stripe import cards
from sandbox.stripe.errors import ApiError, invalid, missing
from sandbox.stripe.events import changing, emit
from sandbox.stripe.params import missing_parameter, new_metadata
from sandbox.world import Json, World

NO_ADDRESS = {
    "city": None,
    "country": None,
    "line1": None,
    "line2": None,
    "postal_code": None,
    "state": None,
}


def create(
    world: World,
    typed: cards.TypedCard | str,
    email: str | None = None,
    name: str | None = None,
) -> Json:
    """An unattached payment method for a test card; a number alone is valid for years."""
    if isinstance(typed, str):
        years = datetime.fromtimestamp(world.now(), UTC).year + 3
        typed = cards.TypedCard(typed, (years, 12))
    card = cards.by_number(typed.number)
    kind = "us_bank_account" if card.delayed else "card"
    return world.objects.put(
        {
            "id": world.new_id("pm_1"),
            "object": "payment_method",
            "allow_redisplay": "unspecified",
            "billing_details": {
                "address": {**NO_ADDRESS, "country": "US"},
                "email": email,
                "name": name,
                "phone": None,
                "tax_id": None,
            },
            "created": world.now(),
            "customer": None,
            "customer_account": None,
            "livemode": False,
            "metadata": {},
            "type": kind,
            kind: _bank_account(card) if card.delayed else _card(card, typed.expires),
        }
    )


def create_of(world: World, params: Json) -> Json:
    """The payment method of a request: a token, a test card number, or a bank account.

    Raises:
        ApiError: 400 if its type's details are missing, or the sandbox has no such type.
    """
    kind, details = params["type"], params.get(params["type"]) or {}
    if not details:
        raise missing_parameter(kind)
    if kind == "card":
        typed = _typed_card(world, details)
    elif kind == "us_bank_account":
        if not details.get("account_number"):
            raise missing_parameter("us_bank_account[account_number]")
        typed = details["account_number"]
    else:
        raise invalid(f"This account can't accept payment methods of type {kind}.", param="type")
    billing = params.get("billing_details") or {}
    method = create(world, typed, billing.get("email"), billing.get("name"))
    method["billing_details"] |= {name: one for name, one in billing.items() if one is not None}
    method["metadata"] = new_metadata(params)
    return world.objects.put(method)


def _typed_card(world: World, details: Json) -> cards.TypedCard | str:
    if token := details.get("token"):
        number = cards.TOKENS.get(token.replace("tok_", "pm_card_", 1))
        if number is None or not token.startswith("tok_"):
            raise missing("token", token, param="card[token]", status=400)
        return number
    for name in ("number", "exp_month", "exp_year"):
        if not details.get(name):
            raise missing_parameter(f"card[{name}]")
    year, month = details["exp_year"], details["exp_month"]
    year = year + 2000 if year < 100 else year
    now = datetime.fromtimestamp(world.now(), UTC)
    if not 1 <= month <= 12:
        raise _wrong(
            "Your card's expiration month is invalid.", "invalid_expiry_month", "exp_month"
        )
    if (year, month) < (now.year, now.month):
        raise _wrong("Your card's expiration year is invalid.", "invalid_expiry_year", "exp_year")
    return cards.TypedCard(details["number"], (year, month))


def _wrong(message: str, code: str, param: str) -> ApiError:
    return ApiError(402, "card_error", message, code=code, param=param)


def _card(card: cards.Card, expires: tuple[int, int]) -> Json:
    year, month = expires
    return {
        "brand": card.brand,
        "checks": {
            "address_line1_check": None,
            "address_postal_code_check": None,
            "cvc_check": "pass",
        },
        "country": "US",
        "display_brand": card.brand,
        "exp_month": month,
        "exp_year": year,
        "fingerprint": card.fingerprint,
        "funding": "credit",
        "generated_from": None,
        "last4": card.last4,
        "networks": {"available": [card.brand], "preferred": None},
        "regulated_status": "unregulated",
        "three_d_secure_usage": {"supported": True},
        "wallet": None,
    }


def _bank_account(card: cards.Card) -> Json:
    return {
        "account_holder_type": "individual",
        "account_type": "checking",
        "bank_name": "STRIPE TEST BANK",
        "financial_connections_account": None,
        "fingerprint": card.fingerprint,
        "last4": card.last4,
        "networks": {"preferred": "ach", "supported": ["ach"]},
        "routing_number": "110000000",
        "status_details": {},
    }


def find(world: World, method_id: str, *, param: str | None = None) -> Json:
    """A payment method by ID; Stripe's ready-made `pm_card_…` names make a new one."""
    if method_id in cards.TOKENS:
        return create(world, cards.TOKENS[method_id])
    method = world.objects.get(method_id)
    if method is None or method["object"] != "payment_method":
        raise missing(
            "PaymentMethod",
            method_id,
            param=param or "payment_method",
            status=400 if param else 404,
        )
    return method


def attach(world: World, method: Json, customer_id: str) -> Json:
    """Attach to a customer. As at Stripe, a card that's always declined can't be attached."""
    if method["customer"] not in (None, customer_id):
        raise invalid(
            "The payment method you provided has already been attached to a customer.",
            param="customer",
        )
    card = cards.of_method(method)
    if card.is_declined(off_session=False):
        raise cards.refused(card)
    if method["customer"] is None:
        method["customer"] = customer_id
        world.objects.put(method)
        emit(world, "payment_method.attached", method)
    return method


def detach(world: World, method: Json) -> Json:
    if method["customer"] is None:
        raise invalid(
            "The payment method you provided is not attached to a customer so detachment is "
            "impossible."
        )
    _forget(world, method)
    before = method["customer"]
    method["customer"] = None
    world.objects.put(method)
    emit(world, "payment_method.detached", method, {"customer": before})
    return method


def _forget(world: World, method: Json) -> None:
    customer = world.objects.get(method["customer"])
    if customer and customer["invoice_settings"]["default_payment_method"] == method["id"]:
        with changing(world, customer, "customer.updated"):
            customer["invoice_settings"]["default_payment_method"] = None
    for subscription in world.objects.list("subscription", default_payment_method=method["id"]):
        with changing(world, subscription, "customer.subscription.updated"):
            subscription["default_payment_method"] = None


def updated(world: World, method: Json) -> Json:
    """Store a changed method and emit its event."""
    world.objects.put(method)
    emit(world, "payment_method.updated", method)
    return method
