"""What a Checkout session can't be made of, in Stripe's words."""

from __future__ import annotations

from sandbox.stripe import amounts, currencies, customers
from sandbox.stripe.errors import ApiError, invalid
from sandbox.stripe.params import missing_parameter
from sandbox.stripe.periods import DAY
from sandbox.world import Json, World

_MINUTE = 60
_OF_MODE = {
    "customer_creation": "payment",
    "payment_intent_data": "payment",
    "payment_method_collection": "subscription",
    "setup_intent_data": "setup",
    "subscription_data": "subscription",
}
"""Parameters that belong to one mode only."""
_DEBIT = "us_bank_account"
SHORTEST_TRIAL = 2 * DAY
LONGEST_TRIAL = 730 * DAY


def check(world: World, params: Json) -> None:
    """Refuse what a session of this mode can't have, before anything is made."""
    _check_mode(params)
    _check_customer(world, params)
    only_one_of(params, "allowed_payment_method_types", "payment_method_types")
    check_methods(params)
    _check_trial(world, params.get("subscription_data") or {})
    if params["mode"] == "setup":
        _check_setup(params)
    elif not params.get("line_items"):
        raise missing_parameter("line_items")
    if not params.get("success_url"):
        raise missing_parameter("success_url")
    for index, line in enumerate(params.get("line_items") or []):
        _check_line(line, f"line_items[{index}]")
    only_one_of(params, "allow_promotion_codes", "discounts")
    for discount in params.get("discounts") or []:
        only_one_of(discount, "coupon", "promotion_code")


def methods(world: World, params: Json, currency: str) -> list[str]:
    """The payment methods a session offers: those it names, or those the account has enabled."""
    named = named_methods(params)
    if named:
        return named
    return ["card", *([_DEBIT] if world.switches.bank_debit and currency == "usd" else [])]


def named_methods(params: Json) -> list[str]:
    named = params.get("allowed_payment_method_types") or params.get("payment_method_types")
    return list(named or [])


def check_methods(params: Json) -> None:
    for method in named_methods(params):
        if method not in ("card", _DEBIT):
            raise invalid(
                f"The payment method type provided: {method} is invalid. Please ensure the "
                "provided type is activated in your dashboard "
                "(https://dashboard.stripe.com/account/payments/settings) and your account is "
                "enabled for any preview features that you are trying to use. See "
                "https://stripe.com/docs/payments/payment-methods/integration-options for "
                "supported payment method, currency, country, and parameter combinations.",
                param="payment_method_types",
            )


def check_currency_of_methods(params: Json, currency: str) -> None:
    """Refuse American bank accounts for currencies other than the dollar."""
    if _DEBIT in named_methods(params) and currency != "usd":
        raise invalid(
            f"The currency provided ({currency}) is invalid for one or more payment method types "
            f"on this Checkout Session ({_DEBIT}).",
            param="payment_method_types",
        )


def only_one_of(params: Json, *names: str) -> None:
    """Refuse parameters that exclude each other."""
    if all(params.get(name) for name in names):
        listed = ", ".join(names)
        raise invalid(f"You may only specify one of these parameters: {listed}.")


def _check_mode(params: Json) -> None:
    for name, mode in _OF_MODE.items():
        if params.get(name) and params["mode"] != mode:
            raise invalid(f"You can not pass `{name}` in `{params['mode']}` mode.", param=name)


def _check_setup(params: Json) -> None:
    """Refuse what a session that only saves a payment method can't have."""
    for name in ("line_items", "discounts", "allow_promotion_codes", "automatic_tax"):
        if params.get(name):
            raise invalid(f"You can not pass `{name}` in `setup` mode.", param=name)
    if not params.get("currency") and not named_methods(params):
        raise missing_parameter("currency")


def _check_customer(world: World, params: Json) -> None:
    only_one_of(params, "customer", "customer_email")
    only_one_of(params, "customer", "customer_creation")
    if params.get("customer"):
        customers.find(world, params["customer"], param="customer")


def _check_trial(world: World, data: Json) -> None:
    only_one_of(data, "trial_end", "trial_period_days")
    end = data.get("trial_end")
    if end is None:
        return
    param = "subscription_data[trial_end]"
    if end - world.now() < SHORTEST_TRIAL:
        raise invalid(f"The `{param}` has to be at least 2 days in the future.", param=param)
    if end - world.now() > LONGEST_TRIAL:
        raise invalid(f"The `{param}` has to be at most 730 days in the future.", param=param)


def _check_line(line: Json, path: str) -> None:
    only_one_of(line, "price", "price_data")
    if not line.get("price") and not line.get("price_data"):
        raise missing_parameter(f"{path}[price]")
    only_one_of(line.get("price_data") or {}, "product", "product_data")
    if line.get("quantity") is None:
        raise invalid(f"Quantity is required. Add `quantity` to `{path}`", param=path)


def check_price(world: World, price: Json, path: str) -> None:
    """Refuse a price that's not for sale."""
    if not price["active"]:
        raise inactive(f"{path}[price]")
    product = world.objects.get(price["product"]) or {}
    if not product.get("active"):
        raise invalid(
            f"Price `{price['id']}` is not available to be purchased because its product is not "
            "active."
        )


def inactive(param: str) -> ApiError:
    message = "The price specified is inactive. This field only accepts active prices."
    return invalid(message, param=param)


def check_lines(params: Json, lines: list[Json]) -> None:
    """Refuse lines that can't be sold in one session."""
    recurring = [line["price"]["recurring"] for line in lines if line["price"]["recurring"]]
    if params["mode"] == "payment" and recurring:
        raise invalid(
            "You specified `payment` mode but passed a recurring price. "
            "Either switch to `subscription` mode or use only one-time prices.",
            param="line_items[0][price]",
        )
    if params["mode"] == "subscription" and not recurring:
        raise invalid(
            "You must provide at least one recurring price in `subscription` mode "
            "when using prices.",
            param="line_items[0][price]",
        )
    if len({(one["interval"], one["interval_count"]) for one in recurring}) > 1:
        raise invalid("Checkout does not support multiple prices with different billing intervals.")
    _check_currencies(params.get("currency") or lines[0]["currency"], lines)


def _check_currencies(expected: str, lines: list[Json]) -> None:
    for index, line in enumerate(lines):
        if line["currency"] != expected:
            raise other_currency(line["price"], expected, f"line_items[{index}][price]")


def other_currency(price: Json, expected: str, param: str) -> ApiError:
    return invalid(
        f"The price specified only supports `{price['currency']}`. This doesn't match the "
        f"expected currency: `{expected}`.",
        param=param,
    )


def check_total(total: int, currency: str) -> None:
    """Refuse a total that can't be charged; a total of zero needs no charge."""
    least = currencies.least(currency)
    if 0 < total < least:
        figure = currencies.figure(least, currency)
        raise invalid(
            f"The Checkout Session's total amount due must add up to at least {figure} {currency}",
            code="amount_too_small",
        )
    if total > currencies.most(currency):
        figure = currencies.figure(currencies.most(currency), currency)
        raise invalid(
            f"The Checkout Session's total amount due must be no more than {figure} {currency}",
            code="amount_too_large",
        )
    amounts.check_step(total, currency, param="line_items")


def expiry(world: World, wanted: int | None) -> int:
    """When the session expires: after a day, or as requested."""
    now = world.now()
    if wanted is None:
        return now + DAY
    if not 30 * _MINUTE <= wanted - now <= DAY:
        raise invalid(
            "The `expires_at` timestamp must be at least 30 minutes and less than 24 hours "
            "from Checkout Session creation.",
            param="expires_at",
        )
    return wanted
