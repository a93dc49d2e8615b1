"""What can be expanded: each kind of object's fields, and what they lead to.

Stripe refuses a wrong path before it does anything, so this must not depend on an object.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from sandbox.stripe import versions
from sandbox.stripe.errors import ApiError, invalid

_MAX_LEVELS = 4


@dataclass(frozen=True)
class Many:
    """A list inside an object; its entries are below `data`."""

    kind: str


Target = str | Many | Mapping[str, "Target"]
"""A kind of object, several in a list, or a part with fields of its own."""

_ELSEWHERE = ""
"""Leads to something that the sandbox has none of."""
_DISCOUNTED: Target = {"discount": "discount", "credit_balance_transaction": _ELSEWHERE}
_PRICED: Target = {"price_details": {"price": "price"}}

EXPANDABLE: dict[str, Mapping[str, Target]] = {
    "account": {},
    "balance": {},
    "balance_transaction": {"source": "charge"},
    "billing_portal.configuration": {},
    "billing_portal.session": {"configuration": "billing_portal.configuration"},
    "charge": {
        **dict.fromkeys(("application", "application_fee", "on_behalf_of"), _ELSEWHERE),
        **dict.fromkeys(("review", "source_transfer", "transfer"), _ELSEWHERE),
        "balance_transaction": "balance_transaction",
        "customer": "customer",
        "failure_balance_transaction": "balance_transaction",
        "payment_intent": "payment_intent",
        "refunds": Many("refund"),
    },
    "checkout.session": {
        **dict.fromkeys(("payment_link",), _ELSEWHERE),
        "customer": "customer",
        "discounts": {"coupon": "coupon", "promotion_code": "promotion_code"},
        "invoice": "invoice",
        "line_items": Many("item"),
        "payment_intent": "payment_intent",
        "setup_intent": "setup_intent",
        "subscription": "subscription",
        "total_details": {"breakdown": {}},
    },
    "coupon": {"applies_to": {}, "currency_options": {}},
    "credit_note": {
        "customer": "customer",
        "customer_balance_transaction": _ELSEWHERE,
        "discount_amounts": _DISCOUNTED,
        "invoice": "invoice",
        "lines": Many("credit_note_line_item"),
        "pretax_credit_amounts": _DISCOUNTED,
        "refunds": {"refund": "refund"},
    },
    "credit_note_line_item": {
        "discount_amounts": _DISCOUNTED,
        "pretax_credit_amounts": _DISCOUNTED,
        "tax_rates": "tax_rate",
    },
    "customer": {
        "address": {},
        "cash_balance": _ELSEWHERE,
        "default_source": _ELSEWHERE,
        "discount": "discount",
        "invoice_credit_balance": {},
        "invoice_settings": {"default_payment_method": "payment_method"},
        "shipping": {},
        "sources": Many(_ELSEWHERE),
        "subscriptions": Many("subscription"),
        "tax": {},
        "tax_ids": Many("tax_id"),
        "test_clock": "test_helpers.test_clock",
    },
    "discount": {
        "customer": "customer",
        "promotion_code": "promotion_code",
        "source": {"coupon": "coupon"},
    },
    "dispute": {
        "balance_transactions": "balance_transaction",
        "charge": "charge",
        "evidence": dict.fromkeys(
            (
                *("cancellation_policy", "customer_communication", "customer_signature"),
                *("duplicate_charge_documentation", "receipt", "refund_policy"),
                *("service_documentation", "shipping_documentation", "uncategorized_file"),
            ),
            "file",
        ),
        "payment_intent": "payment_intent",
    },
    "event": {"data": {}, "request": {}},
    "file": {},
    "invoice": {
        **dict.fromkeys(("account_tax_ids", "application", "default_source"), _ELSEWHERE),
        **dict.fromkeys(("on_behalf_of",), _ELSEWHERE),
        "amount_paid_off_stripe": {},
        "confirmation_secret": {},
        "customer": "customer",
        "default_payment_method": "payment_method",
        "default_tax_rates": "tax_rate",
        "discounts": "discount",
        "from_invoice": {"invoice": "invoice"},
        "latest_revision": "invoice",
        "lines": Many("line_item"),
        "parent": {"subscription_details": {"subscription": "subscription"}},
        "payments": Many("invoice_payment"),
        "test_clock": "test_helpers.test_clock",
        "threshold_reason": {},
        "total_discount_amounts": _DISCOUNTED,
        "total_pretax_credit_amounts": _DISCOUNTED,
    },
    "invoice_payment": {
        "invoice": "invoice",
        "payment": {
            "charge": "charge",
            "payment_intent": "payment_intent",
            "payment_record": _ELSEWHERE,
        },
    },
    "invoiceitem": {
        "customer": "customer",
        "discounts": "discount",
        "invoice": "invoice",
        "pricing": _PRICED,
        "tax_rates": "tax_rate",
        "test_clock": "test_helpers.test_clock",
    },
    "item": {"price": "price"},
    "line_item": {
        "discount_amounts": _DISCOUNTED,
        "discounts": "discount",
        "pretax_credit_amounts": _DISCOUNTED,
        "pricing": _PRICED,
        "subscription": "subscription",
    },
    "payment_intent": {
        **dict.fromkeys(("application", "on_behalf_of", "payment_record"), _ELSEWHERE),
        **dict.fromkeys(("review", "source"), _ELSEWHERE),
        "customer": "customer",
        "latest_charge": "charge",
        "payment_method": "payment_method",
    },
    "payment_method": {"customer": "customer"},
    "payout": {
        **dict.fromkeys(("application_fee", "destination"), _ELSEWHERE),
        "balance_transaction": "balance_transaction",
        "failure_balance_transaction": "balance_transaction",
        "original_payout": "payout",
        "reversed_by": "payout",
    },
    "price": {"currency_options": {}, "product": "product", "tiers": {}},
    "product": {"default_price": "price", "tax_code": _ELSEWHERE},
    "promotion_code": {"customer": "customer", "promotion": {"coupon": "coupon"}},
    "radar.early_fraud_warning": {"charge": "charge", "payment_intent": "payment_intent"},
    "refund": {
        **dict.fromkeys(("source_transfer_reversal", "transfer_reversal"), _ELSEWHERE),
        "balance_transaction": "balance_transaction",
        "charge": "charge",
        "customer": "customer",
        "failure_balance_transaction": "balance_transaction",
        "payment_intent": "payment_intent",
        "payment_method": "payment_method",
    },
    "setup_intent": {
        **dict.fromkeys(("application", "latest_attempt", "mandate"), _ELSEWHERE),
        **dict.fromkeys(("on_behalf_of", "single_use_mandate"), _ELSEWHERE),
        "customer": "customer",
        "payment_method": "payment_method",
    },
    "subscription": {
        **dict.fromkeys(("application", "default_source", "on_behalf_of"), _ELSEWHERE),
        "customer": "customer",
        "default_payment_method": "payment_method",
        "default_tax_rates": "tax_rate",
        "discounts": "discount",
        "items": Many("subscription_item"),
        "latest_invoice": "invoice",
        "pending_setup_intent": "setup_intent",
        "schedule": "subscription_schedule",
        "test_clock": "test_helpers.test_clock",
    },
    "subscription_item": {
        "discounts": "discount",
        "price": "price",
        "tax_rates": "tax_rate",
    },
    "subscription_schedule": {
        "application": _ELSEWHERE,
        "customer": "customer",
        "default_settings": {"default_payment_method": "payment_method"},
        "phases": {"default_payment_method": "payment_method", "items": {"price": "price"}},
        "subscription": "subscription",
        "test_clock": "test_helpers.test_clock",
    },
    "tax.settings": {},
    "tax_id": {"customer": "customer", "owner": {"customer": "customer"}},
    "tax_rate": {},
    "test_helpers.test_clock": {},
    "webhook_endpoint": {},
}

_OLDER: dict[str, list[tuple[str, Mapping[str, Any]]]] = {
    "charge": [(versions.BASIL, {"invoice": "invoice"})],
    "credit_note": [(versions.BASIL, {"refund": "refund", "refunds": None})],
    "discount": [(versions.CLOVER, {"source": None, "coupon": "coupon"})],
    "invoice": [
        (
            versions.BASIL,
            {
                **dict.fromkeys(("confirmation_secret", "parent", "payments")),
                "charge": "charge",
                "discount": "discount",
                "payment_intent": "payment_intent",
                "quote": _ELSEWHERE,
                "subscription": "subscription",
            },
        )
    ],
    "invoiceitem": [(versions.BASIL, {"pricing": None, "subscription": "subscription"})],
    "line_item": [(versions.BASIL, {"pricing": None, "subscription_item": "subscription_item"})],
    "payment_intent": [
        (versions.BASIL, {"invoice": "invoice"}),
        (versions.NO_LISTS_INSIDE, {"charges": Many("charge")}),
    ],
    "promotion_code": [(versions.CLOVER, {"promotion": None, "coupon": "coupon"})],
    "subscription": [(versions.BASIL, {"discount": "discount"})],
}
"""What was otherwise before a day; None where it could not be expanded then."""

_OF_COLLECTION = {
    "charges": "charge",
    "checkout/sessions": "checkout.session",
    "checkout/sessions/line_items": "item",
    "billing_portal/configurations": "billing_portal.configuration",
    "billing_portal/sessions": "billing_portal.session",
    "credit_notes/lines": "credit_note_line_item",
    "customers/payment_methods": "payment_method",
    "customers/subscriptions": "subscription",
    "customers/tax_ids": "tax_id",
    "invoiceitems": "invoiceitem",
    "tax/settings": "tax.settings",
    "test_helpers/test_clocks": "test_helpers.test_clock",
    "invoices/lines": "line_item",
    "radar/early_fraud_warnings": "radar.early_fraud_warning",
    "charges/refunds": "refund",
}
"""The kind of what an address lists, where it is not the singular of its name."""


def kind_of(path: str) -> str | None:
    """The kind of object that an endpoint returns; None if unknown."""
    parts = [part for part in path.split("/")[2:] if part != "{id}"]
    while parts:
        place = "/".join(parts)
        kind = _OF_COLLECTION.get(place) or place.removesuffix("s")
        if kind in EXPANDABLE:
            return kind
        # The rest is an action: `invoices/pay` returns an invoice.
        parts.pop()
    return None


def check(paths: list[str], kind: str | None, *, is_list: bool, version: str) -> None:
    """Refuse, in Stripe's words, a path that leads nowhere."""
    for path in paths:
        keys = path.split(".")
        if len(keys) > _MAX_LEVELS:
            raise _too_deep(path)
        if is_list and path == "total_count":
            raise invalid("This property cannot be included (total_count)")
        if is_list and keys[0] != "data":
            raise _refused(keys[0], hint=f"data.{keys[0]}")
        if kind is not None:
            before = "data." if is_list else ""
            _follow(keys[1:] if is_list else keys, kind, before, version)


def _follow(keys: list[str], target: Target, before: str, version: str) -> None:
    """Follow a path from a kind of object, a list, or a part."""
    for place, key in enumerate(keys):
        if isinstance(target, Many):
            if key != "data":
                raise _refused(before + ".".join(keys[: place + 1]))
            target = target.kind
            continue
        if target == _ELSEWHERE:
            return
        fields = _fields(target, version) if isinstance(target, str) else target
        if key not in fields:
            raise _refused(before + ".".join(keys[: place + 1]))
        target = fields[key]


def _fields(kind: str, version: str) -> Mapping[str, Target]:
    """What can be expanded in a kind of object in a version."""
    fields: dict[str, Any] = dict(EXPANDABLE.get(kind, {}))
    for day, change in _OLDER.get(kind, []):
        if versions.is_before(version, day):
            fields |= change
    return {name: target for name, target in fields.items() if target is not None}


def _refused(token: str, *, hint: str = "") -> ApiError:
    message = f"This property cannot be expanded ({token})."
    if hint:
        message += f" You may want to try expanding '{hint}' instead."
    return invalid(message)


def _too_deep(path: str) -> ApiError:
    return ApiError(
        400,
        "invalid_request_error",
        f"You cannot expand more than {_MAX_LEVELS} levels of a property. Property: {path}",
        code="property_expansion_max_depth",
    )
