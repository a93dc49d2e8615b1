"""Setup intents, and payment methods made from test cards."""

from sandbox.stripe import customers, payment_methods, setup_intents
from sandbox.stripe.endpoint import DATED, Call, Endpoint, equal, listing
from sandbox.stripe.params import (
    ADDRESS,
    BOOLEAN,
    EMAIL,
    INTEGER,
    METADATA,
    TEXT,
    TEXTS,
    Emptyable,
    Hash,
    Required,
    one_of,
    text,
)
from sandbox.world import Json

_REASONS = one_of("abandoned", "duplicate", "requested_by_customer")


def _create(call: Call) -> Json:
    if customer := call.params.get("customer"):
        customers.find(call.world, customer, param="customer")
    return setup_intents.create(call.world, call.params)


def _confirm(call: Call) -> Json:
    return setup_intents.confirm(call.world, setup_intents.find(call.world, call.id), call.params)


def _update(call: Call) -> Json:
    return setup_intents.update(call.world, setup_intents.find(call.world, call.id), call.params)


def _cancel(call: Call) -> Json:
    intent = setup_intents.find(call.world, call.id)
    return setup_intents.cancel(call.world, intent, call.params.get("cancellation_reason"))


def _list(call: Call) -> Json:
    setups = call.world.objects.list(
        "setup_intent", **equal(call.params, "customer", "payment_method")
    )
    return listing(call, setups, "/v1/setup_intents")


ENDPOINTS = [
    Endpoint(
        "POST",
        "/v1/payment_methods",
        "payment_method_create",
        lambda call: payment_methods.create_of(call.world, call.params),
        {
            "billing_details": Hash(
                {"address": Emptyable(ADDRESS), "email": EMAIL, "name": TEXT, "phone": TEXT}
            ),
            "card": Hash(
                {"cvc": TEXT, "exp_month": INTEGER, "exp_year": INTEGER, "number": TEXT}
                | {"token": TEXT}
            ),
            "metadata": METADATA,
            "type": Required(one_of("card", "sepa_debit", "us_bank_account")),
            "us_bank_account": Hash(
                {
                    "account_holder_type": one_of("company", "individual"),
                    "account_number": TEXT,
                    "account_type": one_of("checking", "savings"),
                    "routing_number": TEXT,
                }
            ),
        },
    ),
    Endpoint(
        "POST",
        "/v1/setup_intents",
        "setup_intent_create",
        _create,
        {
            "allowed_payment_method_types": TEXTS,
            "automatic_payment_methods": Hash(
                {"allow_redirects": one_of("always", "never"), "enabled": Required(BOOLEAN)}
            ),
            "confirm": BOOLEAN,
            "customer": TEXT,
            "description": text(1000),
            "metadata": METADATA,
            "payment_method": TEXT,
            "payment_method_types": TEXTS,
            "return_url": TEXT,
            "usage": one_of("off_session", "on_session"),
        },
    ),
    Endpoint(
        "GET",
        "/v1/setup_intents",
        "setup_intent_list",
        _list,
        {**DATED, "customer": TEXT, "payment_method": TEXT},
    ),
    Endpoint(
        "GET",
        "/v1/setup_intents/{id}",
        "setup_intent_retrieve",
        lambda call: setup_intents.find(call.world, call.id),
        {"client_secret": TEXT},
    ),
    Endpoint(
        "POST",
        "/v1/setup_intents/{id}",
        "setup_intent_update",
        _update,
        {"customer": TEXT, "description": text(1000), "metadata": METADATA, "payment_method": TEXT},
    ),
    Endpoint(
        "POST",
        "/v1/setup_intents/{id}/confirm",
        "setup_intent_confirm",
        _confirm,
        {"payment_method": TEXT, "return_url": TEXT},
    ),
    Endpoint(
        "POST",
        "/v1/setup_intents/{id}/cancel",
        "setup_intent_cancel",
        _cancel,
        {"cancellation_reason": _REASONS},
    ),
]
