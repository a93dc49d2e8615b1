"""What a subscription can't be made of, in Stripe's words."""

from __future__ import annotations

from collections.abc import Sequence

from sandbox.stripe import cards, checkout_rules, customers, prices
from sandbox.stripe.errors import ApiError, invalid
from sandbox.world import Json, World

_PRIORITY = (
    "https://stripe.com/docs/billing/subscriptions/payment-methods-setting#payment-method-priority"
)


def check_lines(lines: Sequence[Json]) -> None:
    """Refuse prices that can't share a subscription, in the order they were named."""
    first = lines[0]
    for index, price in enumerate(lines):
        param = f"items[{index}][price]"
        check_line(price, param)
        if price["id"] in [other["id"] for other in lines[:index]]:
            raise invalid(
                "Cannot create a Subscription with multiple Subscription Items with the same "
                f"Price: {price['id']}",
                param="plan",
            )
        if price["currency"] != first["currency"]:
            raise invalid(
                f"This `price` has `currency={price['currency']}`, but other items use "
                f"`currency={first['currency']}`. All items must have pricing in the same "
                "currency. When using multi-currency prices, you can specify `currency` at the "
                "top level, to be used by all items.",
                param=param,
            )
    check_intervals(lines)


def check_line(price: Json, param: str) -> None:
    """Refuse a price that's one-time or no longer for sale."""
    if not price["recurring"]:
        raise invalid(
            "The price specified is set to `type=one_time` but this field only accepts prices "
            "with `type=recurring`.",
            param=param,
        )
    if not price["active"]:
        raise checkout_rules.inactive(param)


def check_intervals(lines: Sequence[Json]) -> None:
    """Refuse prices with different periods.

    With a flexible `billing_mode`, Stripe bills those too, with an invoice for each period; the
    sandbox has one period for all items of a subscription.
    """
    if len({prices.interval(price) for price in lines}) > 1:
        raise invalid(
            "All prices on a subscription must have the same `recurring.interval` and "
            "`recurring.interval_count`. If you meant to update an existing subscription item "
            "instead of creating a new one, make sure to include the subscription item ID in your "
            "request. See examples at "
            "https://stripe.com/docs/billing/subscriptions/upgrade-downgrade#changing."
        )


def without_items() -> ApiError:
    """The last item can't be removed. That's Stripe's rule; the rest of the sentence is ours."""
    return invalid(
        "A subscription must have at least one active plan. To cancel a subscription, cancel it "
        "instead of deleting its items.",
        param="items",
    )


def check_new_item(subscription: Json, price_id: str, item_id: str | None) -> None:
    """Refuse a price that another item of the subscription already has."""
    for item in subscription["items"]["data"]:
        if item["price"]["id"] == price_id and item["id"] != item_id:
            raise invalid(
                f"A new item with Price {price_id} can't be added to this Subscription because an "
                f"existing Subscription Item {item['id']} is already using that Price. If you want "
                "to update the existing item (e.g., to adjust the quantity), pass the existing "
                "Subscription Item's `id` in your update request: "
                "https://stripe.com/docs/api/subscriptions/update#update_subscription-items-id",
                param="plan",
            )


def check_times(world: World, params: Json) -> None:
    """Refuse an end in the past, or two ends at once."""
    checkout_rules.only_one_of(params, "trial_end", "trial_period_days")
    checkout_rules.only_one_of(params, "cancel_at", "cancel_at_period_end")
    for name in ("trial_end", "cancel_at"):
        at = params.get(name)
        if isinstance(at, int) and at <= world.now():
            raise invalid(
                f"The parameter `{name}` expects a unix timestamp representing a date and time in "
                f"the future. You specified the value `{at}` which is in the past.",
                param=name,
            )


def check_payable(world: World, customer: Json, params: Json) -> None:
    """Refuse an immediate payment without a card, or with one that can't pay."""
    behavior = params.get("payment_behavior") or "allow_incomplete"
    if behavior == "default_incomplete" or params.get("collection_method") == "send_invoice":
        return
    chosen = params.get("default_payment_method")
    method = world.objects.get(chosen) if chosen else customers.default_method(world, customer)
    if method is None:
        raise without_method()
    if behavior == "error_if_incomplete":
        check_card(cards.of_method(method), off_session=False)


def without_method() -> ApiError:
    return invalid(
        "This customer has no attached payment source or default payment method. Please consider "
        f"adding a default payment method. For more information, visit {_PRIORITY}.",
        code="resource_missing",
    )


def check_card(card: cards.Card, *, off_session: bool) -> None:
    """Refuse a card that doesn't pay right away, if nothing may be left open."""
    if card.needs_authentication(off_session=off_session):
        raise ApiError(
            402,
            "card_error",
            "Payment for this subscription requires additional user action, but the requested "
            "payment behavior doesn't save the invoice or PaymentIntent. Retry the request with "
            "`payment_behavior=allow_incomplete` or `payment_behavior=default_incomplete`, then "
            "complete the PaymentIntent on the subscription's latest invoice. Additional "
            "information is available here: "
            "https://stripe.com/docs/billing/subscriptions/overview#requires-action",
            code="subscription_payment_intent_requires_action",
        )
    if card.is_declined(off_session=off_session):
        raise cards.refused(card)
