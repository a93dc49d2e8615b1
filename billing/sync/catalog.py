"""Rereads plans, products, and tax settings from Stripe and saves them."""

from __future__ import annotations

import logging
from dataclasses import asdict

from django.conf import settings
from django.db import transaction

from billing.facts import memberships, plans, zelle
from billing.models import (
    Plan,
    Product,
    TaxAccount,
    TaxRate,
)
from billing.stripe import gateway
from billing.sync import writing
from billing.sync.columns import columns_of
from common.one_by_one import OneByOne

logger = logging.getLogger(__name__)
TAX_SETTINGS = "tax.settings"  # Stripe's name for them; an account has only one


def sync_plan(price_id: str) -> Plan:
    """Read a price and its product, and save them as the plan."""
    read_at = writing.database_now()
    snapshot = gateway.read_plan(price_id)
    values = asdict(snapshot)
    stripe_id = values.pop("price_id")
    with transaction.atomic():
        plan = writing.write(Plan, stripe_id, read_at, values)[1]
        writing.write(Product, snapshot.product_id, read_at, {"name": snapshot.name})
    memberships.tell_anew()
    return plan


def sync_product(product_id: str) -> Product:
    """Read a product, and update its name everywhere it's used."""
    read_at = writing.database_now()
    snapshot = gateway.read_product(product_id)
    with transaction.atomic():
        product = writing.write(Product, product_id, read_at, {"name": snapshot.name})[1]
    memberships.tell_anew()
    return product


def sync_current_plan(changed_id: str = "") -> None:
    """Reread the changed product and the prices on sale, and update names.

    Raises:
        gateway.StripeError: Stripe didn't answer.
        SomeFailed: some prices couldn't be read; the others were.
    """
    if settings.STRIPE_TAX:
        sync_tax_account()
    if Product.objects.filter(stripe_id=changed_id).exists():
        sync_product(changed_id)
    run = OneByOne(ended_by=gateway.ENDS_ALL)
    for price_id in dict.fromkeys([*plans.price_ids(), *zelle.price_ids()]):
        with run.each(price_id):
            _sync_plan_on_sale(price_id)
    run.finish()


def _sync_plan_on_sale(price_id: str) -> None:
    try:
        sync_plan(price_id)
    except gateway.StripeMissing:
        logger.exception("The price %s is set, and not at Stripe: it is not on sale.", price_id)
        Plan.objects.filter(stripe_id=price_id).update(active=False)


def sync_tax_rate(tax_rate_id: str) -> TaxRate:
    """Read a tax rate and save it."""
    read_at = writing.database_now()
    snapshot = gateway.read_tax_rate(tax_rate_id)
    with transaction.atomic():
        return writing.write(TaxRate, tax_rate_id, read_at, columns_of(snapshot, "id"))[1]


def sync_tax_account() -> TaxAccount:
    """Read Stripe Tax's settings and save them."""
    read_at = writing.database_now()
    values = asdict(gateway.read_tax_account())
    with transaction.atomic():
        return writing.write(TaxAccount, TAX_SETTINGS, read_at, values)[1]


def know_products(product_ids: set[str]) -> None:
    """Read the plan and the products' names, unless we have them.

    A product that's no longer at Stripe stays unnamed.
    """
    for price_id in plans.unread_price_ids():
        try:
            sync_plan(price_id)
        except gateway.StripeMissing:
            logger.exception("The price %s is set, and not at Stripe.", price_id)
    known = Product.objects.filter(stripe_id__in=product_ids).values_list("stripe_id", flat=True)
    for product_id in sorted(product_ids - set(known)):
        try:
            sync_product(product_id)
        except gateway.StripeMissing as error:
            logger.warning("Product %s has no name: %s", product_id, error)
