"""The maximum lengths of texts that we keep from Stripe or send to it, in one table (pure).

The limits come from Stripe's API reference and OpenAPI description ("maxLength"), which gives every
other string 5,000 characters. Columns take their `max_length` from here, and every snapshot fits
itself to the table when it's made. So no text from Stripe is too long to be written, and what we
compare with Stripe is cut the same way as the row.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, TypeVar, cast

from common import characters

# Stripe documentation, "Upgrades": IDs never exceed 255 characters.
ID = 255
CURRENCY = 3
# Stripe's words for a state, a reason, a code, a brand: short now, but more may be added.
WORD = 100
LAST4 = 4
MONTH = 7  # YYYY-MM
# A number on an invoice or credit note, a bank's reference: searched for, so indexed.
NUMBER = 255
LINK = 5_000
TEXT = 5_000
EMAIL = 512
CUSTOMER_NAME = 256
# `business_name` and `individual_name`.
PARTY_NAME = 150
COUPON_ID = 500
PAYMENT_DESCRIPTION = 1_000
PRODUCT_NAME = 5_000
PRODUCT_DESCRIPTION = 40_000

# What snapshots hold, by field, or by class and field where one name means two things.
# A field that is not listed has TEXT.
KEPT: Mapping[str, int] = {
    "balance_type": WORD,
    "billing_reason": WORD,
    "brand": WORD,
    "card_expires": MONTH,
    "category": WORD,
    "currency": CURRENCY,
    "duration": WORD,
    "email": EMAIL,
    "end_reason": WORD,
    "expires": MONTH,
    "failure_code": WORD,
    "failure_reason": WORD,
    "interval": WORD,
    "kind": WORD,
    "method": WORD,
    "mode": WORD,
    "wallet": WORD,
    "last4": LAST4,
    "network_reason_code": WORD,
    "number": NUMBER,
    "payment_status": WORD,
    "pending_reason": WORD,
    "reason": WORD,
    "reconciliation": WORD,
    "reference": NUMBER,
    "statement_descriptor": NUMBER,
    "status": WORD,
    "collection_method": WORD,
    "given_up_reason": WORD,
    "behavior": WORD,
    "business_name": CUSTOMER_NAME,
    "customer_name": CUSTOMER_NAME,
    "individual_name": PARTY_NAME,
    "finalization_error": WORD,
    "fraud_type": WORD,
    "fingerprint": ID,
    "jurisdiction": NUMBER,
    "tax_behavior": WORD,
    "tax_problem": WORD,
    "trace": NUMBER,
    "taxation": WORD,
    "pause_behavior": WORD,
    "CouponSnapshot.id": COUPON_ID,
    "CustomerSnapshot.name": CUSTOMER_NAME,
    "PaymentSnapshot.description": PAYMENT_DESCRIPTION,
    "PlanSnapshot.description": PRODUCT_DESCRIPTION,
    "PlanSnapshot.name": PRODUCT_NAME,
    "TaxRateSnapshot.name": NUMBER,
}
# What we send, by parameter name, or by parent and name if that's more specific.
SENT: Mapping[str, int] = {
    "business_name": PARTY_NAME,
    "client_reference_id": 200,
    "comment": TEXT,
    "description": PAYMENT_DESCRIPTION,
    "email": EMAIL,
    "individual_name": PARTY_NAME,
    "name": CUSTOMER_NAME,
    # Less than for a standalone product.
    "product_data.name": 250,
}
METADATA_KEY, METADATA_VALUE, METADATA_ENTRIES = 40, 500, 50

Params = TypeVar("Params", bound=Mapping[str, Any])
UNSTORABLE = re.compile("[\x00\ud800-\udfff]")


class TooLong(ValueError):
    """An ID or a currency from Stripe that's longer than Stripe says."""


def _is_exact(field: str) -> bool:
    """Whether it must never be cut: an object with a longer value can't be read."""
    return field in ("id", "currency") or field.endswith("_id")


def _is_address(field: str) -> bool:
    """Whether it's an address, which leads nowhere if it's cut."""
    return field == "url" or field.endswith("_url")


def longest(owner: str, field: str) -> int:
    """Return the maximum length of a snapshot's field."""
    known = KEPT.get(f"{owner}.{field}") or KEPT.get(field)
    if known:
        return known
    return ID if _is_exact(field) else LINK if _is_address(field) else TEXT


def fitted(owner: str, field: str, value: Any) -> Any:
    """Return a value fitted to a snapshot's field, including lists and mappings.

    Raises:
        TooLong: it's an ID or a currency, which can't be cut.
    """
    if isinstance(value, str):
        return _fitted_text(owner, field, value)
    if isinstance(value, list):
        return [fitted(owner, field, item) for item in value]
    if isinstance(value, dict):
        return {key: _fitted_part(item) for key, item in value.items()}
    return value


def _fitted_text(owner: str, field: str, text: str) -> str:
    most = longest(owner, field)
    text = storable(text)
    if len(text) <= most:
        return text
    if _is_exact(field):
        raise TooLong(f"{owner}.{field} has {len(text)} characters instead of {most} at most.")
    return "" if _is_address(field) else shortened(text, most)


def _fitted_part(value: Any) -> Any:
    """Return a value for a JSON column, which has room, but not for every character."""
    return shortened(storable(value), TEXT) if isinstance(value, str) else value


def storable(text: str) -> str:
    """Return a text that PostgreSQL can hold: without NUL and lone surrogates."""
    return UNSTORABLE.sub("\N{REPLACEMENT CHARACTER}", text)


def shortened(text: str, most: int) -> str:
    """Cut a text to a length; it then ends with an ellipsis."""
    return text if len(text) <= most else f"{text[: most - 1]}…"


def sendable(params: Params) -> Params:
    """Return parameters that Stripe accepts, whatever people wrote.

    No text exceeds the table's length or has unprintable characters: Stripe shows them on its
    pages, mails, and PDFs. Everything we write to Stripe goes through here.
    """
    return cast("Params", _sendable(params, ""))


def _sendable(params: Mapping[str, Any], parent: str) -> dict[str, Any]:
    if parent == "metadata":
        texts = {key: characters.words(value) for key, value in params.items()}
        cut = [(key[:METADATA_KEY], value[:METADATA_VALUE]) for key, value in texts.items()]
        return dict(cut[:METADATA_ENTRIES])
    return {key: _sendable_value(value, key, parent) for key, value in params.items()}


def _sendable_value(value: Any, key: str, parent: str) -> Any:
    if isinstance(value, Mapping):
        return _sendable(value, key)
    if isinstance(value, list):
        return [_sendable_value(item, key, parent) for item in value]
    if not isinstance(value, str):
        return value
    text = characters.words(value)
    most = SENT.get(f"{parent}.{key}") or SENT.get(key)
    return shortened(text, most) if most else text
