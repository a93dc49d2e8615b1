"""What payments and invoices are for, in the member's words; a list takes one statement."""

from __future__ import annotations

from collections.abc import Collection
from typing import TypeAlias

from billing.core import texts
from billing.core.subscription_items import UNNAMED_PLAN, joined
from billing.models import Invoice, Payment, Product, Subscription
from common.context import current_brand
from common.reads import AnyOf, Part, Reading

# By Stripe's id.
ProductNames: TypeAlias = dict[str, str]
NAMED = Part(
    lambda: Product.objects.filter(stripe_id=AnyOf("ids", "text")).values_list("stripe_id", "name")
)
FIND = Reading(NAMED)


def of_one(payment: Payment) -> str:
    """Return what one payment is for."""
    return of_payment(payment, product_names([payment.invoice] if payment.invoice else []))


def of_payment(row: Payment, names: ProductNames) -> str:
    """Return what a payment is for, given product names by ID."""
    return of_invoice(row.invoice, names) if row.invoice else of_single(row)


def of_single(row: Payment) -> str:
    """Return what a payment without an invoice is for."""
    return texts.payment_description(row.description, current_brand().name)


def of_invoice(invoice: Invoice, names: ProductNames) -> str:
    """Return what an invoice is for, given product names by ID."""
    sold = _sold(invoice, names)
    return texts.invoice_description(
        sold or current_brand().name, invoice.lines, is_plan=bool(sold)
    )


def plan_of(subscription: Subscription) -> str:
    """Return what a subscription is called."""
    return subscription.name or UNNAMED_PLAN


def other_of(subscription: Subscription) -> str:
    """Return what a subscription other than the membership is for, or ""."""
    return "" if subscription.is_membership else subscription.name


def product_names(invoices: Collection[Invoice]) -> ProductNames:
    """Return the names of the products that invoices are for, in one statement at most."""
    wanted = {line.get("product") for row in invoices for line in row.lines} - {None, ""}
    return dict(FIND(ids=sorted(wanted))[NAMED]) if wanted else {}


def _sold(invoice: Invoice, names: ProductNames) -> str:
    """Return what a subscription's invoice charges for, or "" for any other invoice.

    Its own lines say so, since the subscription may have changed. Invoices read before lines had
    products don't say.
    """
    if invoice.subscription is None:
        return ""
    charged = [line for line in invoice.lines if line["amount"] >= 0] or invoice.lines
    products = dict.fromkeys(line.get("product", "") for line in charged)
    sold = [names[one] for one in products if names.get(one)]
    return joined(sold) or invoice.subscription.name or UNNAMED_PLAN
