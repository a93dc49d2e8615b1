"""Cards and other payment methods, and which of them Stripe will charge."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from billing.core.fitted import Fitted
from billing.stripe.snapshots.fields import Json, part, text

# The kinds of sources, which predate payment methods, and their types.
SOURCES = {"card": "card", "bank_account": "us_bank_account"}
# Their card brands, in payment methods' terms.
OLDER_BRANDS = {
    "American Express": "amex",
    "Diners Club": "diners",
    "Discover": "discover",
    "JCB": "jcb",
    "MasterCard": "mastercard",
    "UnionPay": "unionpay",
    "Visa": "visa",
}


@dataclass(frozen=True)
class Card(Fitted):
    """The parts of a card that we may know. `expires` is YYYY-MM.

    For a payment method other than a card, `brand` is Stripe's type: `us_bank_account`.
    """

    brand: str = ""
    last4: str = ""
    expires: str = ""


def method_card(method: Any) -> Card:
    """Read a payment method, a source, or a charge's payment method details."""
    if not isinstance(method, Mapping):
        return Card()
    source = SOURCES.get(text(method.get("object")), "")
    kind = source or text(method.get("type"))
    if not kind:
        return Card()
    details = method if source else method.get(kind)
    if kind == "card":
        return _card(details)
    last4 = details.get("last4") if isinstance(details, Mapping) else ""
    return Card(brand=kind, last4=text(last4))


def _card(card: Any) -> Card:
    if not isinstance(card, Mapping):
        return Card()
    year, month = card.get("exp_year"), card.get("exp_month")
    brand = text(card.get("brand"))
    return Card(
        brand=OLDER_BRANDS.get(brand, brand),
        last4=text(card.get("last4")),
        expires=f"{year:04d}-{month:02d}" if year and month else "",
    )


def paying_method(data: Json) -> Json:
    """Return what Stripe will charge: the subscription's own method, or the customer's.

    In each case a payment method comes before a source (`default_source`), the older kind.
    """
    owner = part(data.get("customer"))
    settings = owner.get("invoice_settings") or {}
    own = (data.get("default_payment_method"), data.get("default_source"))
    theirs = (settings.get("default_payment_method"), owner.get("default_source"))
    return next((one for one in (*own, *theirs) if isinstance(one, Mapping)), {})
