"""Use cases: a member changes who their invoices name, where they are, and their tax IDs.

Stripe has these details, and our rows are a copy. A member with several customers has one set of
details, so each of them is told.
"""

from __future__ import annotations

import logging
from collections.abc import Callable

from django.contrib.auth.models import User
from django.utils.translation import gettext as _

from billing.facts import payers
from billing.membership import checkout
from billing.models import Customer
from billing.stripe import failures, gateway
from billing.sync import refresh, writing
from common.context import current_brand

logger = logging.getLogger(__name__)

MOST_TAX_IDS = 5
NOWHERE = "customer_tax_location_invalid"


class DetailsRefused(Exception):
    """A change that Stripe didn't take; the text is for the member, at the form's `field`."""

    def __init__(self, message: str, field: str = "") -> None:
        super().__init__(message)
        self.field = field


def save(user: User, details: gateway.BillingDetails) -> None:
    """Change the name and address on invoices; a member without a customer gets one.

    Raises:
        DetailsRefused: Stripe can't find the address, or couldn't be asked.
    """
    _tell(user, lambda customer: gateway.update_details(customer, details), _refused_details)


def add_tax_id(user: User, kind: str, value: str, key: str) -> None:
    """Add a tax ID, once per form (`key`).

    Raises:
        DetailsRefused: Stripe says that it isn't valid, or couldn't be asked.
    """
    customer = payers.living(user)
    mine = {(one["type"], one["value"]) for one in customer.tax_ids} if customer else set()
    if len(mine | {(kind, value)}) > MOST_TAX_IDS:
        raise DetailsRefused(
            _("You have %(count)s tax IDs. Remove one first.") % {"count": MOST_TAX_IDS}, "value"
        )
    _tell(user, lambda one: gateway.add_tax_id(one, kind, value, key), _refused_tax_id)


def remove_tax_id(user: User, kind: str, value: str) -> None:
    """Remove a tax ID; later invoices no longer have it.

    Raises:
        DetailsRefused: Stripe couldn't be asked.
    """
    if payers.living(user):
        _tell(user, lambda one: gateway.remove_tax_id(one, kind, value), _refused_tax_id)


def _tell(
    user: User,
    change: Callable[[str], None],
    refused: Callable[[gateway.StripeRefused], DetailsRefused],
) -> None:
    """Make a change at each of the member's customers, the one that pays next first."""
    try:
        paying = checkout.customer_of(user)
        if not _tell_one(paying, change):
            paying = checkout.customer_of(user)
            _tell_one(paying, change)
        others = Customer.objects.filter(user=user, deleted_at_stripe=False).exclude(pk=paying.pk)
        for customer in others.order_by("pk"):
            _tell_one(customer, change)
    except failures.NOT_THE_REQUEST as error:
        raise _not_now(error) from error
    except gateway.StripeRefused as error:
        raise refused(error) from error
    except (gateway.StripeError, writing.UnknownCustomer) as error:
        logger.exception("Billing details could not be changed.")
        raise DetailsRefused(_ours()) from error


def _tell_one(customer: Customer, change: Callable[[str], None]) -> bool:
    """Make a change and read the customer again; return False if it's deleted at Stripe."""
    try:
        change(customer.stripe_id)
    except gateway.StripeMissing:
        if not refresh.sync_customer(customer.stripe_id).deleted_at_stripe:
            raise
        return False
    return not refresh.sync_customer(customer.stripe_id).deleted_at_stripe


def _refused_details(error: gateway.StripeRefused) -> DetailsRefused:
    if error.code == NOWHERE:
        words = _(
            "We can’t find this address, and need it to work out your tax. Check the country and "
            "the postal code."
        )
        return DetailsRefused(words, "postal_code")
    return _not_accepted(error)


def _refused_tax_id(error: gateway.StripeRefused) -> DetailsRefused:
    if error.code == "tax_id_invalid":
        words = _("That isn’t a valid number of this kind. Check it, or choose another kind.")
        return DetailsRefused(words, "value")
    return _not_accepted(error)


def _not_accepted(error: gateway.StripeRefused) -> DetailsRefused:
    failures.note(logger, error, "Billing details were refused")
    return DetailsRefused(_ours())


def _not_now(error: gateway.StripeError) -> DetailsRefused:
    failures.note(logger, error, "Billing details could not be changed")
    words = failures.sentence(error, so_far=_("Nothing changed."))
    return DetailsRefused(words)


def _ours() -> str:
    return _(
        "Something is wrong on our side, so we couldn’t save this. Please write to %(support)s."
    ) % {"support": current_brand().support_email}
