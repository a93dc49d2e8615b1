"""What a payment or an invoice is for, in the member's words; a list of them in one statement."""

from __future__ import annotations

from collections.abc import Collection

from django.conf import settings

from billing import wording
from billing.models import Invoice, Payment, Plan


def of_one(payment: Payment) -> str:
    """Return what one payment is for."""
    return of_payment(payment, plan_names([payment.invoice] if payment.invoice else []))


def of_payment(row: Payment, names: dict[str, str]) -> str:
    """Return what a payment is for, given the plan's names by price."""
    return of_invoice(row.invoice, names) if row.invoice else of_single(row)


def of_single(row: Payment) -> str:
    """Return what a payment without an invoice is for."""
    return wording.payment_description(row.description, settings.BRAND_NAME)


def of_invoice(invoice: Invoice, names: dict[str, str]) -> str:
    """Return what an invoice is for, given the plan's names by price."""
    plan = names.get(invoice.subscription.price_id, "Membership") if invoice.subscription else ""
    return wording.invoice_description(
        plan or settings.BRAND_NAME, invoice.lines, is_plan=bool(plan)
    )


def plan_names(invoices: Collection[Invoice]) -> dict[str, str]:
    """Return the plan's name by price id for invoices whose subscription was selected along."""
    prices = {row.subscription.price_id for row in invoices if row.subscription}
    return plan_names_by_price(sorted(prices))


def plan_names_by_price(price_ids: Collection[str]) -> dict[str, str]:
    """Return the plan's name by price id, in one statement."""
    if not price_ids:
        return {}
    return dict(Plan.objects.filter(stripe_id__in=price_ids).values_list("stripe_id", "name"))
