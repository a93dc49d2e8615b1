"""Reads, makes, updates, and deletes customers at Stripe, and opens their customer portal."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import stripe
from django.conf import settings

from billing.core import idempotency, limits
from billing.stripe import snapshots, tax_snapshots
from billing.stripe.gateway.client import client, translated_errors
from billing.stripe.gateway.errors import PortalNotSetUp, StripeMissing, StripeRefused
from billing.stripe.gateway.lists import Unreadable, each_read, every
from common import addresses

# Stripe's message for a customer portal without settings; this error has no code.
NO_PORTAL = "default configuration has not been created"


def read_customer(customer_id: str) -> snapshots.CustomerSnapshot:
    """Read a customer with tax IDs; a deleted one says so."""
    with translated_errors():
        answer = client().v1.customers.retrieve(customer_id, {"expand": ["tax_ids"]})
        return snapshots.customer(answer.to_dict())


def list_customers(bad: list[Unreadable] | None = None) -> Iterator[snapshots.CustomerSnapshot]:
    """Yield every customer that isn't deleted, newest first."""
    listed = every(client().v1.customers.list, {"expand": ["data.tax_ids"]})
    yield from each_read(snapshots.customer, listed, bad)


def customer_ids(email: str) -> list[str]:
    """Return the newest customers with this exact address: Stripe is case-sensitive."""
    with translated_errors():
        page = client().v1.customers.list({"email": email})
        return [customer.id for customer in page.data]


def has_tax_place(customer_id: str) -> bool:
    """Whether Stripe Tax knows where a customer is."""
    with translated_errors():
        answer = client().v1.customers.retrieve(customer_id, {"expand": ["tax"]})
        return tax_snapshots.has_place(answer.to_dict())


def create_customer(
    user_id: int, email: str, name: str, language: str, *, after: str = ""
) -> snapshots.CustomerSnapshot:
    """Make a user's customer, once: the idempotency key comes from the user.

    `after` is the ID of a deleted customer that this one replaces.
    """
    params: stripe.params.CustomerCreateParams = {
        "preferred_locales": [language],
        "metadata": {snapshots.USER_KEY: str(user_id)},
    }
    if reachable := _address(email):
        params["email"] = reachable
    if name:
        params["name"] = name
    key = idempotency.key(
        "customer", user_id, about=(language, email, name, *([after] if after else []))
    )
    with translated_errors():
        made = client().v1.customers.create(limits.sendable(params), {"idempotency_key": key})
        return snapshots.customer(made.to_dict())


def update_customer(
    customer_id: str, email: str, name: str | None, language: str, *, moved_to: int | None = None
) -> None:
    """Update a customer's email address, name, and language (`en`) at Stripe.

    Without a name, Stripe's stays, which may be a business's. `moved_to` is the user whose it is
    now, if staff moved it.
    """
    params: stripe.params.CustomerUpdateParams = {
        "email": _address(email),
        "preferred_locales": [language],
    }
    if name is not None:
        params["name"] = name
    if moved_to is not None:
        params["metadata"] = {snapshots.USER_KEY: str(moved_to)}
    with translated_errors():
        client().v1.customers.update(customer_id, limits.sendable(params))


@dataclass(frozen=True)
class BillingDetails:
    """Who pays, as invoices say it. `address` has Stripe's parts, or none at all."""

    individual_name: str
    business_name: str
    address: dict[str, str]

    @property
    def name(self) -> str:
        """What Stripe puts on invoices."""
        return self.business_name or self.individual_name


def update_details(customer_id: str, details: BillingDetails) -> None:
    """Change who pays, as the next invoice says it. Doing it twice changes nothing.

    Raises:
        StripeRefused: with `customer_tax_location_invalid`, Stripe Tax can't find the address.
    """
    parts: stripe.params.CustomerUpdateParamsAddress = {
        "line1": details.address.get("line1", ""),
        "line2": details.address.get("line2", ""),
        "city": details.address.get("city", ""),
        "state": details.address.get("state", ""),
        "postal_code": details.address.get("postal_code", ""),
        "country": details.address.get("country", ""),
    }
    params: stripe.params.CustomerUpdateParams = {
        "name": details.name,
        "business_name": details.business_name,
        "individual_name": details.individual_name,
        "address": parts if details.address else "",
    }
    with translated_errors():
        client().v1.customers.update(customer_id, limits.sendable(params))


def add_tax_id(customer_id: str, kind: str, value: str, key: str) -> None:
    """Add a tax ID, once per `key`, unless the customer has it already.

    Raises:
        StripeRefused: with `tax_id_invalid`, the value isn't one of its type.
    """
    if _tax_ids(customer_id, kind, value):
        return
    # Its type is one of ours; the SDK names each.
    params: stripe.params.CustomerTaxIdCreateParams = {"type": kind, "value": value}
    with translated_errors():
        made = idempotency.key("tax-id", customer_id, about=(kind, value, key))
        client().v1.customers.tax_ids.create(
            customer_id, limits.sendable(params), {"idempotency_key": made}
        )


def remove_tax_id(customer_id: str, kind: str, value: str) -> None:
    """Remove a tax ID, unless it's gone already."""
    for tax_id in _tax_ids(customer_id, kind, value):
        try:
            with translated_errors():
                client().v1.customers.tax_ids.delete(customer_id, tax_id)
        except StripeMissing:
            continue


def _tax_ids(customer_id: str, kind: str, value: str) -> list[str]:
    """Return the IDs of a customer's tax IDs of this type and value."""
    listed = every(lambda page: client().v1.customers.tax_ids.list(customer_id, page), {})
    return [one["id"] for one in listed if (one["type"], one["value"]) == (kind, value)]


def _address(email: str) -> str:
    """Return an address that Stripe accepts: ASCII, or none.

    Stripe's pages ask for an ASCII address if the customer has none, and it emails no others.
    """
    return "" if addresses.needs_smtputf8(email) else addresses.deliverable(email)


def delete_customer(customer_id: str) -> None:
    """Delete a customer with card and subscriptions, unless already deleted."""
    try:
        with translated_errors():
            client().v1.customers.delete(customer_id)
    except StripeMissing:
        return


def create_portal_session(customer_id: str, return_url: str) -> str:
    """Return the address of Stripe's page where the member changes their card.

    Raises:
        PortalNotSetUp: there's no such page until staff have saved its settings.
    """
    params: stripe.params.billing_portal.SessionCreateParams = {
        "customer": customer_id,
        "return_url": return_url,
    }
    if settings.STRIPE_PORTAL_CONFIGURATION:
        params["configuration"] = settings.STRIPE_PORTAL_CONFIGURATION
    try:
        with translated_errors():
            made = client().v1.billing_portal.sessions.create(limits.sendable(params))
            return made.url
    except (StripeRefused, StripeMissing) as error:
        named = settings.STRIPE_PORTAL_CONFIGURATION
        if NO_PORTAL in str(error) or (named and named in str(error)):
            raise PortalNotSetUp(str(error)) from error
        raise


def has_portal() -> bool:
    """Whether the customer portal has the configuration that we name, or else its default one."""
    if named := settings.STRIPE_PORTAL_CONFIGURATION:
        try:
            with translated_errors():
                return bool(client().v1.billing_portal.configurations.retrieve(named).active)
        except StripeMissing:
            return False
    with translated_errors():
        page = client().v1.billing_portal.configurations.list({"is_default": True, "limit": 1})
        return bool(page.data)


@dataclass(frozen=True)
class BalanceChange:
    """What's added to a customer's balance, in minor units: less than 0 is credit.

    `key` names the change, in its metadata and in the idempotency key.
    """

    key: str
    customer_id: str
    amount: int
    currency: str
    description: str


def change_balance(wanted: BalanceChange) -> None:
    """Change a customer's balance, once per key."""
    changes = client().v1.customers.balance_transactions
    made = every(lambda page: changes.list(wanted.customer_id, page), {})
    if any((one.get("metadata") or {}).get(snapshots.ZELLE_KEY) == wanted.key for one in made):
        return
    params: stripe.params.CustomerBalanceTransactionCreateParams = {
        "amount": wanted.amount,
        "currency": wanted.currency,
        "description": wanted.description,
        "metadata": {snapshots.ZELLE_KEY: wanted.key},
    }
    with translated_errors():
        key = idempotency.key("zelle-balance", wanted.key, wanted.customer_id)
        changes.create(wanted.customer_id, limits.sendable(params), {"idempotency_key": key})
