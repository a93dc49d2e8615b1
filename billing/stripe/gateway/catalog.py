"""Reads what's sold from Stripe: prices, products, coupons, and tax settings."""

from __future__ import annotations

from billing.stripe import snapshots, tax_snapshots
from billing.stripe.gateway.client import client, translated_errors


def read_plan(price_id: str) -> snapshots.PlanSnapshot:
    """Read the plan's price with its product."""
    with translated_errors():
        price = client().v1.prices.retrieve(price_id, {"expand": ["product"]})
        return snapshots.plan(price.to_dict())


def read_product(product_id: str) -> snapshots.ProductSnapshot:
    """Read a product."""
    with translated_errors():
        return snapshots.product(client().v1.products.retrieve(product_id).to_dict())


def read_coupon(coupon_id: str) -> snapshots.CouponSnapshot:
    """Read a coupon."""
    with translated_errors():
        return snapshots.coupon(client().v1.coupons.retrieve(coupon_id).to_dict())


def read_tax_rate(tax_rate_id: str) -> tax_snapshots.TaxRateSnapshot:
    """Read a tax rate."""
    with translated_errors():
        return tax_snapshots.tax_rate(client().v1.tax_rates.retrieve(tax_rate_id).to_dict())


def read_tax_account() -> tax_snapshots.TaxAccountSnapshot:
    """Read the settings of Stripe Tax."""
    with translated_errors():
        return tax_snapshots.tax_account(client().v1.tax.settings.retrieve().to_dict())
