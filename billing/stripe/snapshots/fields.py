"""Reads single fields of Stripe's objects, and the keys of our own metadata in them."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

# The metadata key for the user's primary key in Stripe's objects.
USER_KEY = "portal_user"
# The metadata key by which a single payment names its `Checkout` row.
CHECKOUT_KEY = "portal_checkout"
# The metadata key by which a Stripe refund names its `Refund` row.
REFUND_KEY = "portal_refund"
# The metadata key by which an invoice or subscription names the payment by Zelle that paid for it.
ZELLE_KEY = "portal_zelle"
# In the metadata of a subscription that was given free time: until when, in seconds since 1970.
FREE_KEY = "portal_free_until"
# How an invoice is collected unless Stripe says otherwise.
CHARGED = "charge_automatically"

Json = Mapping[str, Any]


def object_id(value: Any) -> str:
    """Return the ID of an object that Stripe gives as an ID, expanded, or not at all."""
    if isinstance(value, Mapping):
        value = value.get("id")
    return text(value)


def part(value: Any) -> Json:
    """Return an expanded object, or nothing if there's only its ID."""
    return value if isinstance(value, Mapping) else {}


def own_key(data: Json, name: str) -> int | None:
    """Return the primary key of our row that an object's metadata names."""
    value = str((data.get("metadata") or {}).get(name, ""))
    return int(value) if value.isascii() and value.isdecimal() and len(value) < 19 else None


def text(value: Any) -> str:
    """Return a text, or an empty one for anything else."""
    return value if isinstance(value, str) else ""


def time(value: Any) -> datetime | None:
    """Return a time that may be absent."""
    return required_time(value) if value else None


def required_time(value: Any) -> datetime:
    """Return a time that Stripe always gives."""
    return datetime.fromtimestamp(int(value), UTC)


def sum_of(amounts: Any) -> int:
    """Add up a list of amounts that may be absent."""
    return sum(entry["amount"] for entry in amounts or [])
