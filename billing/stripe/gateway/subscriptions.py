"""Reads subscriptions from Stripe, and changes them."""

from __future__ import annotations

import logging
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import stripe

from billing.core import idempotency, limits
from billing.stripe import snapshots
from billing.stripe.gateway.client import client, translated_errors
from billing.stripe.gateway.errors import StripeMissing, StripeRefused
from billing.stripe.gateway.invoices import in_full
from billing.stripe.gateway.lists import Unreadable, each_read, every, of_customer

logger = logging.getLogger(__name__)

# Stripe's message if only a schedule may change a subscription's end; this error has no code.
SCHEDULED = "managed by the subscription schedule"
# What's expanded in a subscription.
SUBSCRIPTION_PARTS = (
    "default_payment_method",
    "default_source",
    "customer.invoice_settings.default_payment_method",
    "customer.default_source",
    "discounts.source.coupon",
    "discounts.promotion_code",
    "schedule",
)
# What's expanded in a list of items. In a subscription it would be too deep for Stripe.
ITEM_PARTS = ("discounts.source.coupon", "discounts.promotion_code", "price.currency_options")


@dataclass(frozen=True)
class PriceChange:
    """Another price for a subscription's item.

    Unless it `is_prorated`, nothing is credited or charged before the next renewal. `prorated_at`
    is the second (since 1970) from which the new price counts, or None for now.
    """

    subscription_id: str
    item_id: str
    price_id: str
    is_prorated: bool
    prorated_at: int | None


def read_subscription(subscription_id: str) -> snapshots.SubscriptionSnapshot:
    """Read a subscription with its card and discounts."""
    with translated_errors():
        answer = client().v1.subscriptions.retrieve(
            subscription_id, {"expand": [*SUBSCRIPTION_PARTS]}
        )
    return snapshots.subscription(_with_all_items(answer.to_dict(for_json=True)))


def _with_all_items(subscription: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return a subscription with all of its items and what's in them.

    Stripe embeds only the first ten, of their discounts only the IDs, and of their prices only the
    amounts in the price's own currency. Few subscriptions need to be asked about.
    """
    embedded = subscription["items"]["data"]
    lacks = any(
        one.get("discounts") or one["price"]["currency"] != subscription["currency"]
        for one in embedded
    )
    if not lacks and not subscription["items"].get("has_more"):
        return subscription
    asked = {"subscription": subscription["id"], "expand": [f"data.{one}" for one in ITEM_PARTS]}
    items = every(client().v1.subscription_items.list, asked)
    return {**subscription, "items": {"data": [*items]}}


def list_subscriptions(
    customer_id: str = "", bad: list[Unreadable] | None = None
) -> Iterator[snapshots.SubscriptionSnapshot]:
    """Yield every subscription of one customer or of all, including ended ones."""
    expand = [f"data.{part}" for part in SUBSCRIPTION_PARTS]
    params = {"status": "all", "expand": expand} | of_customer(customer_id)
    listed = every(client().v1.subscriptions.list, params)
    yield from each_read(lambda one: snapshots.subscription(_with_all_items(one)), listed, bad)


def subscription_ids(customer_id: str) -> list[str]:
    """Return the IDs of all of a customer's subscriptions, including ended ones."""
    with translated_errors():
        page = client().v1.subscriptions.list({"customer": customer_id, "status": "all"})
        return [subscription.id for subscription in page.auto_paging_iter()]


def subscriptions_of(customer_id: str) -> list[snapshots.SubscriptionSnapshot]:
    """Return a customer's newest readable subscriptions, including ended ones.

    This is for pages: unlike `list_subscriptions`, it never waits.
    """
    expand = [f"data.{part}" for part in SUBSCRIPTION_PARTS]
    with translated_errors():
        page = client().v1.subscriptions.list(
            {"customer": customer_id, "status": "all", "expand": expand, "limit": 100}
        )
        entries = [one.to_dict(for_json=True) for one in page.data]
    return list(each_read(snapshots.subscription, entries, []))


def next_charge(subscription_id: str, schedule_id: str = "") -> snapshots.NextCharge | None:
    """Return what the next renewal will charge, according to Stripe's preview.

    It includes discounts, tax, and credit; and what a schedule plans. None if nothing will be
    charged.
    """
    asked: stripe.params.InvoiceCreatePreviewParams = (
        {"schedule": schedule_id} if schedule_id else {"subscription": subscription_id}
    )
    try:
        with translated_errors():
            preview = client().v1.invoices.create_preview(asked)
            return snapshots.next_charge(preview.to_dict())
    except StripeMissing:
        return None
    except StripeRefused as error:
        # A scheduled end, or a missing address for tax: the row then has no amount.
        logger.info("Stripe foresees no next charge of %s: %s", subscription_id, error)
        return None


def preview_switch(change: PriceChange) -> snapshots.SwitchSnapshot:
    """Read Stripe's preview of a price change. Nothing changes."""
    details: stripe.params.InvoiceCreatePreviewParamsSubscriptionDetails = {
        "items": [{"id": change.item_id, "price": change.price_id}],
        "proration_behavior": "always_invoice" if change.is_prorated else "none",
    }
    if change.is_prorated and change.prorated_at is not None:
        details["proration_date"] = change.prorated_at
    with translated_errors():
        preview = client().v1.invoices.create_preview(
            {"subscription": change.subscription_id, "subscription_details": details}
        )
        return snapshots.switch(in_full(preview.to_dict(for_json=True)))


def switch_price(change: PriceChange, key: str) -> None:
    """Change a subscription's price, and charge what `preview_switch` says.

    If the card doesn't pay, Stripe changes nothing (`error_if_incomplete`).

    Raises:
        CardRefused: the card didn't pay.
    """
    params: stripe.params.SubscriptionUpdateParams = {
        "items": [{"id": change.item_id, "price": change.price_id}],
        "proration_behavior": "always_invoice" if change.is_prorated else "none",
        "payment_behavior": "error_if_incomplete",
    }
    if change.is_prorated and change.prorated_at is not None:
        params["proration_date"] = change.prorated_at
    with translated_errors():
        client().v1.subscriptions.update(
            change.subscription_id, limits.sendable(params), {"idempotency_key": key}
        )


def schedule_end(subscription_id: str, reason: str, comment: str, key: str) -> None:
    """Let a subscription end with its period. `reason` is one of Stripe's feedback values.

    Changes scheduled in Stripe's dashboard are dropped.
    """
    params: stripe.params.SubscriptionUpdateParams = {"cancel_at_period_end": True}
    details = {"feedback": reason, "comment": comment}
    if given := {name: value for name, value in details.items() if value}:
        params["cancellation_details"] = given  # type: ignore[typeddict-item]
    _move_end(subscription_id, params, key)


def take_back_end(
    subscription_id: str, key: str, *, is_at_period_end: bool, until: datetime | None = None
) -> None:
    """Let a subscription continue that was going to end, with its period or at another time.

    `until`: the later end that it gets instead. Stripe takes only one of both parameters.
    """
    params: stripe.params.SubscriptionUpdateParams
    if until:
        params = {"cancel_at": int(until.timestamp())}
    else:
        params = {"cancel_at_period_end": False} if is_at_period_end else {"cancel_at": ""}
    _move_end(subscription_id, params, key)


def _move_end(
    subscription_id: str, params: stripe.params.SubscriptionUpdateParams, key: str
) -> None:
    """Change a subscription's end, and release its schedule if that's in the way."""
    subscriptions, params = client().v1.subscriptions, limits.sendable(params)
    try:
        with translated_errors():
            subscriptions.update(subscription_id, params, {"idempotency_key": key})
    except StripeRefused as error:
        if SCHEDULED not in str(error):
            raise
        release_schedule(subscription_id)
        with translated_errors():
            # Under the same key, Stripe would only repeat the refusal.
            subscriptions.update(subscription_id, params, {"idempotency_key": f"{key}:released"})


def release_schedule(subscription_id: str) -> None:
    """Release a subscription from what's planned for it; without a schedule, nothing happens.

    While there's one, only the schedule may move its end; one that's ending doesn't need it.
    """
    with translated_errors():
        subscription = client().v1.subscriptions.retrieve(subscription_id).to_dict()
        if schedule_id := snapshots.object_id(subscription.get("schedule")):
            logger.info("The schedule %s of %s is released.", schedule_id, subscription_id)
            client().v1.subscription_schedules.release(schedule_id)


def end_now(subscription_id: str) -> None:
    """End a subscription immediately; nothing is refunded."""
    with translated_errors():
        client().v1.subscriptions.cancel(subscription_id)


@dataclass(frozen=True)
class SentSubscription:
    """The parameters of a membership whose invoices are paid outside of Stripe.

    `key` names the payment that starts it, in its metadata and in idempotency keys.
    """

    key: str
    customer_id: str
    user_id: int
    price_id: str
    days_until_due: int
    is_taxed: bool


def create_sent_subscription(wanted: SentSubscription) -> tuple[str, str]:
    """Start a membership whose invoices are sent, once per key.

    Returns its ID and that of its first invoice, which is a draft.
    """
    known = _subscription_of_zelle(wanted.customer_id, wanted.key)
    if not known:
        known = _start_sent(wanted)
    return str(known["id"]), snapshots.object_id(known.get("latest_invoice"))


def _start_sent(wanted: SentSubscription) -> Mapping[str, Any]:
    params: stripe.params.SubscriptionCreateParams = {
        "customer": wanted.customer_id,
        "items": [{"price": wanted.price_id}],
        "collection_method": "send_invoice",
        "days_until_due": wanted.days_until_due,
        "metadata": {snapshots.ZELLE_KEY: wanted.key, snapshots.USER_KEY: str(wanted.user_id)},
    }
    if wanted.is_taxed:
        params["automatic_tax"] = {"enabled": True}
    key = idempotency.key("zelle-membership", wanted.key, wanted.customer_id)
    with translated_errors():
        made = client().v1.subscriptions.create(limits.sendable(params), {"idempotency_key": key})
        return made.to_dict()


def _subscription_of_zelle(customer_id: str, key: str) -> Mapping[str, Any]:
    """Return the subscription that a payment by Zelle started, or nothing."""
    listed = every(client().v1.subscriptions.list, {"customer": customer_id, "status": "all"})
    named = (one for one in listed if (one.get("metadata") or {}).get(snapshots.ZELLE_KEY) == key)
    return next(named, {})


@dataclass(frozen=True)
class Collecting:
    """How a subscription's invoices are paid from the next one on, and at which price.

    `days_until_due`: they're sent, and due so many days later; None: a card is charged.
    """

    subscription_id: str
    item_id: str
    price_id: str
    days_until_due: int | None


def collect_by(wanted: Collecting, key: str) -> None:
    """Change how a subscription is paid, from its next renewal on. Nothing is charged now."""
    params: stripe.params.SubscriptionUpdateParams = {
        "items": [{"id": wanted.item_id, "price": wanted.price_id}],
        "proration_behavior": "none",
        "collection_method": "charge_automatically",
        # An empty value takes it away.
        "metadata": {snapshots.ZELLE_KEY: "chosen" if wanted.days_until_due is not None else ""},
    }
    if wanted.days_until_due is not None:
        params["collection_method"] = "send_invoice"
        params["days_until_due"] = wanted.days_until_due
    with translated_errors():
        client().v1.subscriptions.update(
            wanted.subscription_id, limits.sendable(params), {"idempotency_key": key}
        )


def give_discount(
    subscription_id: str, coupon_id: str, key: str, discounted_items: Sequence[str] = ()
) -> None:
    """Let a subscription redeem a coupon, which replaces other discounts, also those of items."""
    params: stripe.params.SubscriptionUpdateParams = {"discounts": [{"coupon": coupon_id}]}
    _without_discounts(params, discounted_items)
    with translated_errors():
        client().v1.subscriptions.update(
            subscription_id, limits.sendable(params), {"idempotency_key": key}
        )


def take_discounts(subscription_id: str, key: str, discounted_items: Sequence[str] = ()) -> None:
    """Take back all of a subscription's discounts, and those of its items."""
    params: stripe.params.SubscriptionUpdateParams = {"discounts": ""}
    _without_discounts(params, discounted_items)
    with translated_errors():
        client().v1.subscriptions.update(
            subscription_id, limits.sendable(params), {"idempotency_key": key}
        )


def _without_discounts(
    params: stripe.params.SubscriptionUpdateParams, items: Sequence[str]
) -> None:
    """Let an update take back what single items have, without crediting anything."""
    if items:
        params["items"] = [{"id": one, "discounts": ""} for one in items]
        params["proration_behavior"] = "none"


def move_trial_end(subscription_id: str, until: datetime, key: str) -> None:
    """Let a free trial end at another time; nothing is charged before."""
    params: stripe.params.SubscriptionUpdateParams = {
        "trial_end": int(until.timestamp()),
        "proration_behavior": "none",
    }
    with translated_errors():
        client().v1.subscriptions.update(
            subscription_id, limits.sendable(params), {"idempotency_key": key}
        )


def give_free_time(subscription_id: str, until: datetime, key: str) -> None:
    """Let nothing be charged until a time, as a trial whose metadata say that it's free time."""
    end = int(until.timestamp())
    params: stripe.params.SubscriptionUpdateParams = {
        "trial_end": end,
        "proration_behavior": "none",
        "metadata": {snapshots.FREE_KEY: str(end)},
    }
    with translated_errors():
        client().v1.subscriptions.update(
            subscription_id, limits.sendable(params), {"idempotency_key": key}
        )


def pause_collection(subscription_id: str, behavior: str, until: datetime | None, key: str) -> None:
    """Collect no new invoices until a time, or until further notice. Open ones go on as before."""
    pause: stripe.params.SubscriptionUpdateParamsPauseCollection = {
        "behavior": behavior  # one of PauseBehavior
    }
    if until:
        pause["resumes_at"] = int(until.timestamp())
    params: stripe.params.SubscriptionUpdateParams = {"pause_collection": pause}
    with translated_errors():
        client().v1.subscriptions.update(
            subscription_id, limits.sendable(params), {"idempotency_key": key}
        )


def resume_collection(subscription_id: str, key: str) -> None:
    """Collect a subscription's invoices again, from the next one on."""
    params: stripe.params.SubscriptionUpdateParams = {"pause_collection": ""}
    with translated_errors():
        client().v1.subscriptions.update(
            subscription_id, limits.sendable(params), {"idempotency_key": key}
        )


def use_method(subscription_id: str, method_id: str, customer_id: str) -> None:
    """Use one of the customer's payment methods for a subscription from now on.

    Raises:
        StripeRefused: there's no such method, or it isn't attached to this customer.
        StripeMissing: there's no such subscription.
    """
    try:
        with translated_errors():
            method = client().v1.payment_methods.retrieve(method_id)
    except StripeMissing as error:
        raise StripeRefused(str(error)) from error
    with translated_errors():
        if snapshots.object_id(method.to_dict().get("customer")) != customer_id:
            raise StripeRefused(f"{method_id} is not attached to {customer_id}.")
        params: stripe.params.SubscriptionUpdateParams = {"default_payment_method": method_id}
        client().v1.subscriptions.update(subscription_id, limits.sendable(params))


def turn_tax_on(subscription_id: str) -> None:
    """Let Stripe Tax calculate the tax on a subscription, starting with its next invoice.

    Raises:
        StripeRefused: it doesn't know where the customer is, among other reasons.
    """
    params: stripe.params.SubscriptionUpdateParams = {"automatic_tax": {"enabled": True}}
    with translated_errors():
        client().v1.subscriptions.update(subscription_id, limits.sendable(params))
