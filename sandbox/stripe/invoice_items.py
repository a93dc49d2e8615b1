"""Invoice items: what goes on a customer's next invoice, manually or through a price change."""

from __future__ import annotations

from sandbox.stripe import amounts, customers, invoice_taxes, prices, products, tax_rates
from sandbox.stripe.errors import invalid, missing
from sandbox.stripe.events import changing, emit, private
from sandbox.stripe.params import merge_metadata, missing_parameter, new_metadata
from sandbox.stripe.shown import copy
from sandbox.world import Json, World


def create(world: World, params: Json) -> Json:
    """A manual item; it waits for the next invoice, or joins the given draft."""
    if not params.get("customer"):
        raise missing_parameter("customer")
    customer = customers.find(world, params["customer"], param="customer")
    price = _price(world, params)
    rates = tax_rates.chosen(world, params.get("tax_rates"), param="tax_rates")
    tax_rates.check_prices([(price, rates)] if price else [])
    quantity = params.get("quantity") or 1
    if price is None and params.get("amount") is None:
        raise missing_parameter("amount")
    now = world.now()
    currency = price["currency"] if price else params.get("currency") or "usd"
    customers.check_currency(world, customer, currency)
    amount = price["unit_amount"] * quantity if price else params["amount"]
    amounts.check_step(amount, currency, param="amount")
    item = blank(
        world,
        customer["id"],
        amount=amount,
        currency=currency,
        description=params.get("description") or (_name(world, price) if price else None),
        period=(now, now),
    )
    item |= {
        "discountable": params.get("discountable", True),
        "metadata": new_metadata(params),
        "pricing": _pricing(price) if price else None,
        "quantity": quantity,
        "quantity_decimal": str(quantity),
        "tax_rates": rates,
    }
    private(item)["behavior"] = params.get("tax_behavior")
    if params.get("subscription"):
        item["parent"] = _parent(params["subscription"], None)
    world.objects.put(item)
    emit(world, "invoiceitem.created", item)
    return item


def _price(world: World, params: Json) -> Json | None:
    """Return the price that an item is for, if any: never a recurring one."""
    wanted = (params.get("pricing") or {}).get("price")
    price = prices.find(world, wanted, param="pricing[price]") if wanted else None
    if price and price["recurring"]:
        raise invalid(
            "The price specified is set to `type=recurring` but this field only accepts prices "
            "with `type=one_time`.",
            param="pricing[price]",
        )
    return price


def blank(
    world: World,
    customer_id: str,
    *,
    amount: int,
    currency: str,
    description: str | None,
    period: tuple[int, int],
) -> Json:
    """An item that isn't stored yet."""
    return {
        "id": world.new_id("ii_1"),
        "object": "invoiceitem",
        "amount": amount,
        "currency": currency,
        "customer": customer_id,
        "customer_account": None,
        "date": world.now(),
        "description": description,
        "discountable": True,
        "discounts": [],
        "frozen_fields": [],
        "invoice": None,
        "invoicing_rules": [],
        "livemode": False,
        "metadata": {},
        "net_amount": amount,
        "parent": None,
        "period": {"end": period[1], "start": period[0]},
        "pricing": None,
        "proration": False,
        "proration_details": None,
        "quantity": 1,
        "quantity_decimal": "1",
        "tax_rates": [],
        "test_clock": None,
    }


def proration(
    world: World, subscription: Json, item: Json, amount: int, text: str, period: tuple[int, int]
) -> Json:
    """What a change costs or credits for the rest of a period; not stored yet."""
    price = item["price"]
    made = blank(
        world,
        subscription["customer"],
        amount=amount,
        currency=price["currency"],
        description=f"{text} {_name(world, price)}",
        period=period,
    )
    return made | {
        "discountable": False,
        "metadata": dict(subscription["metadata"]),
        "parent": _parent(subscription["id"], item["id"]),
        "pricing": _pricing(price),
        "proration": True,
        "proration_details": {"credited_items": None, "discount_amounts": []},
        "quantity": item["quantity"],
        "quantity_decimal": str(item["quantity"]),
        "tax_rates": copy(item["tax_rates"]),
    }


def _name(world: World, price: Json) -> str:
    name: str = products.find(world, price["product"])["name"]
    return name


def _pricing(price: Json) -> Json:
    return {
        "price_details": {"price": price["id"], "product": price["product"]},
        "type": "price_details",
        "unit_amount_decimal": price["unit_amount_decimal"],
    }


def _parent(subscription_id: str, item_id: str | None) -> Json:
    return {
        "subscription_details": {"subscription": subscription_id, "subscription_item": item_id},
        "type": "subscription_details",
    }


def line(world: World, item: Json) -> Json:
    """The item as an invoice line."""
    made = {
        "id": world.new_id("il_1"),
        "object": "line_item",
        "amount": item["amount"],
        "currency": item["currency"],
        "description": item["description"],
        "discount_amounts": [],
        "discountable": item["discountable"],
        "discounts": [],
        "invoice": None,
        "livemode": False,
        "metadata": dict(item["metadata"]),
        "parent": _line_parent(item),
        "period": dict(item["period"]),
        "pretax_credit_amounts": [],
        "pricing": copy(item["pricing"]),
        "quantity": item["quantity"],
        "quantity_decimal": item["quantity_decimal"],
        "subscription": _subscription(item),
        "subtotal": item["amount"],
        "taxes": [],
    }
    return invoice_taxes.mark(made, rates=item["tax_rates"], behavior=_behavior(world, item))


def _behavior(world: World, item: Json) -> str | None:
    """Whether the item's amount includes tax: its own setting, or else its price's."""
    details = (item["pricing"] or {}).get("price_details") or {}
    price = world.objects.get(details.get("price") or "")
    of_price: str | None = price["tax_behavior"] if price else None
    return private(item).get("behavior") or of_price


def _line_parent(item: Json) -> Json:
    shared = {
        "invoice_item": item["id"],
        "proration": item["proration"],
        "proration_details": {"credited_items": None},
        "subscription": _subscription(item),
    }
    kind = "subscription_item_details" if item["proration"] else "invoice_item_details"
    details: Json = {"invoice_item_details": None, "subscription_item_details": None, "type": kind}
    if item["proration"]:
        shared["subscription_item"] = item["parent"]["subscription_details"]["subscription_item"]
    return details | {kind: shared}


def _subscription(item: Json) -> str | None:
    subscription_id: str | None = (
        item["parent"]["subscription_details"]["subscription"] if item["parent"] else None
    )
    return subscription_id


def pending(world: World, customer_id: str, subscription_id: str | None) -> list[Json]:
    """Items waiting for this subscription's invoice, or for a manual one, oldest first."""
    waiting = world.objects.list("invoiceitem", customer=customer_id, invoice=None)
    return [one for one in reversed(waiting) if _subscription(one) in (None, subscription_id)]


def settle(world: World, items: list[Json], invoice: Json) -> None:
    """Mark items as billed."""
    for item in items:
        item["invoice"] = invoice["id"]
        world.objects.put(item)


def update(world: World, item: Json, params: Json) -> Json:
    _check_waiting(item)
    with changing(world, item, "invoiceitem.updated"):
        if "amount" in params:
            item |= {"amount": params["amount"], "net_amount": params["amount"]}
        if "description" in params:
            item["description"] = params["description"]
        if "tax_rates" in params:
            item["tax_rates"] = tax_rates.chosen(world, params["tax_rates"], param="tax_rates")
        if "metadata" in params:
            item["metadata"] = merge_metadata(item["metadata"], params["metadata"])
    return item


def delete(world: World, item: Json) -> Json:
    _check_waiting(item)
    world.objects.remove(item["id"])
    emit(world, "invoiceitem.deleted", item)
    return {"id": item["id"], "object": "invoiceitem", "deleted": True}


def _check_waiting(item: Json) -> None:
    if item["invoice"]:
        raise invalid("This invoice item is already on an invoice.", code="invoice_not_editable")


def find(world: World, item_id: str) -> Json:
    item = world.objects.get(item_id)
    if item is None or item["object"] != "invoiceitem":
        raise missing("invoiceitem", item_id)
    return item
