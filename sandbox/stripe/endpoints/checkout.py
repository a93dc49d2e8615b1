"""Checkout sessions."""

from sandbox.stripe import checkout
from sandbox.stripe.endpoint import DATED, LISTING, Call, Endpoint, entries, equal, listing
from sandbox.stripe.params import (
    BOOLEAN,
    COUNT,
    CURRENCY,
    EMAIL,
    INTEGER,
    METADATA,
    NOT_NEGATIVE,
    TEXT,
    TEXTS,
    URL,
    Emptyable,
    Hash,
    ListOf,
    Required,
    Spec,
    integer,
    one_of,
    text,
)
from sandbox.world import Json

_PRICE_DATA = Hash(
    {
        "currency": Required(CURRENCY),
        "product": TEXT,
        "product_data": Hash(
            {
                "description": text(40_000),
                "images": ListOf(URL, most=8),
                "metadata": METADATA,
                "name": Required(text(250)),
                "tax_code": TEXT,
                "unit_label": text(12),
            }
        ),
        "recurring": Hash(
            {
                "interval": Required(one_of("day", "month", "week", "year")),
                "interval_count": COUNT,
            }
        ),
        "tax_behavior": one_of("exclusive", "inclusive", "unspecified"),
        "unit_amount": NOT_NEGATIVE,
    }
)
_CREATE: Spec = {
    "allow_promotion_codes": BOOLEAN,
    "automatic_tax": Hash({"enabled": Required(BOOLEAN)}),
    "billing_address_collection": one_of("auto", "required"),
    "cancel_url": URL,
    "client_reference_id": text(200),
    "currency": CURRENCY,
    "custom_text": Hash({"submit": Emptyable(Hash({"message": Required(text(1200))}))}),
    "customer": TEXT,
    "customer_creation": one_of("always", "if_required"),
    "customer_email": EMAIL,
    "customer_update": Hash(
        dict.fromkeys(("address", "name", "shipping"), one_of("auto", "never"))
    ),
    "discounts": ListOf(Hash({"coupon": TEXT, "promotion_code": TEXT}), most=1),
    "expires_at": INTEGER,
    "line_items": ListOf(
        Hash({"price": TEXT, "price_data": _PRICE_DATA, "quantity": COUNT, "tax_rates": TEXTS}),
        most=checkout.MOST_LINES,
    ),
    "locale": TEXT,
    "metadata": METADATA,
    "mode": Required(one_of("payment", "setup", "subscription")),
    "payment_intent_data": Hash(
        {
            "description": text(1000),
            "metadata": METADATA,
            "receipt_email": EMAIL,
            "setup_future_usage": one_of("off_session", "on_session"),
        }
    ),
    "allowed_payment_method_types": TEXTS,
    "payment_method_types": TEXTS,
    "payment_method_collection": one_of("always", "if_required"),
    "setup_intent_data": Hash({"description": text(1000), "metadata": METADATA}),
    "submit_type": one_of("auto", "book", "donate", "pay", "subscribe"),
    "subscription_data": Hash(
        {
            "default_tax_rates": TEXTS,
            "description": text(500),
            "metadata": METADATA,
            "trial_end": INTEGER,
            "trial_period_days": integer(1, 730),
        }
    ),
    "success_url": URL,
    "tax_id_collection": Hash(
        {"enabled": Required(BOOLEAN), "required": one_of("if_supported", "never")}
    ),
    "ui_mode": one_of("hosted_page"),
}


def _list(call: Call) -> Json:
    filters = equal(call.params, "customer", "payment_intent", "status", "subscription")
    sessions = call.world.objects.list("checkout.session", **filters)
    email = (call.params.get("customer_details") or {}).get("email")
    sessions = [entry for entry in sessions if not email or _email(entry) == email]
    return listing(call, sessions, "/v1/checkout/sessions")


def _email(session: Json) -> str | None:
    details = session["customer_details"]
    email: str | None = details["email"] if details else None
    return email


def _line_items(call: Call) -> Json:
    lines = checkout.line_items(checkout.find(call.world, call.id))
    return entries(call, lines, f"/v1/checkout/sessions/{call.id}/line_items")


def _update(call: Call) -> Json:
    return checkout.update(call.world, checkout.find(call.world, call.id), call.params)


ENDPOINTS = [
    Endpoint(
        "POST",
        "/v1/checkout/sessions",
        "checkout.session_create",
        lambda call: checkout.create(call.world, call.params),
        _CREATE,
    ),
    Endpoint(
        "GET",
        "/v1/checkout/sessions",
        "checkout.session_list",
        _list,
        {
            **DATED,
            "customer": TEXT,
            "customer_details": Hash({"email": Required(TEXT)}),
            "payment_intent": TEXT,
            "status": one_of("complete", "expired", "open"),
            "subscription": TEXT,
        },
    ),
    Endpoint(
        "GET",
        "/v1/checkout/sessions/{id}",
        "checkout.session_retrieve",
        lambda call: checkout.find(call.world, call.id),
        {},
    ),
    Endpoint(
        "POST",
        "/v1/checkout/sessions/{id}",
        "checkout.session_update",
        _update,
        {"metadata": METADATA},
    ),
    Endpoint(
        "POST",
        "/v1/checkout/sessions/{id}/expire",
        "checkout.session_expire",
        lambda call: checkout.expire(call.world, checkout.find(call.world, call.id)),
        {},
    ),
    Endpoint(
        "GET",
        "/v1/checkout/sessions/{id}/line_items",
        "checkout.session_line_item_list",
        _line_items,
        LISTING,
    ),
]
