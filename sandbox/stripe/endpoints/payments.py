"""Payment intents, charges, and refunds."""

from sandbox.stripe import amounts, charges, customers, payment_intents, payment_methods, refunds
from sandbox.stripe.endpoint import DATED, LISTING, Call, Endpoint, equal, listing
from sandbox.stripe.params import (
    ADDRESS,
    BOOLEAN,
    COUNT,
    CURRENCY,
    DESCRIPTOR,
    EMAIL,
    METADATA,
    TEXT,
    TEXTS,
    Hash,
    Required,
    new_metadata,
    one_of,
    text,
)
from sandbox.world import Json


def _create_intent(call: Call) -> Json:
    world, params = call.world, call.params
    customer = params.get("customer")
    if customer:
        customers.find(world, customer, param="customer")
    amounts.check(params["amount"], params["currency"])
    intent = payment_intents.create(
        world,
        amount=params["amount"],
        currency=params["currency"],
        customer=customer,
        description=params.get("description"),
        metadata=new_metadata(params),
        receipt_email=params.get("receipt_email"),
        setup_future_usage=params.get("setup_future_usage"),
        more=_shipped(params),
    )
    return _confirm(call, intent) if params.get("confirm") else intent


def _shipped(params: Json) -> Json:
    """The parameters as they're stored: a shipment's missing parts are null."""
    if allowed := params.get("allowed_payment_method_types"):
        params = params | {"payment_method_types": allowed}
    if shipping := params.get("shipping"):
        parts = dict.fromkeys(("carrier", "phone", "tracking_number"))
        address = {**dict.fromkeys(ADDRESS.fields), **shipping["address"]}
        params = params | {"shipping": {**parts, **shipping, "address": address}}
    return params


def _capture_intent(call: Call) -> Json:
    intent = payment_intents.find(call.world, call.id)
    return payment_intents.capture(call.world, intent, call.params.get("amount_to_capture"))


def _confirm(call: Call, intent: Json) -> Json:
    payment_intents.check_confirmable(intent, call.params.get("payment_method"))
    method = payment_methods.find(call.world, call.params["payment_method"], param="payment_method")
    payment_intents.check_owner(intent, method)
    off_session = bool(call.params.get("off_session"))
    outcome = payment_intents.confirm(
        call.world, intent, method, off_session=off_session, authenticate=None
    )
    if outcome.status == "declined":
        raise payment_intents.refusal(intent)
    return intent


def _confirm_intent(call: Call) -> Json:
    return _confirm(call, payment_intents.find(call.world, call.id))


def _cancel_intent(call: Call) -> Json:
    intent = payment_intents.find(call.world, call.id)
    return payment_intents.cancel(call.world, intent, call.params.get("cancellation_reason"))


def _update_intent(call: Call) -> Json:
    intent = payment_intents.find(call.world, call.id)
    if "amount" in call.params:
        payment_intents.check_changeable(intent)
        amounts.check(call.params["amount"], intent["currency"])
    return payment_intents.update(call.world, intent, call.params)


def _list_intents(call: Call) -> Json:
    intents = call.world.objects.list("payment_intent", **equal(call.params, "customer"))
    return listing(call, intents, "/v1/payment_intents")


def _list_charges(call: Call) -> Json:
    matches = call.world.objects.list("charge", **equal(call.params, "customer", "payment_intent"))
    return listing(call, matches, "/v1/charges")


def _list_refunds(call: Call) -> Json:
    matches = call.world.objects.list("refund", **equal(call.params, "charge", "payment_intent"))
    return listing(call, matches, "/v1/refunds")


def _list_refunds_of_charge(call: Call) -> Json:
    charges.find(call.world, call.id)
    matches = call.world.objects.list("refund", charge=call.id)
    return listing(call, matches, f"/v1/charges/{call.id}/refunds")


def _update_refund(call: Call) -> Json:
    return refunds.update(call.world, refunds.find(call.world, call.id), call.params)


ENDPOINTS = [
    Endpoint(
        "POST",
        "/v1/payment_intents",
        "payment_intent_create",
        _create_intent,
        {
            "allowed_payment_method_types": TEXTS,
            "amount": Required(COUNT),
            "automatic_payment_methods": Hash(
                {"allow_redirects": one_of("always", "never"), "enabled": Required(BOOLEAN)}
            ),
            "capture_method": one_of("automatic", "automatic_async", "manual"),
            "confirm": BOOLEAN,
            "currency": Required(CURRENCY),
            "customer": TEXT,
            "description": text(1000),
            "metadata": METADATA,
            "off_session": BOOLEAN,
            "payment_method": TEXT,
            "payment_method_types": TEXTS,
            "receipt_email": EMAIL,
            "return_url": TEXT,
            "shipping": Hash(
                {
                    "address": Required(ADDRESS),
                    "carrier": TEXT,
                    "name": Required(TEXT),
                    "phone": TEXT,
                    "tracking_number": TEXT,
                }
            ),
            "statement_descriptor": DESCRIPTOR,
            "statement_descriptor_suffix": text(22),
            "setup_future_usage": one_of("off_session", "on_session"),
        },
    ),
    Endpoint(
        "GET",
        "/v1/payment_intents",
        "payment_intent_list",
        _list_intents,
        {**DATED, "customer": TEXT},
    ),
    Endpoint(
        "GET",
        "/v1/payment_intents/{id}",
        "payment_intent_retrieve",
        lambda call: payment_intents.find(call.world, call.id),
        {"client_secret": TEXT},
    ),
    Endpoint(
        "POST",
        "/v1/payment_intents/{id}",
        "payment_intent_update",
        _update_intent,
        {
            "amount": COUNT,
            "description": text(1000),
            "metadata": METADATA,
            "receipt_email": EMAIL,
        },
    ),
    Endpoint(
        "POST",
        "/v1/payment_intents/{id}/confirm",
        "payment_intent_confirm",
        _confirm_intent,
        {"off_session": BOOLEAN, "payment_method": TEXT},
    ),
    Endpoint(
        "POST",
        "/v1/payment_intents/{id}/cancel",
        "payment_intent_cancel",
        _cancel_intent,
        {
            "cancellation_reason": one_of(
                "abandoned", "duplicate", "fraudulent", "requested_by_customer"
            )
        },
    ),
    Endpoint(
        "POST",
        "/v1/payment_intents/{id}/capture",
        "payment_intent_capture",
        _capture_intent,
        {"amount_to_capture": COUNT},
    ),
    Endpoint(
        "GET",
        "/v1/charges",
        "charge_list",
        _list_charges,
        {**DATED, "customer": TEXT, "payment_intent": TEXT},
    ),
    Endpoint(
        "GET",
        "/v1/charges/{id}",
        "charge_retrieve",
        lambda call: charges.find(call.world, call.id),
        {},
    ),
    Endpoint(
        "GET",
        "/v1/charges/{id}/refunds",
        "charge_list_refunds",
        _list_refunds_of_charge,
        LISTING,
    ),
    Endpoint(
        "POST",
        "/v1/refunds",
        "refund_create",
        lambda call: refunds.create(call.world, call.params),
        {
            "amount": COUNT,
            "charge": TEXT,
            "instructions_email": EMAIL,
            "metadata": METADATA,
            "payment_intent": TEXT,
            "reason": one_of("duplicate", "fraudulent", "requested_by_customer"),
        },
    ),
    Endpoint(
        "GET",
        "/v1/refunds",
        "refund_list",
        _list_refunds,
        {**DATED, "charge": TEXT, "payment_intent": TEXT},
    ),
    Endpoint(
        "GET",
        "/v1/refunds/{id}",
        "refund_retrieve",
        lambda call: refunds.find(call.world, call.id),
        {},
    ),
    Endpoint("POST", "/v1/refunds/{id}", "refund_update", _update_refund, {"metadata": METADATA}),
    Endpoint(
        "POST",
        "/v1/refunds/{id}/cancel",
        "refund_cancel",
        lambda call: refunds.cancel(call.world, refunds.find(call.world, call.id)),
        {},
    ),
]
