"""What a restricted key may read: each permission is given by hand in Stripe's dashboard."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import stripe

from billing.stripe.gateway.client import client, translated_errors
from billing.stripe.gateway.errors import StripeNotAllowed

ONE: Any = {"limit": 1}
# One harmless request for each permission that our reading takes, by the name in the dashboard.
READS: Mapping[str, Callable[[stripe.StripeClient], object]] = {
    "Balance": lambda to: to.v1.balance.retrieve(),
    "Balance transactions": lambda to: to.v1.balance_transactions.list(ONE),
    "Charges and refunds": lambda to: to.v1.charges.list(ONE),
    "Checkout sessions": lambda to: to.v1.checkout.sessions.list(ONE),
    "Coupons": lambda to: to.v1.coupons.list(ONE),
    "Credit notes": lambda to: to.v1.credit_notes.list(ONE),
    "Customers": lambda to: to.v1.customers.list(ONE),
    "Disputes": lambda to: to.v1.disputes.list(ONE),
    "Early fraud warnings": lambda to: to.v1.radar.early_fraud_warnings.list(ONE),
    "Events": lambda to: to.v1.events.list(ONE),
    "Invoices": lambda to: to.v1.invoices.list(ONE),
    "Payment intents": lambda to: to.v1.payment_intents.list(ONE),
    "Payouts": lambda to: to.v1.payouts.list(ONE),
    "Prices": lambda to: to.v1.prices.list(ONE),
    "Products": lambda to: to.v1.products.list(ONE),
    "Promotion codes": lambda to: to.v1.promotion_codes.list(ONE),
    "Subscriptions": lambda to: to.v1.subscriptions.list(ONE),
    "Tax rates": lambda to: to.v1.tax_rates.list(ONE),
    "Webhook endpoints": lambda to: to.v1.webhook_endpoints.list(ONE),
}


def unreadable() -> list[str]:
    """Return what our key may not read, by the permissions' names.

    Raises:
        StripeError: Stripe didn't answer.
    """
    return [name for name, read in READS.items() if not _may(read)]


def _may(read: Callable[[stripe.StripeClient], object]) -> bool:
    try:
        with translated_errors():
            read(client())
    except StripeNotAllowed:
        return False
    return True
